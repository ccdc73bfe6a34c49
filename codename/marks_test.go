package codename_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"daylight/codename"
)

func TestMarks(t *testing.T) {
	for _, lang := range codename.Languages() {
		t.Run(lang, func(t *testing.T) { testMarks(t, codename.New(lang)) })
	}
}

func testMarks(t *testing.T, c *codename.Codename) {
	text, _ := c.AppendText(nil)
	words := strings.Split(string(text), "-")
	kept := c.Marks()
	b, _ := kept.AppendBinary(nil)
	m, err := codename.LoadMarks(b)
	if err != nil || len(b) != codename.MarksLen {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if s := fmt.Sprintf("%v %+v %s", m, m, m); strings.Trim(s, "[]marks ") != "" {
		t.Errorf("formatted: %s", s)
	}
	long := strings.Repeat("Nothing of it is here. ", 4000)
	for _, in := range []string{
		string(text), strings.ToUpper(string(text)), strings.Join(words, " "), strings.Join(words, ""), strings.Join(words, "\r\n"),
		"1. " + strings.Join(words, "\n2. "), strings.Join(words[4:], ", "), "My words are: " + strings.Join(words[2:6], " ") + ". Keep them.",
		long + strings.Join(words[:4], "—"), strings.Join(words[1:5], "-") + ".docx", strings.Join(words[1:5], "\u200b"),
	} {
		if !m.In([]byte(in)) {
			t.Errorf("not found in %d bytes with %d words", len(in), len(words))
		}
	}
	swapped := append([]string{words[1], words[0]}, words[2:5]...)
	for _, in := range []string{
		"", "a", long, strings.Join(words[:3], " "), strings.Join(words[5:], "-"), strings.Join(swapped[:4], " "),
		words[0] + " and " + words[1] + " or " + words[2] + " with " + words[3], string(text[:len(text)/3]),
	} {
		if m.In([]byte(in)) {
			t.Errorf("found in %q", in[:min(len(in), 80)])
		}
	}
	var none codename.Marks
	if none.In(text) {
		t.Error("the marks of nothing are found")
	}
	if _, err := codename.LoadMarks(b[1:]); err == nil {
		t.Error("a part of marks can be read")
	}
}

// FuzzMarks: a codename is found in whatever stands around it.
func FuzzMarks(f *testing.F) {
	f.Add([]byte("before "), []byte(" after"))
	f.Add([]byte("\xff\xc3"), []byte("\xa9"))
	c := codename.New("en")
	text, _ := c.AppendText(nil)
	m := c.Marks()
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if m.In(before) || m.In(after) {
			return
		}
		if !m.In(bytes.Join([][]byte{before, text, after}, []byte(" "))) {
			t.Error("not found")
		}
	})
}
