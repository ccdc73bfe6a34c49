package sample

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// routine makes n messages of everyday business, shared out among the files of
// routine/. Each such file is one writer's habit: who writes to whom, when, and
// banks of sentences of which one each is taken, so that no two messages are alike
// until all have been used:
//
//	from: lazarev
//	to: vetrova
//	years: 2009-2013
//	share: 3                how many of all, against the other files
//	kept: corvane           who keeps them, when not the writer
//	header: Name: value     on each of them
//
//	[subject]
//	one a line; "|" is a line break in all banks but this
//	[open]
//	[body]                  two different ones are taken
//	[more]                  in two messages of three
//	[close]
//	[answer]                the first addressee's answers, to one message in three
func routine(n int) []*mail {
	names, err := fs.Glob(texts, "routine/*.txt")
	if err != nil {
		panic(err) // the pattern is right
	}
	var habits []*habit
	shares := 0
	for _, name := range names {
		b, err := texts.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		h := readHabit(strings.TrimSuffix(strings.TrimPrefix(name, "routine/"), ".txt"), string(b))
		habits = append(habits, h)
		shares += h.share
	}
	var all []*mail
	for i, h := range habits {
		// What is left over by rounding goes to the first ones.
		count := n * h.share / shares
		if i < n-floorSum(habits, n, shares) {
			count++
		}
		all = append(all, h.write(count)...)
	}
	return all
}

func floorSum(habits []*habit, n, shares int) int {
	sum := 0
	for _, h := range habits {
		sum += n * h.share / shares
	}
	return sum
}

type habit struct {
	name        string
	from        person
	to          []person
	first, last int // years
	share       int
	kept        []string
	headers     []string
	banks       map[string][]string
}

func readHabit(name, s string) *habit {
	h := &habit{name: name, share: 1, banks: map[string][]string{}}
	head, banks, _ := strings.Cut(s, "\n\n")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "from":
			h.from = who(value)
		case "to":
			h.to = everybody(value)
		case "years":
			first, last, _ := strings.Cut(value, "-")
			h.first, h.last = number(first), number(last)
		case "share":
			h.share = number(value)
		case "kept":
			h.kept = strings.Split(value, ", ")
		case "header":
			h.headers = append(h.headers, value)
		default:
			panic(fmt.Sprintf("sample: routine/%s: unknown line %q", name, line)) // a mistake in our own texts
		}
	}
	bank := ""
	for line := range strings.Lines(banks) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case line[0] == '[':
			bank = strings.Trim(line, "[]")
		default:
			h.banks[bank] = append(h.banks[bank], line)
		}
	}
	return h
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("sample: " + err.Error()) // a mistake in our own texts
	}
	return n
}

// write makes count messages; answers are among them.
func (h *habit) write(count int) []*mail {
	random := seeded(h.name)
	decks := map[string]*deck{}
	for name, bank := range h.banks {
		decks[name] = &deck{cards: bank, random: seeded(h.name + "/" + name)}
	}
	draw := func(bank string) string {
		if d := decks[bank]; d != nil {
			return d.draw()
		}
		return ""
	}
	days := (h.last - h.first + 1) * 365
	var all []*mail
	for i := 0; len(all) < count; i++ {
		// Spread evenly over the years, with a shake, at hours of the office.
		day := (2*i+1)*days/(2*max(count, 1)) + random.below(9) - 4
		date := time.Date(h.first, 1, 1, 8+random.below(10), random.below(60), random.below(60), 0, h.from.program.zone).AddDate(0, 0, max(day, 0))
		for date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
			date = date.AddDate(0, 0, 1)
		}
		paragraphs := []string{draw("open"), draw("body"), draw("body")}
		if random.below(3) > 0 {
			paragraphs = append(paragraphs, draw("more"))
		}
		paragraphs = append(paragraphs, draw("close"))
		m := &mail{
			id: fmt.Sprintf("%s-%03d", h.name, i+1), date: date, from: h.from, to: h.to,
			subject: draw("subject"), text: join(paragraphs), headers: h.headers, kept: h.kept,
		}
		all = append(all, m)
		if len(all) < count && len(h.banks["answer"]) > 0 && random.below(3) == 0 {
			answer := &mail{
				id: m.id + "-re", date: date.Add(time.Duration(20+random.below(600)) * time.Minute), from: h.to[0], to: []person{h.from},
				subject: answerSubject(h.to[0].program.answer, m.subject), text: join([]string{draw("answer")}), answers: m, kept: h.kept,
			}
			answer.date = answer.date.In(answer.from.program.zone)
			all = append(all, answer)
		}
	}
	return all
}

func join(paragraphs []string) string {
	var kept []string
	for _, p := range paragraphs {
		if p != "" {
			kept = append(kept, strings.ReplaceAll(p, "|", "\n"))
		}
	}
	return strings.Join(kept, "\n\n")
}

// deck deals its cards in random order, all of them before any again.
type deck struct {
	cards  []string
	order  []int
	random *random
}

func (d *deck) draw() string {
	if len(d.order) == 0 {
		for i := range d.cards {
			d.order = append(d.order, i)
		}
		for i := len(d.order) - 1; i > 0; i-- {
			j := d.random.below(i + 1)
			d.order[i], d.order[j] = d.order[j], d.order[i]
		}
	}
	card := d.cards[d.order[0]]
	d.order = d.order[1:]
	return card
}
