package relate

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"daylight/corpus"
)

// Item is a message of the set at hand.
type Item struct {
	ID      corpus.DocumentID
	Date    time.Time // zero when unknown
	Message *corpus.Message
}

// Thread is messages that answer each other, a root before what answers it.
// A message that nothing belongs to is a thread of one.
type Thread []Post

// Post is a message in its thread.
type Post struct {
	ID     corpus.DocumentID
	Parent corpus.DocumentID // what it answers; zero when that is not in the set, or nothing
	Depth  int               // 0 for what has no parent here
}

// Bounds of how far an answer looks for what it answers, when nothing but subject
// and people join them: in time, and in messages with that subject (automatic mail
// has the same one a hundred thousand times).
const (
	fallback      = 21 * 24 * time.Hour
	fallbackItems = 64
)

// Threads sorts messages into threads, in an order that depends on nothing but the
// messages: threads by the date of their first post, posts after their parents,
// each by date, then id.
//
// A message belongs to what its References and In-Reply-To name; its parent is the
// nearest of them that is in the set. Messages that name the same absent message
// are one thread. Copies with one Message-ID stand side by side. A circle is cut
// where it closes. Only where a message names nothing at all, and its subject says
// that it is an answer, does the subject decide: to the latest earlier message with
// the same subject, less than three weeks older, that the writer was sent or wrote.
func Threads(messages iter.Seq[Item]) []Thread {
	var items []Item
	for item := range messages {
		if item.Message != nil {
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, earlier)
	f := newForest(items)
	for i := range items {
		f.join(i)
	}
	f.joinBySubject()
	return f.threads()
}

// earlier orders by date, without a date last, then id.
func earlier(a, b Item) int {
	if a.Date.IsZero() != b.Date.IsZero() {
		if a.Date.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.Date.Compare(b.Date), bytes.Compare(a.ID[:], b.ID[:]))
}

type forest struct {
	items  []Item
	byID   map[string]int // Message-ID → the first item that has it, or a number past items for one that is absent
	parent []int          // of items; -1 for none
	has    []bool         // items that are somebody's parent
	group  []int          // union-find over items and absent messages
}

func newForest(items []Item) *forest {
	f := &forest{items: items, byID: map[string]int{}}
	for i, item := range items {
		f.parent = append(f.parent, -1)
		f.has = append(f.has, false)
		f.group = append(f.group, i)
		if id := item.Message.ID; id != "" {
			if first, ok := f.byID[id]; ok {
				f.unite(first, i)
			} else {
				f.byID[id] = i
			}
		}
	}
	return f
}

func (f *forest) find(i int) int {
	for f.group[i] != i {
		f.group[i] = f.group[f.group[i]]
		i = f.group[i]
	}
	return i
}

func (f *forest) unite(a, b int) { f.group[f.find(a)] = f.find(b) }

// named gives the messages that an item says it belongs to, the nearest first.
func named(m *corpus.Message) []string {
	ids := slices.Clone(m.References)
	slices.Reverse(ids)
	// In-Reply-To is the parent by definition (RFC 5322, 3.6.4), but where the two
	// disagree it is more often mistyped than References.
	return append(ids, m.InReplyTo...)
}

func (f *forest) join(i int) {
	for _, id := range named(f.items[i].Message) {
		at, ok := f.byID[id]
		if !ok {
			at = len(f.group)
			f.byID[id] = at
			f.group = append(f.group, at)
		}
		f.unite(i, at)
		if at < len(f.items) && f.parent[i] < 0 {
			f.adopt(i, at)
		}
	}
}

// adopt makes parent the parent of i, unless that closes a circle. Only what has
// children can be above its parent; most have none yet, being the latest so far,
// which saves the way up a long thread.
func (f *forest) adopt(i, parent int) {
	if parent == i {
		return
	}
	for at := parent; at >= 0 && f.has[i]; at = f.parent[at] {
		if at == i {
			return
		}
	}
	f.parent[i], f.has[parent] = parent, true
}

// joinBySubject joins answers that name nothing.
func (f *forest) joinBySubject() {
	latest := map[string][]int{} // base subject → items, by date
	for i, item := range f.items {
		base, answer := BaseSubject(item.Message.Subject)
		if base == "" || item.Date.IsZero() {
			continue
		}
		if answer && len(named(item.Message)) == 0 && f.parent[i] < 0 {
			same := latest[base]
			for _, before := range slices.Backward(same[max(0, len(same)-fallbackItems):]) {
				if item.Date.Sub(f.items[before].Date) > fallback {
					break
				}
				if took(f.items[before].Message, item.Message) {
					f.unite(i, before)
					f.adopt(i, before)
					break
				}
			}
		}
		latest[base] = append(latest[base], i)
	}
}

// took reports whether the writer of an answer wrote or was sent the message before.
func took(before, answer *corpus.Message) bool {
	if len(answer.From) == 0 {
		return false
	}
	writer := answer.From[0].Addr
	for _, people := range [][]corpus.Address{before.To, before.Cc, before.From} {
		for _, p := range people {
			if p.Addr != "" && strings.EqualFold(p.Addr, writer) {
				return true
			}
		}
	}
	return false
}

// threads lists the groups, each in the order of its tree.
func (f *forest) threads() []Thread {
	children := make([][]int, len(f.items))
	var order []int // groups by their first item
	roots := map[int][]int{}
	for i := range f.items {
		g := f.find(i)
		if _, ok := roots[g]; !ok {
			order = append(order, g)
			roots[g] = nil
		}
		if p := f.parent[i]; p >= 0 {
			children[p] = append(children[p], i)
		} else {
			roots[g] = append(roots[g], i)
		}
	}
	var threads []Thread
	for _, g := range order {
		var t Thread
		// Depth first without recursion: a thread may be as deep as it is long.
		type step struct{ item, depth int }
		var stack []step
		push := func(items []int, depth int) {
			for _, i := range slices.Backward(items) {
				stack = append(stack, step{i, depth})
			}
		}
		push(roots[g], 0)
		for len(stack) > 0 {
			s := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			post := Post{ID: f.items[s.item].ID, Depth: s.depth}
			if p := f.parent[s.item]; p >= 0 {
				post.Parent = f.items[p].ID
			}
			t = append(t, post)
			push(children[s.item], s.depth+1)
		}
		threads = append(threads, t)
	}
	return threads
}
