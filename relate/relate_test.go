package relate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/relate"
)

func TestMessageKey(t *testing.T) {
	m := func(id string) *corpus.Message { return &corpus.Message{ID: id} }
	same := relate.MessageKey(m("1@a.example"), "Please call\nme, Anna.")
	if got := relate.MessageKey(m("1@a.example"), "> please   call me — ANNA"); got != same {
		t.Error("line breaks, signs and case make another message")
	}
	for name, got := range map[string][16]byte{
		"another id":   relate.MessageKey(m("2@a.example"), "Please call me, Anna."),
		"another text": relate.MessageKey(m("1@a.example"), "Please call me, Anna. Bring the contract."),
		"words joined": relate.MessageKey(m("1@a.example"), "Pleasecall me, Anna."),
		"no message":   relate.MessageKey(nil, "Please call me, Anna."),
		"no id":        relate.MessageKey(m(""), "Please call me, Anna."),
	} {
		if got == same {
			t.Errorf("%s: the same key", name)
		}
	}
	if relate.MessageKey(nil, "x") != [16]byte{} {
		t.Error("the key of what is no message is not zero")
	}
	anna := &corpus.Message{From: []corpus.Address{{Addr: "anna@a.example"}}, Subject: "Call"}
	boris := &corpus.Message{From: []corpus.Address{{Addr: "boris@a.example"}}, Subject: "Call"}
	if relate.MessageKey(anna, "x") == relate.MessageKey(boris, "x") {
		t.Error("two senders' messages without an id are the same")
	}
	if relate.MessageKey(anna, "x") != relate.MessageKey(anna, "X!") || relate.MessageKey(anna, "x") == [16]byte{} {
		t.Error("copies of a message without an id are not the same")
	}
}

func TestBaseSubject(t *testing.T) {
	for _, c := range []struct {
		in, base string
		answer   bool
	}{
		{"Tender", "tender", false},
		{"RE: Re[2]: AW (3): Tender: annex", "tender: annex", true},
		{"Отв: Fwd: Тендер", "тендер", true},
		{"رد: المناقصة", "المناقصه", true},
		{"回复：招标", "招标", true},
		{"Note: Tender", "note: tender", false},
		{"Re:", "", true},
		{"", "", false},
	} {
		if base, answer := relate.BaseSubject(c.in); base != c.base || answer != c.answer {
			t.Errorf("%q: %q, %v; want %q, %v", c.in, base, answer, c.base, c.answer)
		}
	}
}

// mail is a message in the short writing of these tests: "id day from>to subject <refs".
type mail struct {
	id       byte
	day      int
	from, to string
	subject  string
	refs     string // ids, one letter each
	msgid    string // when not the id
}

func (m mail) item() relate.Item {
	msg := &corpus.Message{ID: m.msgid, Subject: m.subject,
		From: []corpus.Address{{Addr: m.from}}, To: []corpus.Address{{Addr: m.to}}}
	if m.msgid == "" {
		msg.ID = string(m.id)
	}
	for _, r := range m.refs {
		msg.References = append(msg.References, string(r))
	}
	item := relate.Item{ID: corpus.DocumentID{15: m.id}, Message: msg}
	if m.day > 0 {
		item.Date = time.Date(2011, 3, m.day, 9, 0, 0, 0, time.UTC)
	}
	return item
}

// outline writes threads as "a(b(c)d) e".
func outline(threads []relate.Thread) string {
	var all []string
	for _, thread := range threads {
		var b strings.Builder
		depth := 0
		for _, post := range thread {
			for ; depth < post.Depth; depth++ {
				b.WriteByte('(')
			}
			for ; depth > post.Depth; depth-- {
				b.WriteByte(')')
			}
			b.WriteByte(post.ID[15])
		}
		b.WriteString(strings.Repeat(")", depth))
		all = append(all, b.String())
	}
	return strings.Join(all, " ")
}

func TestThreads(t *testing.T) {
	for _, c := range []struct {
		name  string
		mails []mail
		want  string
	}{
		{"none", nil, ""},
		{"alone", []mail{{id: 'b', day: 2}, {id: 'a', day: 1}, {id: 'c'}}, "a b c"},
		{"a chain and a branch", []mail{
			{id: 'a', day: 1}, {id: 'b', day: 2, refs: "a"}, {id: 'c', day: 3, refs: "ab"}, {id: 'd', day: 4, refs: "a"}}, "a(b(c)d)"},
		{"a parent is absent", []mail{{id: 'a', day: 1}, {id: 'c', day: 3, refs: "ax"}}, "a(c)"},
		{"the root is absent", []mail{{id: 'b', day: 2, refs: "x"}, {id: 'c', day: 3, refs: "x"}, {id: 'd', day: 4, refs: "c"}}, "bc(d)"},
		{"an answer dated before", []mail{{id: 'a', day: 5}, {id: 'b', day: 1, refs: "a"}}, "a(b)"},
		{"a circle", []mail{{id: 'a', day: 1, refs: "b"}, {id: 'b', day: 2, refs: "a"}}, "b(a)"},
		{"itself", []mail{{id: 'a', day: 1, refs: "a"}}, "a"},
		{"copies", []mail{{id: 'a', day: 1, msgid: "a"}, {id: 'b', day: 1, msgid: "a"}, {id: 'c', day: 2, refs: "a"}}, "a(c)b"},
		{"by subject", []mail{
			{id: 'a', day: 1, from: "anna", to: "boris", subject: "Tender"},
			{id: 'b', day: 2, from: "Boris", to: "anna", subject: "Re: tender"}}, "a(b)"},
		{"by subject, by somebody else", []mail{
			{id: 'a', day: 1, from: "anna", to: "boris", subject: "Tender"},
			{id: 'b', day: 2, from: "carol", to: "anna", subject: "Re: tender"}}, "a b"},
		{"by subject, too late", []mail{
			{id: 'a', day: 1, from: "anna", to: "boris", subject: "Tender"},
			{id: 'b', day: 29, from: "boris", to: "anna", subject: "Re: tender"}}, "a b"},
		{"the same subject without an answer", []mail{
			{id: 'a', day: 1, from: "anna", to: "boris", subject: "Tender"},
			{id: 'b', day: 2, from: "boris", to: "anna", subject: "Tender"}}, "a b"},
	} {
		var items []relate.Item
		for _, m := range c.mails {
			items = append(items, m.item())
		}
		if got := outline(relate.Threads(slices.Values(items))); got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
}

// Whatever messages name, every one is in exactly one thread, after its parent,
// and the order in which they come changes nothing.
func TestThreadsOfAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		var items []relate.Item
		for i := range 1 + random.IntN(12) {
			m := mail{id: byte('a' + i), day: random.IntN(20), from: "p", to: "q", subject: "Re: x"}
			for range random.IntN(3) {
				m.refs += string(rune('a' + random.IntN(15)))
			}
			items = append(items, m.item())
		}
		threads := relate.Threads(slices.Values(items))
		seen := map[corpus.DocumentID]bool{}
		for _, thread := range threads {
			for _, post := range thread {
				if seen[post.ID] {
					t.Fatalf("round %d: %c twice in %s", round, post.ID[15], outline(threads))
				}
				if !post.Parent.IsZero() && !seen[post.Parent] {
					t.Fatalf("round %d: %c before its parent in %s", round, post.ID[15], outline(threads))
				}
				seen[post.ID] = true
			}
		}
		if len(seen) != len(items) {
			t.Fatalf("round %d: %d of %d in threads", round, len(seen), len(items))
		}
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if a, b := outline(threads), outline(relate.Threads(slices.Values(items))); a != b {
			t.Fatalf("round %d: %s; in another order %s", round, a, b)
		}
	}
}

// A thread of any length takes time in proportion to it.
func TestLongThread(t *testing.T) {
	const n = 200_000
	var items []relate.Item
	for i := range n {
		m := &corpus.Message{ID: fmt.Sprint(i)}
		if i > 0 {
			m.InReplyTo = []string{fmt.Sprint(i - 1)}
		}
		items = append(items, relate.Item{ID: corpus.DocumentID{1, byte(i >> 16), byte(i >> 8), byte(i)}, Date: time.Unix(int64(i), 0), Message: m})
	}
	threads := relate.Threads(slices.Values(items))
	if len(threads) != 1 || len(threads[0]) != n || threads[0][n-1].Depth != n-1 {
		t.Errorf("%d threads; want one as deep as long", len(threads))
	}
}

func BenchmarkThreads(b *testing.B) {
	var items []relate.Item
	for i := range 100_000 {
		m := &corpus.Message{ID: fmt.Sprint(i, "@a.example"), Subject: "Re: x"}
		if i%10 > 0 {
			m.References = []string{fmt.Sprint(i-1, "@a.example")}
		}
		items = append(items, relate.Item{ID: corpus.NewDocumentID(), Date: time.Unix(int64(i), 0), Message: m})
	}
	for b.Loop() {
		relate.Threads(slices.Values(items))
	}
}
