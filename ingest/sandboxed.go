package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"daylight/extract"
	"daylight/sandbox"
)

// Handler is the name under which Serve must be given to sandbox.Child.
const Handler = "extract"

// Kinds of message from Serve to Sandboxed.
const (
	msgPart   = 'p' // partHead, as JSON: a part begins
	msgBody   = 'b' // some bytes of it
	msgEnd    = 'e' // the part ends; what is wrong with its bytes, or nothing
	msgText   = 't' // some text of the file
	msgResult = 'r' // extract.Result without its text, as JSON
)

type fileHead struct {
	Name   string         `json:"name"`
	Type   string         `json:"type"`
	Limits extract.Limits `json:"limits"`
}

type partHead struct {
	Name  string `json:"name,omitempty"`
	Type  string `json:"type,omitempty"`
	Error string `json:"error,omitempty"`
}

// maxText bounds names and words that go through the pipe with a part.
const maxText = 16 << 10

// Serve runs extract.Extract in a child of the sandbox.
func Serve(ctx context.Context, in *sandbox.Input, out *sandbox.Output) error {
	return serve(extract.Extract)(ctx, in, out)
}

func serve(read extract.Func) sandbox.Handler {
	return func(ctx context.Context, in *sandbox.Input, out *sandbox.Output) error {
		var h fileHead
		if err := json.Unmarshal(in.Args, &h); err != nil {
			return err
		}
		buf := make([]byte, 128<<10)
		f := extract.File{Name: h.Name, Type: h.Type, Body: in, Size: in.Size}
		res, err := read(ctx, f, h.Limits, func(p extract.Part) error { return sendPart(out, p, buf) })
		if err != nil {
			return err
		}
		for text := res.Text; text != ""; {
			n := min(len(text), sandbox.MaxMessage)
			if err := out.Send(msgText, []byte(text[:n])); err != nil {
				return err
			}
			text = text[n:]
		}
		res.Text = ""
		b, err := json.Marshal(res)
		if err == nil && len(b) > sandbox.MaxMessage {
			// Half a million headers: nobody reads them, and the bytes are kept.
			res.Facts, res.Error = nil, join(res.Error, "too many properties to keep them")
			if b, err = json.Marshal(res); len(b) > sandbox.MaxMessage {
				return errors.New("result too large")
			}
		}
		if err != nil {
			return err
		}
		return out.Send(msgResult, b)
	}
}

func sendPart(out *sandbox.Output, p extract.Part, buf []byte) error {
	head, err := json.Marshal(partHead{cut(p.Name, maxText), cut(p.Type, maxText), cut(p.Error, maxText)})
	if err != nil {
		return err
	}
	if err := out.Send(msgPart, head); err != nil {
		return err
	}
	var wrong string
	for p.Body != nil {
		n, err := p.Body.Read(buf)
		if n > 0 {
			if err := out.Send(msgBody, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			wrong = cut(err.Error(), maxText)
			break
		}
	}
	return out.Send(msgEnd, []byte(wrong))
}

// Sandboxed is extract.Extract in a child of the pool, where Serve is its handler.
// A file that breaks a budget or the child gives what came before, with an error;
// budgets of time grow with the file.
func Sandboxed(pool *sandbox.Pool) extract.Func {
	budget := pool.Budget()
	return func(ctx context.Context, f extract.File, l extract.Limits, part func(extract.Part) error) (extract.Result, error) {
		args, err := json.Marshal(fileHead{cut(f.Name, maxText), cut(f.Type, maxText), l})
		if err != nil {
			return extract.Result{}, err
		}
		more := time.Duration(f.Size>>20) * time.Second / 2
		req := sandbox.Request{Handler: Handler, Args: args, Body: f.Body, Size: f.Size,
			Budget: sandbox.Budget{CPU: budget.CPU + more, Wall: budget.Wall + more}}
		for {
			r := receiver{part: part, most: 2 * max(l.Text, extract.DefaultLimits.Text)}
			if err := r.run(ctx, pool, req); err != nil {
				return extract.Result{}, err
			}
			if !r.again() || req.Fresh {
				return r.result()
			}
			req.Fresh = true
		}
	}
}

// receiver puts together what Serve sends. It believes nothing: a child that was
// taken over by what it read may send anything.
type receiver struct {
	call  *sandbox.Call
	part  func(extract.Part) error
	most  int64 // bytes of text
	parts int
	text  strings.Builder
	res   extract.Result
	whole bool  // the result came
	ended error // why the child came to no good end
}

// again reports whether what the child read before may be why it ended, and
// nothing was handed on that would come twice.
func (r *receiver) again() bool {
	var e *sandbox.Ended
	return r.parts == 0 && errors.As(r.ended, &e) && e.Warm && (e.Cause == sandbox.Memory || e.Cause == sandbox.Crashed)
}

// run returns only errors that are not the file's.
func (r *receiver) run(ctx context.Context, pool *sandbox.Pool, req sandbox.Request) (err error) {
	if r.call, err = pool.Start(ctx, req); err != nil {
		return err
	}
	defer r.call.Close()
	for r.ended == nil {
		kind, data, err := r.call.Next()
		var ended *sandbox.Ended
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &ended):
			r.ended = err
		case err != nil:
			// that of ctx
		case kind == msgPart:
			err = r.onePart(data)
		case kind == msgText && int64(r.text.Len()+len(data)) <= r.most:
			r.text.Write(data)
		case kind == msgResult && !r.whole && json.Unmarshal(data, &r.res) == nil:
			r.whole = true
		default:
			r.ended = garbled
		}
		if err != nil && r.ended == nil {
			return err
		}
	}
	return nil
}

// garbled is the end of a child that sends what Serve does not.
var garbled = &sandbox.Ended{Cause: sandbox.Garbled}

func (r *receiver) onePart(data []byte) error {
	var h partHead
	if json.Unmarshal(data, &h) != nil {
		r.ended = garbled
		return nil
	}
	r.parts++
	body := &partBody{receiver: r}
	if err := r.part(extract.Part{Name: h.Name, Type: h.Type, Error: h.Error, Body: body}); err != nil {
		return err
	}
	for body.err == nil { // what was not read is skipped
		io.Copy(io.Discard, body)
	}
	return nil
}

func (r *receiver) result() (extract.Result, error) {
	r.res.Text = strings.ToValidUTF8(r.text.String(), "\ufffd")
	if r.whole && r.ended == nil {
		return r.res, nil
	}
	r.res = extract.Result{Type: "application/octet-stream", Text: r.res.Text}
	why := "the program that reads it gave no result"
	if r.ended != nil {
		why = r.ended.Error()
	}
	r.res.Error = why
	r.res.Container = r.parts > 0
	r.res.Unread = r.parts == 0 && r.res.Text == ""
	return r.res, nil
}

// partBody is the bytes of the part that is coming in.
type partBody struct {
	*receiver
	rest []byte
	err  error
}

func (b *partBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 && b.err == nil {
		kind, data, err := b.call.Next()
		var ended *sandbox.Ended
		switch {
		case errors.As(err, &ended):
			b.ended = err
			b.err = fmt.Errorf("cut: %w", err)
		case err == io.EOF:
			b.err = io.ErrUnexpectedEOF
		case err != nil:
			b.err = err
		case kind == msgBody:
			b.rest = data
		case kind == msgEnd && len(data) == 0:
			b.err = io.EOF
		case kind == msgEnd:
			b.err = errors.New(strings.ToValidUTF8(cut(string(data), maxText), "\ufffd"))
		default:
			b.ended, b.err = garbled, fmt.Errorf("cut: %w", garbled)
		}
	}
	if len(b.rest) > 0 {
		n := copy(p, b.rest)
		b.rest = b.rest[n:]
		return n, nil
	}
	return 0, b.err
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// join puts two texts about what is wrong together.
func join(a, b string) string {
	if a == "" || a == b {
		return b
	}
	if b == "" {
		return a
	}
	return a + "; " + b
}
