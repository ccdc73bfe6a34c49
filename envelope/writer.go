package envelope

import (
	"fmt"
	"hash"
	"io"
)

// EntryWriter takes the bytes of one entry.
type EntryWriter interface {
	io.WriteCloser
	// Cut ends the entry in place of Close, and says that more was to come.
	Cut() error
}

// entryWriter gathers bytes to frames.
type entryWriter struct {
	s    *Sealer
	buf  []byte
	sum  hash.Hash // of a file, where a receipt is to follow
	n    int64
	done bool
}

func (w *entryWriter) Write(p []byte) (int, error) {
	if w.done {
		return 0, errClosed
	}
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), MaxFrame-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(w.buf) == MaxFrame {
			if err := w.flush(); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

func (w *entryWriter) flush() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if len(w.buf) > 0 {
		w.s.frame(frameData, w.buf)
		if w.sum != nil {
			w.sum.Write(w.buf)
		}
	}
	w.n += int64(len(w.buf))
	clear(w.buf)
	w.buf = w.buf[:0]
	return w.s.err
}

func (w *entryWriter) Close() error { return w.end(false) }
func (w *entryWriter) Cut() error   { return w.end(true) }

func (w *entryWriter) end(cut bool) error {
	if w.done {
		return nil
	}
	w.done = true
	w.flush()
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.record(frameEnd, end{Count: w.n, Cut: cut})
	if w.sum != nil {
		r, err := w.s.custody.Sign([32]byte(w.sum.Sum(nil)))
		if err != nil && w.s.err == nil {
			w.s.err = fmt.Errorf("seal: %w", err)
		}
		w.s.record(frameReceipt, r)
	}
	w.s.open = nil
	w.s.entries++
	w.s.cut = w.s.cut || cut
	return w.s.err
}
