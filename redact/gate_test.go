package redact_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"daylight/fault"
	"daylight/redact"
)

// The forms that the tests plant: three scripts, a number, one that is short.
var planted = []string{"Irène Kovač", "Олег Иванов", "سالم الطويل", "+44 20 7946 0018", "Li"}

// around is clean text to plant into.
const around = "The tide tables of the harbour were copied by hand in the spring of that year, and nobody looked. "

// way is one way to hide a text. It returns nil for a text that cannot be hidden so.
type way struct {
	name string
	hide func(string) []byte
}

var ways = []way{
	{"plain", func(s string) []byte { return []byte(s) }},
	{"upper case", func(s string) []byte { return []byte(strings.ToUpper(s)) }},
	{"hyphenated", func(s string) []byte { return []byte(strings.Replace(s, "ov", "o-\nv", 1)) }},
	{"quoted-printable", func(s string) []byte {
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		w.Binary = !utf8.ValidString(s)
		io.WriteString(w, s)
		w.Close()
		return b.Bytes()
	}},
	{"every byte quoted", func(s string) []byte { return []byte(eachByte(s, "=%02X")) }},
	{"percent", func(s string) []byte { return []byte(url.QueryEscape(s)) }},
	{"every byte percent", func(s string) []byte { return []byte(eachByte(s, "%%%02x")) }},
	{"decimal entities", func(s string) []byte { return []byte(eachRune(s, "&#%d;")) }},
	{"hexadecimal entities", func(s string) []byte { return []byte(eachRune(s, "&#x%x;")) }},
	{"tags", func(s string) []byte {
		return []byte("<p>" + strings.ReplaceAll(html.EscapeString(s), "v", "<b>v</b>") + "</p>")
	}},
	{"JSON", func(s string) []byte {
		if !utf8.ValidString(s) {
			return nil
		}
		b, _ := json.Marshal(map[string]string{"a\n": s})
		return b
	}},
	{"JSON escapes", func(s string) []byte {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(s)) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
		return []byte(b.String())
	}},
	{"C escapes", func(s string) []byte { return []byte(eachByte(s, `\x%02x`)) }},
	{"code point escapes", func(s string) []byte { return []byte(eachRune(s, `\u{%x}`)) }},
	{"base64", func(s string) []byte { return []byte(base64.StdEncoding.EncodeToString([]byte(s))) }},
	{"base64 after one byte", func(s string) []byte { return []byte(base64.StdEncoding.EncodeToString([]byte("." + s))) }},
	{"base64 after two bytes", func(s string) []byte { return []byte(base64.StdEncoding.EncodeToString([]byte(". " + s))) }},
	{"base64 for URLs", func(s string) []byte { return []byte(base64.RawURLEncoding.EncodeToString([]byte(s + "?>?>?>"))) }},
	{"base64 behind letters", func(s string) []byte { return []byte("x" + base64.StdEncoding.EncodeToString([]byte(s))) }},
	{"base64 in lines", func(s string) []byte {
		code := base64.StdEncoding.EncodeToString([]byte(around + s + around))
		var b strings.Builder
		for line := range slices.Chunk([]byte(code), 76) {
			fmt.Fprintf(&b, "> %s\r\n", line)
		}
		return []byte(b.String())
	}},
	{"RFC 2047 B", func(s string) []byte { return []byte("Subject: " + mime.BEncoding.Encode("utf-8", "é "+s)) }},
	{"RFC 2047 Q", func(s string) []byte { return []byte("Subject: " + mime.QEncoding.Encode("utf-8", "é "+s)) }},
	{"hexadecimal", func(s string) []byte { return []byte(hex.EncodeToString([]byte(s))) }},
	{"hexadecimal, odd", func(s string) []byte { return []byte("a" + hex.EncodeToString([]byte(s))) }},
	{"hexadecimal dump", func(s string) []byte { return []byte(eachByte(s, "%02x ")) }},
	{"C array", func(s string) []byte { return []byte(eachByte(s, "0x%02x, ")) }},
	{"UTF-16, little end first", func(s string) []byte { return utf16Bytes(s, false) }},
	{"UTF-16, big end first", func(s string) []byte { return utf16Bytes(s, true) }},
	{"UTF-16 after an odd byte", func(s string) []byte { return append([]byte{7}, utf16Bytes(s, false)...) }},
	{"an older character set", func(s string) []byte {
		for _, c := range []*charmap.Charmap{charmap.KOI8R, charmap.Windows1256, charmap.Windows1250} {
			if b, err := c.NewEncoder().Bytes([]byte(s)); err == nil {
				return b
			}
		}
		return nil
	}},
	{"gzip", func(s string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, s)
		w.Close()
		return b.Bytes()
	}},
	{"zlib", func(s string) []byte {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		io.WriteString(w, s)
		w.Close()
		return b.Bytes()
	}},
	{"zlib without its end", func(s string) []byte {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		io.WriteString(w, s)
		w.Flush()
		return b.Bytes()
	}},
	{"zip", func(s string) []byte { return zipped("member.txt", s, zip.Deflate) }},
	{"zip, stored", func(s string) []byte { return zipped("member.txt", s, zip.Store) }},
	{"name in a zip", func(s string) []byte { return zipped(s, "text", zip.Deflate) }},
}

func eachByte(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func eachRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func utf16Bytes(s string, big bool) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func zipped(name, content string, method uint16) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	io.WriteString(f, content)
	w.Close()
	return b.Bytes()
}

func check(t testing.TB, data []byte, forms []string) []redact.Finding {
	t.Helper()
	found, err := redact.Check(context.Background(), "output", bytes.NewReader(data), forms)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func hits(found []redact.Finding, form int) bool {
	return slices.ContainsFunc(found, func(f redact.Finding) bool { return f.Form == form })
}

// Each form is found in each way of hiding, alone and in the middle of clean text,
// and in each way inside of each other that a mail or an office file has.
func TestGateFindsWhatIsPlanted(t *testing.T) {
	for i, form := range planted {
		for _, w := range ways {
			for _, text := range []string{around + form + ", " + around, form + " was here"} {
				data := w.hide(text)
				if data == nil {
					continue
				}
				if !hits(check(t, data, planted), i) {
					t.Errorf("%q, %s: not found in %.60q", form, w.name, data)
				}
				for _, outer := range ways {
					if !slices.Contains([]string{"base64", "base64 in lines", "quoted-printable", "zip", "gzip", "JSON", "percent"}, outer.name) {
						continue
					}
					if nested := outer.hide(string(data)); nested != nil && !hits(check(t, nested, planted), i) {
						t.Errorf("%q, %s in %s: not found in %.60q", form, w.name, outer.name, nested)
					}
				}
			}
		}
	}
}

func TestGateFindsBackwards(t *testing.T) {
	r := []rune(around + planted[0] + around)
	slices.Reverse(r)
	found := check(t, []byte(string(r)), planted)
	if !hits(found, 0) || found[0].Way[0] != "backwards" {
		t.Errorf("found %v", found)
	}
}

// What Text has made passes the gate, whatever it was.
func TestGatePassesWhatTextMade(t *testing.T) {
	for _, s := range []string{
		around + strings.Join(planted, " and ") + around,
		strings.ToUpper(strings.Join(planted, "")),
		"irene.kovac@mail.example, Irène\n> Kovač, Ире́не, oлeг ивановым, К. Олегиванов",
	} {
		clean, n := redact.Text(s, planted)
		if found := check(t, []byte(clean), planted); n == 0 || len(found) > 0 {
			t.Errorf("%q: %d taken out, then %v", clean, n, found)
		}
	}
}

// Clean text and bytes without sense raise no alarm.
func TestGateIsQuietOnCleanBytes(t *testing.T) {
	clean := strings.Repeat(around, 500) + "police, Berlin, кивание, иваново дело, 7946 0018"
	if found := check(t, []byte(clean), []string{"Irène Kovač", "سالم الطويل", "+44 20 7946 0018", "Li"}); len(found) > 0 {
		t.Errorf("clean text: %v", found)
	}
	for _, w := range ways {
		if data := w.hide(around + around); data != nil {
			if found := check(t, data, planted); len(found) > 0 {
				t.Errorf("clean text, %s: %v", w.name, found)
			}
		}
	}
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	if found := check(t, noise, planted); len(found) > 0 {
		t.Errorf("noise: %v", found)
	}
	code := base64.StdEncoding.EncodeToString(noise[:1<<18])
	if found := check(t, []byte(code), planted); len(found) > 0 {
		t.Errorf("noise in base64: %v", found)
	}
}

func TestGateSaysWhatItCouldNotSearch(t *testing.T) {
	var bomb bytes.Buffer
	w, _ := flate.NewWriter(&bomb, 9)
	zeros := make([]byte, 1<<20)
	for range 8 {
		w.Write(zeros)
	}
	w.Close()
	head := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), make([]byte, 20)...)
	encrypted := append([]byte("PK\x03\x04\x14\x00\x01\x00\x08\x00"), make([]byte, 20)...)
	for name, data := range map[string][]byte{
		"a bomb":              append(head, bomb.Bytes()...),
		"an encrypted member": append(encrypted, "xxxxxxxx"...),
	} {
		data = append(data, " Irène Kovač"...)
		found, err := redact.Check(context.Background(), "output", bytes.NewReader(data), planted)
		if !errors.Is(err, fault.TooLarge) {
			t.Errorf("%s: %v; want fault.TooLarge", name, err)
		}
		if !hits(found, 0) {
			t.Errorf("%s: what could be searched was not: %v", name, found)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := redact.Check(ctx, "output", strings.NewReader(around), planted); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestFindingDoesNotRepeatTheForm(t *testing.T) {
	found := check(t, []byte(base64.StdEncoding.EncodeToString([]byte(around+planted[0]+planted[0]))), planted)
	if len(found) != 1 || found[0].Count != 2 || !slices.Equal(found[0].Way, []string{"base64"}) {
		t.Fatalf("found %v", found)
	}
	if s := found[0].String(); strings.Contains(s, "Kov") || !strings.Contains(s, "form 1, 2 times") {
		t.Errorf("finding: %s", s)
	}
}

// Names that are in nobody's mail are not found in real mail.
func TestGateIsQuietOnRealMail(t *testing.T) {
	root := os.Getenv("DAYLIGHT_CORPORA")
	if root == "" {
		t.Skip("DAYLIGHT_CORPORA names no folder of real documents")
	}
	gate := redact.NewGate([]string{"Zbyněk Kvapilíček", "Аграфена Пустозвонова", "+44 20 7946 0018", "Xqz"})
	files, bytes, seen := 0, int64(0), 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if seen++; seen%29 != 0 { // some of everything
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if st, err := f.Stat(); err != nil || st.Size() > 1<<20 {
			return err
		} else {
			bytes += st.Size()
		}
		files++
		found, err := gate.Check(context.Background(), fmt.Sprint("file ", files), f)
		if errors.Is(err, fault.TooLarge) {
			err = nil
		}
		for _, f := range found {
			t.Errorf("false alarm: %v", f)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files: %v", files, err)
	}
	t.Logf("%d files, %d bytes", files, bytes)
}

func FuzzCheck(f *testing.F) {
	for _, w := range ways {
		f.Add(w.hide(planted[0] + " " + around))
	}
	gate := redact.NewGate(planted)
	f.Fuzz(func(t *testing.T, data []byte) {
		// Whatever surrounds it, what stands plainly is found, unless it has joined a word.
		data = append(append(data, "\n; "...), planted[1]+";\n"...)
		found, err := gate.Check(t.Context(), "output", bytes.NewReader(data))
		if err != nil && !errors.Is(err, fault.TooLarge) {
			t.Fatal(err)
		}
		if !hits(found, 1) && len(found) < 100 {
			t.Errorf("not found: %v", found)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("Dear Irène Ko-\nvač", "Irène Kovač")
	f.Fuzz(func(t *testing.T, s, form string) {
		clean, n := redact.Text(s, []string{form})
		if n == 0 && clean != s {
			t.Errorf("%q changed to %q", s, clean)
		}
		if strings.Contains(form, "█") {
			return
		}
		if again, n := redact.Text(clean, []string{form}); n > 0 {
			t.Errorf("%q is %q and then %q", s, clean, again)
		}
	})
}

func BenchmarkCheckText(b *testing.B) {
	data := []byte(strings.Repeat(around+"=E9 &amp; <b>it</b>\n", 10_000))
	gate := redact.NewGate(planted)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := gate.Check(context.Background(), "output", bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
