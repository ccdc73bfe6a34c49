package pdfium

import (
	"context"
	"fmt"
	"image"
	"math"

	"daylight/fault"
)

// maxPixels bounds a picture: A3 at 300 dpi has 17 million.
const maxPixels = 40_000_000

// Values of fpdfview.h.
const (
	bitmapBGRx       = 3
	withAnnotations  = 0x01
	reverseByteOrder = 0x10
)

// Render draws a page, from 0, with its annotations on white. A page that would
// have more than 40 million pixels is fault.TooLarge.
func (d *Document) Render(ctx context.Context, page int, dpi float64) (*image.RGBA, error) {
	var img *image.RGBA
	err := d.withPage(ctx, page, func(handle uint64) error {
		w, h, err := d.size(ctx, handle, dpi)
		if err != nil {
			return err
		}
		img, err = d.draw(ctx, handle, w, h)
		return err
	})
	return img, err
}

// size is that of a page in pixels. A point is 1/72 inch.
func (d *Document) size(ctx context.Context, page uint64, dpi float64) (w, h int, err error) {
	pw, err := d.call(ctx, "FPDF_GetPageWidthF", page)
	if err != nil {
		return 0, 0, err
	}
	ph, err := d.call(ctx, "FPDF_GetPageHeightF", page)
	if err != nil {
		return 0, 0, err
	}
	fw := math.Ceil(float64(math.Float32frombits(uint32(pw))) * dpi / 72)
	fh := math.Ceil(float64(math.Float32frombits(uint32(ph))) * dpi / 72)
	if !(fw >= 1 && fh >= 1) {
		return 0, 0, fmt.Errorf("size of %g × %g: %w", fw, fh, fault.Damaged)
	}
	if fw*fh > maxPixels {
		return 0, 0, fmt.Errorf("size of %g × %g pixels: %w", fw, fh, fault.TooLarge)
	}
	return int(fw), int(fh), nil
}

func (d *Document) draw(ctx context.Context, page uint64, w, h int) (*image.RGBA, error) {
	stride := 4 * w
	at, err := d.alloc(ctx, uint64(stride*h))
	if err != nil {
		return nil, err
	}
	defer d.free(ctx, at)
	bitmap, err := d.call(ctx, "FPDFBitmap_CreateEx", uint64(w), uint64(h), bitmapBGRx, at, uint64(stride))
	if err == nil && bitmap == 0 {
		err = fault.TooLarge
	}
	if err != nil {
		return nil, err
	}
	defer d.call(ctx, "FPDFBitmap_Destroy", bitmap)
	if _, err := d.call(ctx, "FPDFBitmap_FillRect", bitmap, 0, 0, uint64(w), uint64(h), 0xffffffff); err != nil {
		return nil, err
	}
	if _, err := d.call(ctx, "FPDF_RenderPageBitmap", bitmap, page, 0, 0, uint64(w), uint64(h), 0,
		withAnnotations|reverseByteOrder); err != nil {
		return nil, err
	}
	b, ok := d.mod.Memory().Read(uint32(at), uint32(stride*h))
	if !ok {
		return nil, fmt.Errorf("picture outside of memory: %w", fault.Damaged)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	copy(img.Pix, b)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 0xff // the fourth byte of BGRx means nothing
	}
	return img, nil
}
