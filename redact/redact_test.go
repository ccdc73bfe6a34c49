package redact_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/redact"
)

func TestText(t *testing.T) {
	const b = redact.Block
	forms := []string{"Irène Kovač", "Иванов", "سالم", "Li", "+44 20 7946 0018"}
	for _, c := range []struct{ in, want string }{
		{"Nobody is named here.", "Nobody is named here."},
		{"Dear Irène Kovač, thanks.", "Dear " + b + ", thanks."},
		{"dear IRENE KOVAC!", "dear " + b + "!"},
		{"Irène\n> Kovač wrote:", b + " wrote:"},
		{"write to irene.kovac@mail.example", "write to " + b + "@mail.example"},
		{"write to irenekovac@mail.example", "write to " + b + "@mail.example"},
		{"IrèneKovačs letter", b + " letter"},
		{"Irène Ko-\nvač left", b + " left"},
		{"Irène Ko\u00advač left", b + " left"},
		{"I r è n e  K o v a č left", b + " left"},
		{"К Иванову и с Ивановым.", "К " + b + " и с " + b + "."},
		{"ИВАНОВ", b},
		{"كتب سالم الرسالة", "كتب " + b + " الرسالة"},
		{"سَالِم", b},
		{"Li met the police in Berlin.", b + " met the police in Berlin."},
		{"call +44 20 7946 0018 now", "call +" + b + " now"},
		{"call 4420-7946-0018", "call " + b},
		{"call 442079460018", "call " + b},
		{"the list", "the list"},
		{"a tally of Li", "a tally of " + b},
		{"It was Irène. Kovač stayed.", "It was " + b + " stayed."}, // too much rather than too little
		{"Kovač", "Kovač"},
		{"Irène and Kovač", "Irène and Kovač"},
	} {
		got, n := redact.Text(c.in, forms)
		if got != c.want {
			t.Errorf("%q: %q; want %q", c.in, got, c.want)
		}
		if want := strings.Count(c.want, b); n != want {
			t.Errorf("%q: %d blocks; want %d", c.in, n, want)
		}
	}
}

func TestTextOfLongWords(t *testing.T) {
	long := strings.Repeat("x", 500) + "kovac" + strings.Repeat("y", 500)
	if got, n := redact.Text("a "+long+" b", []string{"Kovač"}); n != 1 || strings.Contains(got, "kovac") {
		t.Errorf("a name deep in a long word: %d found", n)
	}
}

func TestTextWithoutForms(t *testing.T) {
	for _, forms := range [][]string{nil, {""}, {" - "}} {
		if got, n := redact.Text("a - b", forms); got != "a - b" || n != 0 {
			t.Errorf("forms %q: %q, %d", forms, got, n)
		}
	}
}

func TestForms(t *testing.T) {
	got := redact.Forms("Anna Maria Petrova")
	for _, want := range []string{"Anna Maria Petrova", "Petrova Anna Maria", "Anna Petrova", "A Petrova", "Petrova", "Anna"} {
		if !slices.Contains(got, want) {
			t.Errorf("forms %q: want %q too", got, want)
		}
	}
	if got := redact.Forms("Петрова"); !slices.Equal(got, []string{"Петрова"}) {
		t.Errorf("one word: %q", got)
	}
	if got := redact.Forms(" "); got != nil {
		t.Errorf("nothing: %q", got)
	}
}

func TestDocument(t *testing.T) {
	const name = "Irène Kovač"
	d := corpus.Document{
		ID: corpus.NewDocumentID(), Collection: "tides", Type: "message/rfc822", Size: 4321,
		Title: "For Irène Kovač", Name: "irene_kovac.eml", Paths: []string{"box/irene-kovac/1.eml"},
		Date:  time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		Text:  "Dear Irène,\nthe table is wrong.\n-- \nIrène Kovač",
		Facts: []corpus.Fact{{Name: "Received", Value: "from kovac-laptop"}},
		Message: &corpus.Message{
			ID: "1.kovac@mail.example", Subject: "For Irène Kovač\nBcc: nobody", Domain: "irenekovac.example",
			From: []corpus.Address{{Name: "Kovač, Irène", Addr: "irene.kovac@irenekovac.example"}},
			To:   []corpus.Address{{Name: "Desk", Addr: "desk@tide.example"}},
		},
	}
	before := *d.Message
	got, n := redact.Document(d, []string{name, "Kovač Irène", "Kovač", "Irène"})
	if n < 9 {
		t.Errorf("%d blocks; want 9 or more", n)
	}
	rendition := redact.Message(got)
	for _, s := range []string{got.Title, got.Name, got.Paths[0], got.Text, got.Message.Subject, got.Message.ID,
		got.Message.From[0].String(), got.Message.Domain, rendition} {
		if low := strings.ToLower(s); strings.Contains(low, "kova") || strings.Contains(low, "ir\u00e8ne") || strings.Contains(low, "irene") {
			t.Errorf("still there: %q", s)
		}
	}
	if got.Facts != nil || got.Size == d.Size || got.Message.Domain != "" {
		t.Errorf("facts %v, size %d, domain %q; want none of the original's", got.Facts, got.Size, got.Message.Domain)
	}
	if d.Message.Subject != before.Subject || d.Message.From[0].Name != "Kovač, Irène" {
		t.Error("the document that was given changed")
	}
	if !strings.Contains(rendition, "To: Desk <desk@tide.example>\n") || !strings.Contains(rendition, "the table is wrong") ||
		!strings.Contains(rendition, "Date: Mon, 06 May 2024 07:08:09 UTC\n") || strings.Contains(rendition, "\nBcc") {
		t.Errorf("rendition:\n%s", rendition)
	}
}
