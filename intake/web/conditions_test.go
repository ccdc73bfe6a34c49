package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"daylight/envelope"
	"daylight/intake"
)

// ask sends a message, conditions and files as the form does, in its order.
func (s *source) ask(message, before string, unquoted bool, files ...file) answer {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("way", s.h.way())
	w.WriteField("message", message)
	w.WriteField("before", before)
	if unquoted {
		w.WriteField("unquoted", "yes")
	}
	for _, f := range files {
		p, _ := w.CreateFormFile("files", f.name)
		io.WriteString(p, f.body)
	}
	w.Close()
	return s.read(s.c.Post(s.h.url+"/send", w.FormDataContentType(), &b))
}

// TestConditions: what a source asks for lies in the envelope, beside all else that was
// sent; whatever stands in the field for a day costs nothing.
func TestConditions(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	words := s.begin()
	page := s.get("/send")
	page.wants(t, 200, "Ask for conditions", `type="date" name="before" value=""`, "No machine enforces them.")
	at := func(name string) int { return strings.Index(page.body, `name="`+name+`"`) }
	if at("message") > at("before") || at("before") > at("unquoted") || at("unquoted") > at("files") {
		t.Error("the fields are not in the order in which they are taken")
	}
	if strings.Contains(page.body, "<details open") {
		t.Error("conditions stand open where nobody asked for any")
	}
	s.ask("No conditions here.", "", false).wants(t, 200, "It has arrived")
	for _, c := range []struct {
		before string
		asked  bool
		want   envelope.Conditions
	}{
		{"2027-01-31", false, envelope.Conditions{Before: "2027-01-31"}},
		{"", true, envelope.Conditions{Unquoted: true}},
		{"after the <trial>\r\n", true, envelope.Conditions{Before: "after the <trial>", Unquoted: true}},
		{"2027-13-99", false, envelope.Conditions{Before: "2027-13-99"}},
		{strings.Repeat("x", 5000), false, envelope.Conditions{Before: strings.Repeat("x", envelope.MaxBefore)}},
		{words, true, envelope.Conditions{Before: "?", Unquoted: true}},
	} {
		s.ask("Look at page four.", c.before, c.asked, three...).wants(t, 200, "It has arrived", "Your conditions are sealed with it.", "Files: 3")
		got := h.fetch(t)
		last := got[0]
		for _, g := range got {
			if g.Conditions() == c.want {
				last = g
			}
		}
		if last.Conditions() != c.want || last.text != "Look at page four." || len(last.files) != 3 || last.End() != envelope.Whole {
			t.Errorf("%.20q: %+v, %d files, %v; want %+v and everything whole", c.before, last.Conditions(), len(last.files), last.End(), c.want)
		}
	}
	n := 0
	for _, g := range h.fetch(t) {
		if g.Conditions().IsZero() {
			n++
			if g.text != "No conditions here." {
				t.Errorf("conditions of %q are lost", g.text)
			}
		}
	}
	s.ask("A message alone.", "2028-02-29", true).wants(t, 200, "Your conditions are sealed with it.")
	if !slices.ContainsFunc(h.fetch(t), func(g received) bool {
		return g.text == "A message alone." && g.Conditions() == (envelope.Conditions{Before: "2028-02-29", Unquoted: true})
	}) {
		t.Error("the conditions of a message without files are lost")
	}
	if n != 1 {
		t.Errorf("%d without conditions; want 1", n)
	}
}

// TestConditionsComeBack: what is not taken is in the form once more, conditions too;
// alone they are nothing to send.
func TestConditionsComeBack(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.First = 30 })
	s := h.source(t)
	words := s.begin()
	back := []string{`<details open`, `name="before" value="2027-01-31"`, `value="yes" checked`}
	s.ask("short", "2027-01-31", true).wants(t, 422, append(back, "very short", ">short</textarea>")...)
	s.ask("My words are "+words+", and so on.", "2027-01-31", true).wants(t, 422, append(back, "Take the words out")...)
	s.ask("", "2027-01-31", true).wants(t, 422, append(back, "There was nothing in it")...)
	if got := h.fetch(t); len(got) != 0 {
		t.Errorf("%d envelopes; want none", len(got))
	}
	s.ask("short", "2027-01-31", true, three...).wants(t, 200, "It has arrived")
	if got := h.fetch(t); len(got) != 1 || got[0].Conditions().Before != "2027-01-31" || got[0].text != "short" {
		t.Error("a short message with files lost its conditions")
	}

	full := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.Reserve = 1 << 62 })
	s = full.source(t)
	s.begin()
	s.ask("Look at page four.", "2027-01-31", true, three...).wants(t, 507, append(back, "no space left", ">Look at page four.</textarea>")...)
}

// TestConditionsOfWhatBrokeOff: a break in the first file does not lose them.
func TestConditionsOfWhatBrokeOff(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.begin()
	body := "--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n" + h.way() + "\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nLook at page four.\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"before\"\r\n\r\n2027-01-31\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.txt\"\r\n\r\nhalf of"
	s.read(s.c.Post(h.url+"/send", "multipart/form-data; boundary=x", strings.NewReader(body))).wants(t, 400, "Not everything arrived", "Your conditions are sealed with it.")
	if got := h.fetch(t); len(got) != 1 || got[0].Conditions().Before != "2027-01-31" || got[0].End() != envelope.Cut {
		t.Error("what broke off lost its conditions")
	}
}
