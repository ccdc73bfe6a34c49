package web_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/desk/sqlite"
	"daylight/envelope"
	"daylight/intake"
	"daylight/internal/sqlkit"
)

// newsroom is an intake with a desk that fetches from it.
type newsroom struct {
	*house
	*source
	w    *desktest.World
	seen int // messages that were looked at
}

// newNewsroom makes one, with a source who has come back: no keys are derived any more.
func newNewsroom(t *testing.T) *newsroom {
	t.Helper()
	h := newHouse(t, func(_ *house, o *intake.Options) {
		many := intake.Rate{Burst: 1e6, Hour: 1}
		all := intake.Rates{Begins: many, Returns: many, Submissions: many, Pages: many, Bytes: intake.Rate{Burst: 1e15, Hour: 1}}
		o.Limits.All, o.Limits.Visit = all, all
	})
	db, err := sqlite.Open(t.Context(), t.TempDir()+"/desk.db", &sqlkit.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := desktest.NewWorld(t, db.Stores())
	w.Private = []envelope.PrivateKey{h.key}
	s := h.source(t)
	s.post("/return", "codename", s.begin())
	return &newsroom{house: h, source: s, w: w}
}

type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// taken is what the desk has of the next submission. There must be one.
func (n *newsroom) taken(t fatal) desk.Message {
	t.Helper()
	if _, err := n.w.Fetch(n.source.t.Context(), n.in.Courier()); err != nil {
		t.Fatalf("fetch: %v", err)
	}
	all, err := n.w.Conversations(n.source.t.Context(), "handler")
	if err != nil || len(all) != 1 || len(all[0].Messages) != n.seen+1 {
		t.Fatalf("%d conversations, %v; want one more message", len(all), err)
	}
	n.seen++
	return all[0].Messages[n.seen-1]
}

func (n *newsroom) bytesOf(t fatal, f desk.File) []byte {
	t.Helper()
	r, err := n.w.Options.Blobs.Open(n.source.t.Context(), f.Ref)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return b
}

// content is so many bytes that are no text and repeat nowhere soon.
func content(seed, n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", seed, i))
		b.Write(sum[:])
	}
	return b.String()[:n]
}

// boundaries are where something changes on the way: a buffer of the network or of a
// form, a frame, a chunk of age, the buffer of intake, the least size of an envelope.
var boundaries = []int{0, 512, 4 << 10, 32 << 10, envelope.MaxFrame, 64 << 10, 2 * envelope.MaxFrame, 128 << 10, 3 * envelope.MaxFrame, 192 << 10}

// TestEverySizeAroundEveryBoundary: what the desk opens is what was sent, byte for
// byte, whatever the size.
func TestEverySizeAroundEveryBoundary(t *testing.T) {
	n := newNewsroom(t)
	for i, b := range boundaries {
		var files []file
		for size := max(0, b-7); size <= b+7; size++ {
			files = append(files, file{fmt.Sprintf("%d.bin", size), content(size, size)})
		}
		message := fmt.Sprintf("%x", content(i, b))[:min(b, 90_000)]
		n.send(message, files...).wants(t, 200, "It has arrived")
		m := n.taken(t)
		if len(message) > desk.MaxText && len(m.Files) > 0 {
			m.Text, m.Files = string(n.bytesOf(t, m.Files[0])), m.Files[1:]
		}
		if m.Cut || len(m.Files) != len(files) {
			t.Fatalf("around %d: %d files, cut %v; want %d", b, len(m.Files), m.Cut, len(files))
		}
		if m.Text != message {
			t.Errorf("a message of %d bytes: the desk has %d", len(message), len(m.Text))
		}
		for j, f := range m.Files {
			if f.Name != files[j].name || f.Cut || f.Size != int64(len(files[j].body)) || string(n.bytesOf(t, f)) != files[j].body {
				t.Errorf("%s: the desk has %q, %d bytes, cut %v", files[j].name, f.Name, f.Size, f.Cut)
			}
		}
	}
}

// TestAroundEveryStepOfPadding sends files of which the envelope is just within a
// padded size, and just beyond.
func TestAroundEveryStepOfPadding(t *testing.T) {
	n := newNewsroom(t)
	sealedSize := func(size int) int64 {
		n.send("", file{"a", content(1, size)}).wants(t, 200, "It has arrived")
		list, err := n.in.Courier().Envelopes(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%d envelopes, %v", len(list), err)
		}
		m := n.taken(t)
		if len(m.Files) != 1 || m.Files[0].Size != int64(size) || string(n.bytesOf(t, m.Files[0])) != content(1, size) {
			t.Errorf("%d bytes: the desk has %+v", size, m.Files)
		}
		return list[0].Size
	}
	steps := map[int64]bool{}
	for _, step := range []int64{envelope.Floor, envelope.Padded(envelope.Floor + 1), envelope.Padded(200_000)} {
		// Where the envelope's size steps is found by halving, then each size around it.
		low, high := int(step)-6<<10, int(step) // with its frames the file is a little larger
		small := sealedSize(low)
		for high-low > 1 {
			mid := (low + high) / 2
			if sealedSize(mid) == small {
				low = mid
			} else {
				high = mid
			}
		}
		for size := low - 3; size <= high+3; size++ {
			steps[sealedSize(size)] = true
		}
	}
	if len(steps) < 4 {
		t.Errorf("only %d sizes of envelopes were seen", len(steps))
	}
}

// TestBreaks sends several files, and the request breaks off at any byte: all files
// before it are whole, of the one that broke what arrived is there, and the page says
// which.
func TestBreaks(t *testing.T) {
	n := newNewsroom(t)
	u, _ := url.Parse(n.house.url)
	cookie := n.c.Jar.Cookies(u)[0].Value
	rapid.Check(t, func(t *rapid.T) {
		var files []file
		for i := range rapid.IntRange(1, 4).Draw(t, "files") {
			size := rapid.OneOf(
				rapid.Custom(func(t *rapid.T) int {
					return max(0, rapid.SampledFrom(boundaries).Draw(t, "boundary")+rapid.IntRange(-3, 3).Draw(t, "off"))
				}),
				rapid.IntRange(0, 300_000),
			).Draw(t, "size")
			files = append(files, file{fmt.Sprintf("%d.bin", i), content(i, size)})
		}
		message := "What this is."
		body, typ := n.house.multipartBody(message, files...)
		all, _ := io.ReadAll(body)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		page := broken(t, u.Host, cookie, typ, all, cut)

		// What must have arrived: up to the last byte that cannot belong to a boundary.
		boundary := strings.Split(typ, "boundary=")[1]
		textAt := bytes.Index(all, []byte("\r\n\r\n"+message)) + 4
		if cut <= textAt { // perhaps nothing
			if cut < textAt && !strings.Contains(page, "Nothing was kept.") {
				t.Fatalf("cut at %d of %d: %s", cut, len(all), page)
			}
			if !strings.Contains(page, "What is listed here is kept.") {
				return
			}
		}
		m := n.taken(t)
		at := textAt
		for i, f := range files {
			at += bytes.Index(all[at:], []byte("filename=\""+f.name+"\""))
			at += bytes.Index(all[at:], []byte("\r\n\r\n")) + 4
			ends := at + len(f.body) + len("\r\n--"+boundary)
			most := max(0, min(cut-at, len(f.body)))
			least := most - len("\r\n--"+boundary)
			switch {
			case cut >= ends+2: // with what follows the boundary
				if i >= len(m.Files) || m.Files[i].Cut || string(n.bytesOf(t, m.Files[i])) != f.body {
					t.Fatalf("cut at %d: file %d of %d bytes had arrived by %d, and is not whole", cut, i, len(f.body), ends)
				}
				if !strings.Contains(page, f.name) {
					t.Fatalf("the page does not list what arrived: %s", page)
				}
			case i < len(m.Files):
				sent, got := f.body, n.bytesOf(t, m.Files[i])
				if cut == ends+1 { // of "--", which ends the last boundary, one is there: it is none, for all that one can tell
					sent += "\r\n--" + boundary + "-"
					most = len(sent)
				}
				if !strings.HasPrefix(sent, string(got)) || len(got) > most || len(got) < least || !m.Files[i].Cut && len(got) < len(f.body) {
					t.Fatalf("cut at %d: file %d of %d bytes from %d: the desk has %d, cut %v", cut, i, len(f.body), at, len(got), m.Files[i].Cut)
				}
			case least > 0:
				t.Fatalf("cut at %d: nothing is there of file %d of %d bytes from %d", cut, i, len(f.body), at)
			}
			at += len(f.body)
		}
		if wantCut := cut < len(all)-len("--\r\n"); m.Cut != wantCut && cut < len(all)-4-2 {
			t.Fatalf("cut at %d of %d: the message is cut: %v", cut, len(all), m.Cut)
		}
	})
}

// broken sends the first bytes of a request, no more, and reads the page.
func broken(t fatal, host, cookie, typ string, all []byte, cut int) string {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /send HTTP/1.1\r\nHost: %s\r\nCookie: visit=%s\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", host, cookie, typ, len(all))
	if _, err := conn.Write(all[:cut]); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatalf("close: %v", err)
	}
	page, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(page)
}
