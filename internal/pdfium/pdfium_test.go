package pdfium_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"strings"
	"testing"

	"daylight/fault"
	"daylight/internal/pdfium"
)

// pdf makes a file of one page for each content stream, 200 × 100 points.
func pdf(info string, pages ...string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	b.WriteString("%PDF-1.4\n")
	kids := make([]string, len(pages))
	for i := range pages {
		kids[i] = fmt.Sprintf("%d 0 R", 5+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Join(kids, " "), len(pages)))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	object("<<" + info + ">>")
	for i, content := range pages {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", 6+2*i))
		object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(content), content))
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}

func open(t testing.TB, b []byte) *pdfium.Document {
	t.Helper()
	d, err := pdfium.Open(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(context.Background()) })
	return d
}

func TestText(t *testing.T) {
	d := open(t, pdf("/Title(The harbour)/Author<FEFF041004300430>",
		"BT /F 12 Tf 10 70 Td (First line) Tj 0 -20 Td (second line) Tj ET",
		"BT /F 12 Tf 10 70 Td (Caf\\351) Tj ET"))
	if d.Pages() != 2 {
		t.Errorf("%d pages; want 2", d.Pages())
	}
	for page, want := range []string{"First line\nsecond line", "Café"} {
		if got, err := d.Text(t.Context(), page); err != nil || got != want {
			t.Errorf("page %d: %q, %v; want %q", page, got, err, want)
		}
	}
	if _, err := d.Text(t.Context(), 2); !errors.Is(err, fault.NotFound) {
		t.Errorf("page 3 of 2: %v; want not found", err)
	}
	info, err := d.Info(t.Context())
	if err != nil || len(info) != 2 || info["Title"] != "The harbour" || info["Author"] != "Ааа" {
		t.Errorf("info %q, %v", info, err)
	}
}

func TestRender(t *testing.T) {
	d := open(t, pdf("", "1 0 0 rg 0 0 100 100 re f")) // the left half is red
	img, err := d.Render(t.Context(), 0, 144)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size().String(); got != "(400,200)" {
		t.Errorf("size %s; want (400,200)", got)
	}
	red, white := color.RGBA{255, 0, 0, 255}, color.RGBA{255, 255, 255, 255}
	if got := img.RGBAAt(100, 100); got != red {
		t.Errorf("left is %v; want red", got)
	}
	if got := img.RGBAAt(300, 100); got != white {
		t.Errorf("right is %v; want white", got)
	}
	if _, err := d.Render(t.Context(), 0, 1e6); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a million dots per inch: %v; want too large", err)
	}
}

func TestDamaged(t *testing.T) {
	whole := pdf("", "BT /F 12 Tf 10 70 Td (still here) Tj ET")
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("no PDF at all"), "header only": []byte("%PDF-1.7\n"),
	} {
		_, err := pdfium.Open(t.Context(), bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, fault.Damaged) {
			t.Errorf("%s: %v; want damaged", name, err)
		}
	}
	// Without its table of objects a file is still readable.
	cut := whole[:bytes.Index(whole, []byte("xref\n"))]
	if got, err := open(t, append(cut, "trailer<</Root 1 0 R>>"...)).Text(t.Context(), 0); got != "still here" {
		t.Errorf("without xref: %q, %v", got, err)
	}
	if _, err := pdfium.Open(t.Context(), bytes.NewReader(whole), int64(len(whole))+1); err == nil {
		t.Error("a reader that ends early: no error")
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := open(t, pdf("", "BT ET"))
	cancel()
	if _, err := d.Text(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}

func TestOrigin(t *testing.T) {
	f, err := os.Open("pdfium.wasm.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, z); err != nil {
		t.Fatal(err)
	}
	const want = "71aec412a303a0405baee21c3d6d3f30ad2033dc02444130fe476be3976e2d09"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("pdfium.wasm is %s; README.md says %s", got, want)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(pdf("/Title(t)", "BT /F 12 Tf (text) Tj ET"))
	f.Add([]byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj trailer<</Root 1 0 R>>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := pdfium.Open(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		defer d.Close(t.Context())
		d.Info(t.Context())
		for i := range min(d.Pages(), 3) {
			d.Text(t.Context(), i)
			d.Render(t.Context(), i, 20)
		}
	})
}
