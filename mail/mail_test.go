package mail_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"daylight/mail"
)

func TestParseDate(t *testing.T) {
	for s, want := range map[string]string{
		"Mon, 2 Mar 2015 10:11:12 +0300":                           "2015-03-02T07:11:12Z",
		"2 Mar 2015 10:11 -0530":                                   "2015-03-02T15:41:00Z",
		"Fri, 21 Nov 97 09:55:06 EST":                              "1997-11-21T14:55:06Z", // RFC 5322, A.6.2
		"21 Nov 04 9:55 UT":                                        "2004-11-21T09:55:00Z",
		"Thu,\r\n 13\r\n Feb 1969 23:32 -0330":                     "", // before 1970
		"Thu, 13 Feb 1997 23:32:54 -0330 (Newfoundland)":           "1997-02-14T03:02:54Z",
		"Mon (a (nested) comment) Mar 2 10:11:12 2015":             "2015-03-02T10:11:12Z", // asctime
		"Sunday, 06-Nov-94 08:49:37 GMT":                           "1994-11-06T08:49:37Z", // RFC 850
		"2015-03-02T10:11:12+03:00":                                "2015-03-02T07:11:12Z",
		"2015-03-02 10:11:12.345":                                  "2015-03-02T10:11:12Z",
		"Mon, 2 Mar 2015 10:11:12 GMT+0300":                        "2015-03-02T07:11:12Z",
		"Mon, 02 Mar 2015 10:11:12 +0300 MSK":                      "2015-03-02T07:11:12Z",
		"Mon, 2 March 2015 3:11:12 PM":                             "2015-03-02T15:11:12Z",
		"Mon, 2 Mar 2015 23:59:60 +0000":                           "2015-03-02T23:59:59Z", // a leap second
		"Mon, 2 Mar 115 10:11:12 +0000":                            "2015-03-02T10:11:12Z", // RFC 5322, 4.3
		"Mon, 2 Mar 2015":                                          "2015-03-02T00:00:00Z",
		"Mon, 05 Aug 2002 08:51:39 -1700":                          "2002-08-06T01:51:39Z",
		"ada@north.example Mon Mar  2 07:11:12 2015 remote from x": "2015-03-02T07:11:12Z",
		"yesterday":                 "",
		"":                          "",
		"02/03/2015 10:11":          "", // two readings
		"Mon, 2 Mar 2215 10:11:12":  "",
		"Mon, 99 Mar 2015 10:11:12": "",
		"Mon, 2 Mar 2015 99:11:12":  "",
		strings.Repeat("(", 1000):   "",
		"2 Mar 2015 " + strings.Repeat("1:", 200): "2015-03-02T01:01:01Z",
	} {
		got, ok := mail.ParseDate(s)
		text := got.Format(time.RFC3339)
		if !ok {
			text = ""
		}
		if text != want {
			t.Errorf("%.80q: %s; want %s", s, text, want)
		}
	}
}

func TestDomain(t *testing.T) {
	for addr, want := range map[string]string{
		"a@mail.north.co.uk": "north.co.uk", "A@NORTH.EXAMPLE.": "north.example", "a@президент.рф": "xn--d1abbgf6aiiy.xn--p1ai",
		"a@localhost": "", "a@10.0.0.1": "", "a@[10.0.0.1]": "", "no address": "", "": "", "a@co.uk": "", "a@b@c.example": "c.example",
	} {
		if got := mail.Domain(addr); got != want {
			t.Errorf("%s: %q; want %q", addr, got, want)
		}
	}
}

const fromLine = "From ada@north.example Mon Mar  2 07:11:12 2015\n"

func TestBulk(t *testing.T) {
	for header, want := range map[string]bool{
		"Subject: hello":                      false,
		"Auto-Submitted: no":                  false,
		"Auto-Submitted: No; by=hand":         false,
		"auto-submitted: auto-replied":        true,
		"List-Id: <port.lists.example>":       true,
		"LIST-POST: NO":                       true, // RFC 2369, 3.4: a list that only its owner writes to
		"List-Unsubscribe: <mailto:x@a.test>": true,
		"Precedence:\n\tBulk":                 true,
		"Precedence: first-class":             false,
	} {
		raw := "From: a@north.example\n" + header + "\n\nList-Id: <in.the.text>\n"
		m, err := mail.Read(strings.NewReader(raw), int64(len(raw)), mail.Limits{}, nil)
		if err != nil || m.Bulk != want {
			t.Errorf("%q: bulk %v, %v; want %v", header, m.Bulk, err, want)
		}
	}
}

func TestMbox(t *testing.T) {
	length := fmt.Sprint("Content-Length: ", len("one\n\n"+fromLine+"Subject: no\n\n"))
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"two":             {fromLine + "Subject: 1\n\none\n\n" + fromLine + "Subject: 2\n\ntwo\n", []string{"Subject: 1\n\none\n", "Subject: 2\n\ntwo\n"}},
		"quoted":          {fromLine + "Subject: 1\n\n>From here\n>>From there\n", []string{"Subject: 1\n\n>From here\n>>From there\n"}},
		"prose":           {fromLine + "Subject: 1\n\n\nFrom Monday on, 2 Mar 2015 at 10:11, we\nmeet.\n\nFrom here on\n", []string{"Subject: 1\n\n\nFrom Monday on, 2 Mar 2015 at 10:11, we\nmeet.\n\nFrom here on\n"}},
		"no empty line":   {fromLine + "Subject: 1\n\none\n" + fromLine + "Subject: 2\n\ntwo\n", []string{"Subject: 1\n\none\n", "Subject: 2\n\ntwo\n"}},
		"two empty lines": {fromLine + "Subject: 1\n\none\n\n\n" + fromLine + "Subject: 2\n\n", []string{"Subject: 1\n\none\n\n", "Subject: 2\n"}},
		"carriage":        {strings.ReplaceAll(fromLine+"Subject: 1\n\none\n\n"+fromLine+"Subject: 2\n\ntwo\n", "\n", "\r\n"), []string{"Subject: 1\r\n\r\none\r\n", "Subject: 2\r\n\r\ntwo\r\n"}},
		"content length":  {fromLine + length + "\n\none\n\n" + fromLine + "Subject: no\n\n\n" + fromLine + "Subject: 2\n\ntwo\n", []string{length + "\n\none\n\n" + fromLine + "Subject: no\n\n", "Subject: 2\n\ntwo\n"}},
		"false length":    {fromLine + "Content-Length: 9999\n\none\n\n" + fromLine + "Subject: 2\n\ntwo\n", []string{"Content-Length: 9999\n\none\n", "Subject: 2\n\ntwo\n"}},
		"no dates":        {"From -\nSubject: 1\n\nFrom -\n\nFrom here\n\nFrom 12@xxx\nSubject: 2\n\ntwo\n", []string{"Subject: 1\n\nFrom -\n\nFrom here\n", "Subject: 2\n\ntwo\n"}},
		"before":          {"lost\n\n" + fromLine + "Subject: 1\n\none\n", []string{"lost\n", "Subject: 1\n\none\n"}},
		"cut":             {fromLine + "Subject: 1\n\none\n\n" + fromLine, []string{"Subject: 1\n\none\n", ""}},
		"empty":           {"", nil},
		"empty lines":     {"\n\n\n", nil},
	} {
		var got []string
		err := mail.Mbox(strings.NewReader(c.file), int64(len(c.file)), func(e mail.Envelope) error {
			got = append(got, c.file[e.Start:e.End])
			return nil
		})
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

// TestMboxLarge has messages beyond the window that is in memory.
func TestMboxLarge(t *testing.T) {
	var file bytes.Buffer
	body := strings.Repeat("a line of some length, and nothing else\n", 10_000)
	for range 5 {
		file.WriteString(fromLine + "Subject: x\n\n" + body + "\n")
	}
	n := 0
	err := mail.Mbox(bytes.NewReader(file.Bytes()), int64(file.Len()), func(e mail.Envelope) error {
		n++
		if got := int(e.End - e.Start); got != len("Subject: x\n\n")+len(body) {
			t.Errorf("message %d has %d bytes", n, got)
		}
		return nil
	})
	if n != 5 || err != nil {
		t.Errorf("%d messages, %v; want 5", n, err)
	}
}

// TestCallback wants errors of the caller back as they are.
func TestCallback(t *testing.T) {
	stop := errors.New("stop")
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b\nContent-Type: image/png\n\ny\n--b--\n"
	calls := 0
	_, err := mail.Read(strings.NewReader(raw), int64(len(raw)), mail.Limits{}, func(mail.Part) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls; want stop after 1", err, calls)
	}
}

func TestLimits(t *testing.T) {
	part := "--b\nContent-Type: image/png\n\nx\n"
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + strings.Repeat("word ", 1000) + "\n" + strings.Repeat(part, 10)
	calls := 0
	m, err := mail.Read(strings.NewReader(raw), int64(len(raw)), mail.Limits{Text: 100, Parts: 3}, func(p mail.Part) error {
		calls++
		return nil
	})
	if err != nil || calls != 3 || len(m.Text) > 100 || !strings.Contains(m.Error, "parts") || !strings.Contains(m.Error, "too long") {
		t.Errorf("%d parts, %d bytes, %q, %v", calls, len(m.Text), m.Error, err)
	}
}

func TestHTML(t *testing.T) {
	raw, err := os.ReadFile("testdata/quirks/alternatives.eml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.Read(bytes.NewReader(raw), int64(len(raw)), mail.Limits{}, nil)
	if err != nil || m.HTML() != `<p>the <b>rich</b> text<img src="cid:p@x">` {
		t.Errorf("HTML %q, %v", m.HTML(), err)
	}
}

// hostile are messages on which careless parsers take quadratic time, or worse.
var hostile = map[string]func(n int) string{
	"nested multiparts": func(n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		return b.String()
	},
	"one boundary nested": func(n int) string {
		return strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", n/50)
	},
	"boundaries that are not found": func(n int) string {
		return strings.Repeat("Content-Type: multipart/mixed; boundary=x\n\n--y\n", n/50)
	},
	"empty parts": func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n", n/4)
	},
	"small texts": func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\na\n", n/7)
	},
	"lines of dashes": func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Repeat("--bb\n", n/5)
	},
	"quotes":           func(n int) string { return "To: " + strings.Repeat("\"", n) + "\n\n" },
	"brackets":         func(n int) string { return "To: " + strings.Repeat("<(", n/2) + "\n\n" },
	"open words":       func(n int) string { return "Subject: " + strings.Repeat("=?a?q?", n/6) + "\n\n" },
	"open words, long": func(n int) string { return "Subject: " + strings.Repeat("=?a?q?b?=", n/9) + "\n\n" },
	"parameters":       func(n int) string { return "Content-Type: a/b; " + strings.Repeat("a*1=b;", n/6) + "\n\n" },
	"fields":           func(n int) string { return strings.Repeat("a:\n", n/3) },
	"folds":            func(n int) string { return "a:\n" + strings.Repeat(" b\n", n/3) },
	"begin":            func(n int) string { return "\n" + strings.Repeat("begin 644 a\n!!\n", n/15) },
	"soft breaks": func(n int) string {
		return "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=\n", n/2)
	},
	"one long line":    func(n int) string { return "Content-Transfer-Encoding: base64\n\n" + strings.Repeat("A", n) },
	"comments in date": func(n int) string { return "Date: " + strings.Repeat("(", n) + "\n\n" },
	"ids":              func(n int) string { return "References: " + strings.Repeat("<", n) + "\n\n" },
	"tags":             func(n int) string { return "Content-Type: text/html\n\n" + strings.Repeat("<div><pre>", n/10) },
}

// counted counts the bytes that are read.
type counted struct {
	io.ReaderAt
	n int64
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, at)
	c.n += int64(n)
	return n, err
}

// TestHostile reads a megabyte of each, and no byte of it more than a few times.
// What is quadratic in other ways does not come to its end.
func TestHostile(t *testing.T) {
	for name, make := range hostile {
		raw := make(1 << 20)
		src, start := &counted{ReaderAt: strings.NewReader(raw)}, time.Now()
		_, err := mail.Read(src, int64(len(raw)), mail.Limits{}, func(p mail.Part) error {
			_, _ = io.Copy(io.Discard, p.Body) // damage is what this is about
			return nil
		})
		if src.n > 12*int64(len(raw)) || err != nil {
			t.Errorf("%s: %d bytes read of %d, %v", name, src.n, len(raw), err)
		}
		t.Logf("%s: %d bytes read, %v", name, src.n, time.Since(start))
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/quirks/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, make := range hostile {
		f.Add([]byte(make(300)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := read(t, raw)
		for _, s := range append([]string{r.Text, r.Subject, r.Error, r.HTML(), r.Domain}, r.Header...) {
			if !utf8.ValidString(s) {
				t.Errorf("%q is not UTF-8", s)
			}
		}
		for _, a := range r.Files {
			if !utf8.ValidString(a.Name) || !utf8.ValidString(a.Type) || strings.ContainsAny(a.Name, "\n\x00") {
				t.Errorf("part %q of type %q", a.Name, a.Type)
			}
		}
	})
}

func FuzzMbox(f *testing.F) {
	f.Add([]byte(fromLine + "Subject: 1\n\none\n\n" + fromLine + "Content-Length: 4\n\ntwo\n"))
	f.Add([]byte("lost\n" + fromLine + "\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		end := int64(0)
		err := mail.Mbox(bytes.NewReader(raw), int64(len(raw)), func(e mail.Envelope) error {
			if e.Start < end || e.End < e.Start || e.End > int64(len(raw)) {
				t.Errorf("%d to %d after %d, of %d", e.Start, e.End, end, len(raw))
			}
			end = e.End
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	f.Add("Mon, 2 Mar 2015 10:11:12 +0300 (x)")
	f.Add("2015-03-02T10:11:12.3Z")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := mail.ParseDate(s); ok && (d.Year() < 1970 || d.Year() > 2100) {
			t.Errorf("%q: %v", s, d)
		}
	})
}

// BenchmarkRead reads a message of usual size: text, HTML, an attachment.
func BenchmarkRead(b *testing.B) {
	lines := strings.Repeat("A line of text, as long as lines of mail are used to be.\n", 40)
	raw := []byte("Received: from a by b; Mon, 2 Mar 2015 10:00:09 +0000\nFrom: Ada Nowhere <ada@north.example>\nTo: Ben <ben@south.example>, c@x.example\n" +
		"Subject: =?utf-8?B?0J7RgtGH0ZHRgg==?=\nDate: Mon, 2 Mar 2015 10:11:12 +0300\nMessage-ID: <1@north.example>\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\n" + lines +
		"\n--a\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>" + strings.ReplaceAll(lines, "\n", "<br>=\n") +
		"\n--a--\n--=_b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n" +
		strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\n", 30) + "--=_b--\n")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := mail.Read(bytes.NewReader(raw), int64(len(raw)), mail.Limits{}, func(p mail.Part) error {
			_, err := io.Copy(io.Discard, p.Body)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
