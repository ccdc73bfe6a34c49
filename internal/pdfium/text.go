package pdfium

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"daylight/fault"
)

// InfoNames are the entries of the document information dictionary (ISO 32000-1,
// 14.3.3) that Info reads, in this order.
var InfoNames = [...]string{"Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate"}

// maxUnits bounds one text from the guest: 64 Mi UTF-16 units.
const maxUnits = 64 << 20

// Info is what the file says of itself, by the names in InfoNames; empty entries
// are left out. Dates are as written ("D:20190401120000+02'00'").
func (d *Document) Info(ctx context.Context) (map[string]string, error) {
	info := map[string]string{}
	for _, name := range InfoNames {
		key, err := d.cString(ctx, name)
		if err != nil {
			return info, err
		}
		v, err := d.meta(ctx, key)
		d.free(ctx, key)
		if err != nil {
			return info, fmt.Errorf("pdf information %s: %w", name, err)
		}
		if v = strings.TrimSpace(v); v != "" {
			info[name] = v
		}
	}
	return info, nil
}

func (d *Document) meta(ctx context.Context, key uint64) (string, error) {
	n, err := d.call(ctx, "FPDF_GetMetaText", d.handle, key, 0, 0)
	if err != nil || n <= 2 {
		return "", err
	}
	return d.utf16(ctx, n/2, func(at uint64) (uint64, error) {
		n, err := d.call(ctx, "FPDF_GetMetaText", d.handle, key, at, n)
		return n / 2, err
	})
}

// Text is the text of a page, from 0, in the order of the file, lines apart by
// "\n". A word that PDFium saw divided at the end of a line is put together.
func (d *Document) Text(ctx context.Context, page int) (string, error) {
	var text string
	err := d.withPage(ctx, page, func(handle uint64) error {
		tp, err := d.call(ctx, "FPDFText_LoadPage", handle)
		if err != nil {
			return err
		}
		if tp == 0 {
			return fmt.Errorf("no text to be had: %w", fault.Damaged)
		}
		defer d.call(ctx, "FPDFText_ClosePage", tp)
		n, err := d.call(ctx, "FPDFText_CountChars", tp)
		if err != nil || int32(n) <= 0 {
			return err
		}
		// Count is of characters; each may be a surrogate pair, and a 0 ends them.
		text, err = d.utf16(ctx, 2*n+1, func(at uint64) (uint64, error) {
			return d.call(ctx, "FPDFText_GetText", tp, 0, n, at)
		})
		return err
	})
	return tidy.Replace(text), err
}

// tidy undoes PDFium's marks: U+0002 and U+FFFE stand for a hyphen at the end of a
// line, lines end with CR LF.
var tidy = strings.NewReplacer(
	"\x02\r\n", "", "\x02\n", "", "\x02", "",
	"\ufffe\r\n", "", "\ufffe\n", "", "\ufffe", "",
	"\r\n", "\n", "\r", "\n", "\x00", "")

// withPage loads a page for f. Errors name it as people count, from 1.
func (d *Document) withPage(ctx context.Context, page int, f func(handle uint64) error) error {
	if page < 0 || page >= d.pages {
		return fmt.Errorf("page %d of %d: %w", page+1, d.pages, fault.NotFound)
	}
	handle, err := d.call(ctx, "FPDF_LoadPage", d.handle, uint64(page))
	if err == nil && handle == 0 {
		err = fault.Damaged
	}
	if err != nil {
		return fmt.Errorf("page %d of %d: %w", page+1, d.pages, err)
	}
	defer d.call(ctx, "FPDF_ClosePage", handle)
	if err := f(handle); err != nil {
		return fmt.Errorf("page %d of %d: %w", page+1, d.pages, err)
	}
	return nil
}

// utf16 lets fill write up to units UTF-16 units and say how many it wrote, and
// decodes them up to the first 0.
func (d *Document) utf16(ctx context.Context, units uint64, fill func(at uint64) (uint64, error)) (string, error) {
	if units > maxUnits {
		return "", fmt.Errorf("text of %d characters: %w", units, fault.TooLarge)
	}
	at, err := d.alloc(ctx, 2*units)
	if err != nil {
		return "", err
	}
	defer d.free(ctx, at)
	n, err := fill(at)
	if err != nil {
		return "", err
	}
	b, ok := d.mod.Memory().Read(uint32(at), uint32(2*min(n, units)))
	if !ok {
		return "", fmt.Errorf("text outside of memory: %w", fault.Damaged)
	}
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u)), nil
}

func (d *Document) cString(ctx context.Context, s string) (uint64, error) {
	at, err := d.alloc(ctx, uint64(len(s))+1)
	if err == nil && !d.mod.Memory().Write(uint32(at), append([]byte(s), 0)) {
		err = fault.Damaged
	}
	return at, err
}
