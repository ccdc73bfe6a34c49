package web

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"

	"daylight/fault"
)

// parts are those of a form with files, one after the other. The head of each is read
// whole before it says anything, also before there is a place to upload: so it may be
// of some length only, where the standard library takes 10 MiB. So may all heads together,
// with what nobody reads of parts.
type parts struct {
	io.ReadCloser // the body
	form          *multipart.Reader
	part          *multipart.Part // the last
	left          int64           // bytes that may be read before the head ends
	n             int64           // bytes that were
	unread        int64           // of them, those of heads and of what nobody read
	long          bool            // more than may be
}

// maxHead has room for the longest name of a file that is kept, however it is escaped.
const maxHead = 16 << 10

// maxUnread is more than a message that somebody means to be read.
const maxUnread = 8 << 20

var errOver = fmt.Errorf("head of a part, or what is not read of it: %w", fault.TooLarge)

func partsOf(r *http.Request) (*parts, error) {
	p := &parts{ReadCloser: r.Body, left: maxHead}
	r.Body = p
	var err error
	p.form, err = r.MultipartReader()
	r.Body = p.ReadCloser
	return p, err
}

// next is the next part, and how many bytes were read to get to it, with up to 4 KiB
// that follow its head. After what is too long there is errOver, and nothing else.
func (p *parts) next() (*multipart.Part, int64, error) {
	if p.long {
		return nil, 0, errOver
	}
	before := p.n
	if p.part != nil {
		io.CopyN(io.Discard, p.part, maxUnread-p.unread)
	}
	p.left = min(maxHead, maxUnread-p.unread-(p.n-before))
	part, err := p.form.NextRawPart()
	p.part, p.left = part, math.MaxInt64
	p.unread += p.n - before
	p.long = errors.Is(err, errOver) || p.unread >= maxUnread
	return part, p.n - before, err
}

func (p *parts) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errOver
	}
	n, err := p.ReadCloser.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	p.n += int64(n)
	return n, err
}
