package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"daylight/fault"
	"daylight/sandbox"
)

// Handler is the name under which Serve must be given to sandbox.Child.
const Handler = "render"

// Kinds of message from Serve.
const (
	msgHead = 'h' // Rendition without its data, as JSON
	msgData = 'd' // some bytes of it
	msgEnd  = 'e' // it is whole
	msgLost = 'l' // what could not be made
)

type task struct {
	Type    string  `json:"type"`
	Options Options `json:"options"`
}

// Func is the shape of File.
type Func func(ctx context.Context, r io.ReaderAt, size int64, kind string, o Options, each func(Rendition) error) error

// Serve runs File in a child of the sandbox.
func Serve(ctx context.Context, in *sandbox.Input, out *sandbox.Output) error {
	var t task
	if err := json.Unmarshal(in.Args, &t); err != nil {
		return err
	}
	err := File(ctx, in, in.Size, t.Type, t.Options, func(r Rendition) error {
		data := r.Data
		r.Data = nil
		head, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := out.Send(msgHead, head); err != nil {
			return err
		}
		for len(data) > 0 {
			n := min(len(data), sandbox.MaxMessage)
			if err := out.Send(msgData, data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		return out.Send(msgEnd, nil)
	})
	if errors.Is(err, fault.Damaged) || errors.Is(err, fault.TooLarge) {
		return out.Send(msgLost, []byte(err.Error()))
	}
	return err
}

// maxRendition bounds one rendition, in bytes.
const maxRendition = 256 << 20

// Sandboxed is File in a child of the pool, where Serve is its handler. A file
// that breaks a budget gives what came before, and fault.Damaged.
func Sandboxed(pool *sandbox.Pool) Func {
	return func(ctx context.Context, r io.ReaderAt, size int64, kind string, o Options, each func(Rendition) error) error {
		args, err := json.Marshal(task{kind, o})
		if err != nil {
			return err
		}
		call, err := pool.Start(ctx, sandbox.Request{Handler: Handler, Args: args, Body: r, Size: size})
		if err != nil {
			return err
		}
		defer call.Close()
		var now Rendition
		var lost error
		for {
			kind, data, err := call.Next()
			switch {
			case err == io.EOF:
				return lost
			case err != nil:
				return err
			case kind == msgHead:
				now = Rendition{}
				if err := json.Unmarshal(data, &now); err != nil {
					return fmt.Errorf("rendition from the sandbox: %w", err)
				}
			case kind == msgData:
				if len(now.Data)+len(data) > maxRendition {
					return fmt.Errorf("rendition: %w", fault.TooLarge)
				}
				now.Data = append(now.Data, data...)
			case kind == msgEnd:
				if err := each(now); err != nil {
					return err
				}
			case kind == msgLost:
				lost = fmt.Errorf("%.1000s: %w", data, fault.Damaged)
			}
		}
	}
}
