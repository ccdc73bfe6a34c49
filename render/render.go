// Package render makes what people can look at of a document that they must not
// open: the pages of a PDF as pictures, the formatted text of an e-mail or page as
// HTML in which nothing acts and nothing is fetched. What it makes is a rendition,
// labelled as one; the original stays as it was.
//
// File parses hostile bytes: it is for a child of the sandbox. Sandboxed is what
// the desk calls.
package render

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"

	"daylight/fault"
	"daylight/internal/charset"
	"daylight/internal/htmltext"
	"daylight/internal/pdfium"
	"daylight/mail"
)

// Rendition is one thing to look at.
type Rendition struct {
	Name  string // "html", "page-0001"
	Label string // what it is and who made it, for people
	Type  string // media type
	Data  []byte
}

// Options bound what is made. Zero fields are those of DefaultOptions.
type Options struct {
	Pages int     `json:"pages"` // pictures of the first so many pages
	DPI   float64 `json:"dpi"`
}

// DefaultOptions are for reading on a screen.
var DefaultOptions = Options{Pages: 100, DPI: 100}

// maxHTML bounds a page, in bytes.
const maxHTML = 8 << 20

// File makes the renditions of a file of a media type, and gives them to each in
// order. A type that there are none of is not an error. Of a damaged file it makes
// what can be made; the error is of the kind fault.Damaged then and says what is
// missing.
func File(ctx context.Context, r io.ReaderAt, size int64, kind string, o Options, each func(Rendition) error) error {
	if o.Pages == 0 {
		o.Pages = DefaultOptions.Pages
	}
	if o.DPI == 0 {
		o.DPI = DefaultOptions.DPI
	}
	switch kind {
	case "application/pdf":
		return pages(ctx, r, size, o, each)
	case "message/rfc822":
		m, err := mail.Read(r, size, mail.Limits{}, func(mail.Part) error { return ctx.Err() })
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		return page(m.HTML(), each)
	case "text/html", "application/xhtml+xml":
		b := make([]byte, min(size, maxHTML))
		if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
			return fmt.Errorf("read page: %w", err)
		}
		text, _ := charset.Decode(b, htmltext.Charset(b))
		return page(text, each)
	}
	return nil
}

// page makes safe HTML of a page, if there is one.
func page(html string, each func(Rendition) error) error {
	if html == "" {
		return nil
	}
	cut := len(html) > maxHTML
	if cut {
		html = html[:maxHTML]
	}
	err := each(Rendition{
		Name:  "html",
		Label: "formatted text, made safe by the desk: without links, pictures and what acts",
		Type:  "text/html; charset=utf-8",
		Data:  SafeHTML(html),
	})
	if err == nil && cut {
		err = fmt.Errorf("the formatted text is longer than %d MiB: the rest is left out: %w", maxHTML>>20, fault.Damaged)
	}
	return err
}

// pages draws the pages of a PDF.
func pages(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(Rendition) error) error {
	d, err := pdfium.Open(ctx, r, size)
	if err != nil {
		return err
	}
	defer d.Close(ctx)
	var missing error
	for i := range min(d.Pages(), o.Pages) {
		img, err := d.Render(ctx, i, o.DPI)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			missing = fmt.Errorf("%w; page %d cannot be drawn", fault.Damaged, i+1)
			continue
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		if err := each(Rendition{
			Name:  fmt.Sprintf("page-%04d", i+1),
			Label: fmt.Sprintf("page %d of %d as a picture, made by the desk", i+1, d.Pages()),
			Type:  "image/png",
			Data:  b.Bytes(),
		}); err != nil {
			return err
		}
	}
	if d.Pages() > o.Pages && missing == nil {
		missing = fmt.Errorf("%w: of %d pages the first %d are drawn", fault.Damaged, d.Pages(), o.Pages)
	}
	return missing
}
