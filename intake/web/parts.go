package web

import (
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"

	"daylight/fault"
)

// parts are those of a form with files, one after the other. The head of each is read
// whole before it says anything, also before there is a place to upload: so it may be
// of some length only, where the standard library takes 10 MiB.
type parts struct {
	io.ReadCloser // the body
	form          *multipart.Reader
	part          *multipart.Part // the last
	left          int64           // bytes that may be read before the head ends
	n             int64           // bytes that were
}

// maxHead has room for the longest name of a file that is kept, however it is escaped.
const maxHead = 16 << 10

var errHead = fmt.Errorf("head of a part: %w", fault.TooLarge)

func partsOf(r *http.Request) (*parts, error) {
	p := &parts{ReadCloser: r.Body, left: maxHead}
	r.Body = p
	var err error
	p.form, err = r.MultipartReader()
	r.Body = p.ReadCloser
	return p, err
}

// next is the next part, and how many bytes were read to get to it, with up to 4 KiB
// that follow its head. After a head that is too long there is errHead, and nothing else.
func (p *parts) next() (*multipart.Part, int64, error) {
	before := p.n
	if p.part != nil {
		io.Copy(io.Discard, p.part)
	}
	p.left = maxHead
	var err error
	p.part, err = p.form.NextRawPart()
	p.left = math.MaxInt64
	return p.part, p.n - before, err
}

func (p *parts) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errHead
	}
	n, err := p.ReadCloser.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	p.n += int64(n)
	return n, err
}
