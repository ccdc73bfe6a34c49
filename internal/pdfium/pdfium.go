// Package pdfium reads PDF files: their text, what they say of themselves, and
// pictures of their pages. It is PDFium, the library of the Chromium browser, as
// WebAssembly: memory-safe towards us, without files, network, clock or
// environment. Each Document has a memory of its own, so that a hostile file
// cannot reach what the next one gives.
//
// Even so it is for use inside the sandbox: a file can ask for much memory and
// time. See README.md for where pdfium.wasm.gz comes from.
package pdfium

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"daylight/fault"
)

// ErrPassword says that the file opens only with a password. It is of the kind
// fault.Damaged: nothing of it can be read.
var ErrPassword = fmt.Errorf("pdf: needs a password: %w", fault.Damaged)

// maxSize bounds the file, which is copied into the guest's memory.
const maxSize = 512 << 20

// Document is an open PDF. It is for one goroutine.
type Document struct {
	mod    api.Module
	handle uint64 // FPDF_DOCUMENT
	pages  int
}

// Open reads a PDF of size bytes. It fails with ErrPassword, with fault.TooLarge
// when it does not fit into the guest's memory, and with fault.Damaged when
// PDFium cannot make a document of it. ctx bounds every later call too.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*Document, error) {
	if size > maxSize {
		return nil, fmt.Errorf("pdf of %d bytes: %w", size, fault.TooLarge)
	}
	e, err := compiled()
	if err != nil {
		return nil, err
	}
	mod, err := e.runtime.InstantiateModule(ctx, e.module, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, fmt.Errorf("start pdfium: %w", err)
	}
	d := &Document{mod: mod}
	if err := d.load(ctx, r, size); err != nil {
		d.Close(ctx)
		return nil, err
	}
	return d, nil
}

func (d *Document) load(ctx context.Context, r io.ReaderAt, size int64) error {
	for _, start := range []string{"emscripten_stack_init", "__wasm_call_ctors", "FPDF_InitLibrary"} {
		if _, err := d.call(ctx, start); err != nil {
			return fmt.Errorf("start pdfium: %w", err)
		}
	}
	at, err := d.alloc(ctx, uint64(size))
	if err != nil {
		return err
	}
	body, ok := d.mod.Memory().Read(uint32(at), uint32(size))
	if !ok {
		return fmt.Errorf("pdf of %d bytes: %w", size, fault.TooLarge)
	}
	if n, err := r.ReadAt(body, 0); n < len(body) {
		return fmt.Errorf("read pdf: %w", err)
	}
	// The bytes stay allocated as long as the document: PDFium reads from them.
	if d.handle, err = d.call(ctx, "FPDF_LoadMemDocument64", at, uint64(size), 0); err != nil {
		return fmt.Errorf("open pdf: %w", err)
	}
	if d.handle == 0 {
		return d.lastError(ctx)
	}
	n, err := d.call(ctx, "FPDF_GetPageCount", d.handle)
	if err != nil {
		return fmt.Errorf("open pdf: %w", err)
	}
	d.pages = max(0, int(int32(n)))
	return nil
}

// Values of FPDF_GetLastError (fpdfview.h).
const (
	lastPassword = 4
	lastSecurity = 5
)

func (d *Document) lastError(ctx context.Context) error {
	code, err := d.call(ctx, "FPDF_GetLastError")
	switch {
	case err != nil:
		return fmt.Errorf("open pdf: %w", err)
	case code == lastPassword:
		return ErrPassword
	case code == lastSecurity:
		return fmt.Errorf("pdf: unknown kind of encryption: %w", fault.Damaged)
	}
	return fmt.Errorf("pdf: not readable as one: %w", fault.Damaged)
}

// Pages is the number of pages.
func (d *Document) Pages() int { return d.pages }

// Close frees the document with all its memory.
func (d *Document) Close(ctx context.Context) error { return d.mod.Close(ctx) }

// call runs a function of PDFium. A trap (a bug in PDFium that the file found) is
// fault.Damaged; the document is of no more use then, but the process is.
func (d *Document) call(ctx context.Context, name string, args ...uint64) (uint64, error) {
	res, err := d.mod.ExportedFunction(name).Call(ctx, args...)
	if cause := ctx.Err(); err != nil && cause != nil {
		return 0, cause
	}
	if err != nil {
		return 0, errors.Join(fault.Damaged, err)
	}
	if len(res) == 0 {
		return 0, nil
	}
	return res[0], nil
}

// alloc gives size bytes of guest memory, to be freed with free or Close.
func (d *Document) alloc(ctx context.Context, size uint64) (uint64, error) {
	at, err := d.call(ctx, "malloc", max(size, 1))
	if err == nil && at == 0 {
		err = fmt.Errorf("pdf: %d bytes of memory: %w", size, fault.TooLarge)
	}
	return at, err
}

func (d *Document) free(ctx context.Context, at uint64) { d.call(ctx, "free", at) }
