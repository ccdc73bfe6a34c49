package extract_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"daylight/extract"
)

// member is a file of an archive made for a test.
type member struct {
	name, body string
	flags      uint16
	method     uint16
}

// makeZip writes a zip file whose names stand as they are given, without the flag
// that says UTF-8.
func makeZip(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: m.method, Flags: m.flags, NonUTF8: true,
			CRC32: crc32.ChecksumIEEE([]byte(m.body)), UncompressedSize64: uint64(len(m.body)), CompressedSize64: uint64(len(m.body))}
		var to io.Writer
		var err error
		if m.method == zip.Deflate {
			to, err = w.CreateHeader(h)
		} else {
			to, err = w.CreateRaw(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// one reads a file and its parts.
func one(t testing.TB, name string, b []byte) found {
	t.Helper()
	return tree(t, name, file(name, b), 32, extract.Limits{})[0]
}

// inside lists the parts of a file: "name: type: text: error".
func inside(t testing.TB, name string, b []byte, l extract.Limits) []string {
	t.Helper()
	var list []string
	for _, f := range tree(t, name, file(name, b), 31, l)[1:] {
		list = append(list, fmt.Sprintf("%s: %s: %.40s: %s", strings.TrimPrefix(f.path, name+"/"), f.Type, f.Text, strings.TrimSpace(f.err)))
	}
	return list
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func TestType(t *testing.T) {
	mailText := "From: a@north.example\nTo: b@south.example\nSubject: s\nDate: Mon, 2 Mar 2015 10:11:12 +0300\n\ntext\n"
	fromLine := "From a@north.example Mon Mar  2 07:11:12 2015\n"
	russian, err := charmap.KOI8R.NewEncoder().String("Отчёт о встрече с подрядчиками, которые ждут оплаты.\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, body, want string }{
		{"a.eml", mailText, "message/rfc822"},
		{"a", mailText, "message/rfc822"},
		{"a.txt", mailText, "message/rfc822"},
		{"a.eml", fromLine + mailText, "message/rfc822"},
		{"a", fromLine + mailText, "message/rfc822"},
		{"a", fromLine + mailText + "\n" + fromLine + mailText, "application/mbox"},
		{"a.mbox", fromLine + mailText, "application/mbox"},
		{"a", "From -\n" + mailText + "\nFrom -\n" + mailText, "application/mbox"},
		{"a.emlx", "117       \n" + mailText + "<plist/>", "message/rfc822"},
		{"a.txt", "\xef\xbb\xbf" + mailText, "message/rfc822"},
		{"settings.txt", "From: here\nColour: blue\n\nText", "text/plain"},
		{"a.txt", "just text", "text/plain"},
		{"a", russian, "text/plain"},
		{"a.bin", russian, "text/plain"},
		{"a", "\xff\xfet\x00e\x00x\x00t\x00", "text/plain"},
		{"a.txt", "<!-- a comment --><p>x<!DOCTYPE html><html>", "text/html"},
		{"a.html", "no tags at all", "text/html"},
		{"a.csv", "a;b\n1;2\n", "text/csv"},
		{"a.pdf", "%PDF-1.4\n", "application/pdf"},
		{"a", "bytes before it\n%PDF-1.4\n", "application/pdf"},
		{"a.doc", string(makeZip(t, member{name: "x"})), "application/zip"},
		{"a.zip", string(makeZip(t, member{name: "word/document.xml"})), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"a", "\x00\x01\x02\x03\x04\xfe\xfd", "application/octet-stream"},
		{"a.eml", "\x00\x01\x02\x03\x04\xfe\xfd", "application/octet-stream"},
		{"a", "", "application/x-empty"},
		{"a.jpg", "\x89PNG\r\n\x1a\n", "image/png"},
		{"a", "{\\rtf1 text}", "text/rtf"},
	} {
		if got := one(t, c.name, []byte(c.body)).Type; got != c.want {
			t.Errorf("%s %.40q: %s; want %s", c.name, c.body, got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	russian, err := charmap.Windows1251.NewEncoder().String("Отчёт о встрече\r\nс подрядчиками")
	if err != nil {
		t.Fatal(err)
	}
	r := one(t, "a.txt", []byte(russian))
	same(t, "text", r.Text, "Отчёт о встрече\nс подрядчиками")
	same(t, "facts", fmt.Sprint(r.Facts), "[{Charset windows-1251}]")
}

func TestPage(t *testing.T) {
	r := one(t, "a.html", []byte(`<html lang="fr"><head><meta charset=iso-8859-1><title>Le `+"\xe9t\xe9"+`</title><meta name="author" content="A. Nowhere">
		<meta name="dcterms.created" content="2015-03-02T10:11:12+03:00"></head><body><p>Un<p>deux</body>`))
	same(t, "title", r.Title, "Le été")
	same(t, "text", r.Text, "Un\n\ndeux")
	same(t, "date", r.Date.Format(time.RFC3339), "2015-03-02T07:11:12Z")
	same(t, "facts", fmt.Sprint(r.Facts), "[{Language fr} {author A. Nowhere} {dcterms.created 2015-03-02T10:11:12+03:00}]")
}

func TestZip(t *testing.T) {
	old, err := charmap.CodePage866.NewEncoder().String("папка/отчёт.txt")
	if err != nil {
		t.Fatal(err)
	}
	b := makeZip(t,
		member{name: "folder/"},
		member{name: "../../etc/x.txt", body: "a path is only text"},
		member{name: old, body: "text", method: zip.Deflate},
		member{name: "secret.txt", body: "sealed", flags: 1},
		member{name: "odd", body: "?", method: 97},
		member{name: "", body: "no name"},
	)
	want := []string{
		"../../etc/x.txt: text/plain: a path is only text: ",
		"папка/отчёт.txt: text/plain: text: ",
		"secret.txt: application/x-empty: : encrypted: it cannot be read without the password",
		"odd: application/x-empty: : compressed in a way that cannot be read here",
		": text/plain: no name: ",
	}
	same(t, "parts", inside(t, "a.zip", b, extract.Limits{}), want)
	if r := one(t, "a.zip", b); !r.Container || r.Error != "" || r.Unread {
		t.Errorf("container %v, error %q, unread %v", r.Container, r.Error, r.Unread)
	}
}

// TestDamagedZip cuts the directory off, breaks a member, and cuts inside of one.
func TestDamagedZip(t *testing.T) {
	long := strings.Repeat("one line of many that say little\n", 100)
	whole := makeZip(t, member{name: "a.txt", body: long, method: zip.Deflate}, member{name: "b.txt", body: long})
	headless := whole[:bytes.Index(whole, []byte("PK\x01\x02"))]
	want := []string{"a.txt: text/plain: one line of many that say little\none lin: ", "b.txt: text/plain: one line of many that say little\none lin: "}
	same(t, "without directory", inside(t, "a.zip", headless, extract.Limits{}), want)
	if r := one(t, "a.zip", headless); r.Error == "" || r.Unread || !r.Container {
		t.Errorf("without directory: error %q, unread %v", r.Error, r.Unread)
	}

	broken := bytes.Replace(whole, []byte("many that say little\n"), []byte("many that say nothing"), 1)
	parts := inside(t, "a.zip", broken, extract.Limits{})
	if len(parts) != 2 || !strings.HasSuffix(parts[1], "damaged: the checksum does not match") {
		t.Errorf("wrong checksum: %q", parts)
	}

	cut := headless[:len(headless)-1000]
	parts = inside(t, "a.zip", cut, extract.Limits{})
	if len(parts) != 2 || !strings.HasSuffix(parts[1], "cut: the rest is missing") || !strings.Contains(parts[1], "one line") {
		t.Errorf("cut: %q", parts)
	}

	if r := one(t, "a.zip", []byte("PK\x03\x04 and nothing more that makes sense")); !r.Unread || r.Error == "" {
		t.Errorf("nothing to read: unread %v, error %q", r.Unread, r.Error)
	}
}

// TestBomb wants a container to end at each of its limits, with what came before.
func TestBomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 8<<20)
	b := makeZip(t, member{name: "first.txt", body: "text"}, member{name: "bomb", body: zeros, method: zip.Deflate}, member{name: "last.txt", body: "text"})
	for name, l := range map[string]extract.Limits{
		"ratio": {Ratio: 100}, "bytes": {PartBytes: 1 << 20}, "parts": {Parts: 1},
	} {
		all := tree(t, "a.zip", file("a.zip", b), 31, l)
		total := 0
		for _, f := range all[1:] {
			total += f.size
		}
		if len(all) > 3 || total > 3<<20 || !strings.Contains(all[0].Error, "the rest is left out") {
			t.Errorf("%s: %d parts, %d bytes, %q", name, len(all)-1, total, all[0].Error)
		}
		if name != "parts" && (len(all) != 3 || !strings.HasPrefix(strings.TrimSpace(all[2].err), "cut: its container unpacks to more than")) {
			t.Errorf("%s: %+v", name, all)
		}
	}
	if all := tree(t, "a.zip", file("a.zip", b), 31, extract.Limits{Ratio: 2000}); len(all) != 4 || all[0].Error != "" {
		t.Errorf("within limits: %d parts, %q", len(all)-1, all[0].Error)
	}
}

// TestClosed wants a container that is not opened to say so.
func TestClosed(t *testing.T) {
	for name, head := range map[string]string{"a.7z": "7z\xbc\xaf\x27\x1c\x00\x04", "a.pst": "!BDN\x00\x00", "winmail.dat": "\x78\x9f\x3e\x22\x01\x00"} {
		if r := one(t, name, []byte(head)); !r.Container || r.Error == "" || r.Unread {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestTarAndGzip(t *testing.T) {
	var out bytes.Buffer
	g := gzip.NewWriter(&out)
	w := tar.NewWriter(g)
	for _, h := range []*tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir}, {Name: "d/a.txt", Size: 4, Typeflag: tar.TypeReg}, {Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, "text"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range tree(t, "a.tgz", file("a.tgz", out.Bytes()), 0, extract.Limits{}) {
		paths = append(paths, f.path+" "+f.Type)
	}
	same(t, "paths", paths, []string{"a.tgz application/gzip", "a.tgz/a.tar application/x-tar", "a.tgz/a.tar/d/a.txt text/plain"})

	cut := out.Bytes()[:out.Len()-12]
	if parts := tree(t, "a.tgz", file("a.tgz", cut), 31, extract.Limits{}); len(parts) != 2 || parts[1].size == 0 || parts[1].err == "" {
		t.Errorf("cut: %+v", parts)
	}
}

const wordXML = `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w"><w:body>
<w:p><w:r><w:t>First</w:t></w:r><w:r><w:tab/><w:t xml:space="preserve"> line &amp; more</w:t></w:r></w:p>
<w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:r><w:instrText>HYPERLINK</w:instrText><w:t>second</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
</w:body></w:document>`

func TestDocx(t *testing.T) {
	b := makeZip(t,
		member{name: "[Content_Types].xml", body: "<Types/>"},
		member{name: "word/footer1.xml", body: `<w:ftr><w:p><w:r><w:t>the footer</w:t></w:r></w:p></w:ftr>`},
		member{name: "word/document.xml", body: wordXML, method: zip.Deflate},
		member{name: "word/comments.xml", body: `<w:comments><w:comment><w:p><w:r><w:t>a comment</w:t></w:r></w:p></w:comment></w:comments>`},
		member{name: "word/media/image1.png", body: "not a part"},
		member{name: "word/embeddings/sheet.txt", body: "embedded"},
		member{name: "docProps/core.xml", body: `<cp:coreProperties><dc:title>The title</dc:title><dc:creator>A. Nowhere</dc:creator><dcterms:created>2015-03-02T10:11:12Z</dcterms:created></cp:coreProperties>`},
	)
	r := one(t, "a.docx", b)
	same(t, "title", r.Title, "The title")
	same(t, "date", r.Date.Format(time.RFC3339), "2015-03-02T10:11:12Z")
	same(t, "facts", fmt.Sprint(r.Facts), "[{title The title} {creator A. Nowhere} {created 2015-03-02T10:11:12Z}]")
	same(t, "text", strings.Fields(r.Text), strings.Fields("First line & more second a b a comment the footer"))
	same(t, "parts", inside(t, "a.docx", b, extract.Limits{}), []string{"sheet.txt: text/plain: embedded: "})

	half := makeZip(t, member{name: "word/document.xml", body: wordXML[:len(wordXML)/2]})
	if r := one(t, "a.docx", half); !strings.Contains(r.Text, "First") || r.Error == "" {
		t.Errorf("cut document: %q, error %q", r.Text, r.Error)
	}
	big := makeZip(t, member{name: "word/document.xml", body: "<w:t>" + strings.Repeat("a ", 1<<20) + "</w:t>", method: zip.Deflate})
	f := file("a.docx", big)
	cut, err := extract.Extract(context.Background(), f, extract.Limits{Text: 1000}, nil)
	if err != nil || len(cut.Text) > 4<<20 || cut.Error == "" {
		t.Errorf("long document: %d bytes, %q, %v", len(cut.Text), cut.Error, err)
	}
}

// makePDF writes a PDF of one page with a line of text.
func makePDF(line string) []byte {
	var out bytes.Buffer
	var at []int
	object := func(s string) {
		at = append(at, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	out.WriteString("%PDF-1.4\n")
	content := "BT /F 12 Tf 72 720 Td (" + line + ") Tj ET"
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>")
	object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(content), content))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	object("<</Title(The report)/Author(A. Nowhere)/CreationDate(D:20150302101112+03'00')>>")
	xref := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&out, "trailer<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return out.Bytes()
}

func TestPDF(t *testing.T) {
	r := one(t, "a.pdf", makePDF("The committee approved it."))
	same(t, "text", r.Text, "The committee approved it.")
	same(t, "title", r.Title, "The report")
	same(t, "date", r.Date.Format(time.RFC3339), "2015-03-02T07:11:12Z")
	same(t, "error", r.Error, "")
	if len(r.Facts) < 4 || r.Facts[0].Name != "Pages" || r.Facts[0].Value != "1" {
		t.Errorf("facts %v", r.Facts)
	}
	if r := one(t, "a.pdf", []byte("%PDF-1.4\nand nothing else")); r.Error == "" || r.Type != "application/pdf" || !r.Unread {
		t.Errorf("damaged: %+v", r)
	}
}

func TestMailParts(t *testing.T) {
	raw := "From: a@north.example\nSubject: s\nList-Id: <x>\nDate: Mon, 2 Mar 2015 10:11:12 +0300\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n" +
		"Content-Type: application/octet-stream; name=a.zip\nContent-Transfer-Encoding: base64\n\nUEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==\n--b\n" +
		"Content-Type: message/rfc822\n\nSubject: inner\n\ninner text\n--b--\n"
	all := tree(t, "a.eml", file("a.eml", []byte(raw)), 0, extract.Limits{})
	if len(all) != 3 || all[1].Type != "application/zip" || all[2].Title != "inner" || all[2].Text != "inner text" {
		t.Fatalf("%+v", all)
	}
	r := all[0]
	if r.Title != "s" || r.Text != "text" || !r.Container || r.Message == nil || r.Message.Domain != "north.example" || !r.Message.Bulk || len(r.Facts) != 5 {
		t.Errorf("%+v", r)
	}
}

// TestEmlx wants the message alone, and to hear of one that is cut.
func TestEmlx(t *testing.T) {
	message := "From: a@north.example\nTo: b@south.example\nSubject: s\n\ntext\n"
	whole := fmt.Sprintf("%-10d\n%s<?xml version=\"1.0\"?><plist/>", len(message), message)
	r := one(t, "a.emlx", []byte(whole))
	same(t, "text", r.Text, "text")
	same(t, "error", r.Error, "")
	if r := one(t, "a.emlx", []byte("900\n"+message)); r.Text != "text" || r.Error == "" {
		t.Errorf("cut: %+v", r)
	}
}

// TestErrors wants errors of the caller and of the context back, and those of
// reading in the result.
func TestErrors(t *testing.T) {
	stop := errors.New("stop")
	files := map[string][]byte{
		"a.zip":  makeZip(t, member{name: "x", body: "x"}),
		"a.eml":  []byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b--\n"),
		"a.mbox": []byte("From a@north.example Mon Mar  2 07:11:12 2015\nSubject: s\n\n"),
	}
	for name, b := range files {
		_, err := extract.Extract(context.Background(), file(name, b), extract.Limits{}, func(extract.Part) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("%s: %v; want stop", name, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := extract.Extract(ctx, file(name, b), extract.Limits{}, func(extract.Part) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want canceled", name, err)
		}
	}
	r, err := extract.Extract(context.Background(), extract.File{Name: "a", Body: deadDisk{}, Size: 100}, extract.Limits{}, nil)
	if err != nil || !r.Unread || r.Error == "" {
		t.Errorf("dead disk: %+v, %v", r, err)
	}
}

type deadDisk struct{}

func (deadDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("no medium") }

func FuzzExtract(f *testing.F) {
	f.Add("a.zip", makeZip(f, member{name: "a", body: "text", method: zip.Deflate}, member{name: "b", body: "x"}))
	f.Add("a.docx", makeZip(f, member{name: "word/document.xml", body: wordXML, method: zip.Deflate}))
	f.Add("a.zip", []byte("PK\x03\x04\x14\x00\x08\x00\x08\x00aaaaaaaaaaaaaaaa\x01\x00\x00\x00x\x03\x00"))
	f.Add("a.html", []byte("<meta charset=koi8-r><p>\xc1"))
	f.Add("a.eml", []byte("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b--\n"))
	f.Add("a.mbox", []byte("From a@north.example Mon Mar  2 07:11:12 2015\nSubject: s\n\n"))
	f.Add("a.gz", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x01\x00\xfe\xffx\x83\x16\xdc\x8c\x01\x00\x00\x00"))
	f.Add("a.txt", []byte("\xff\xfet\x00"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if bytes.Contains(b, []byte("%PDF-")) {
			return // internal/pdfium has a fuzz test of its own, and takes its time
		}
		for _, r := range tree(t, "f", file(name, b), 28, extract.Limits{PartBytes: 1 << 20, Parts: 100, Text: 1 << 16}) {
			if r.Type == "" || !utf8.ValidString(r.Text+r.Title+r.Error+r.path+r.err) || strings.Contains(r.Title, "\n") {
				t.Errorf("%+v", r)
			}
		}
	})
}
