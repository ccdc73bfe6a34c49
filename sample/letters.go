package sample

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

//go:embed letters routine papers
var texts embed.FS

// mail is one message before it is bytes.
type mail struct {
	id       string // of ours: the name of its file
	date     time.Time
	from     person
	to, cc   []person
	subject  string
	text     string // what its writer wrote
	answers  *mail
	attached []string // names of papers
	headers  []string // more header lines, "Name: value"
	kept     []string // folders of those who keep a copy; none: the writer's body
}

// mails are all messages of a size, by date.
func mails(size Size) []*mail {
	all := letters()
	all = append(all, routine(size.Routine)...)
	slices.SortStableFunc(all, func(a, b *mail) int {
		if c := a.date.Compare(b.date); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// letters reads letters/*.txt. A file holds the letters of a thread, each a few
// lines "name: value", an empty line and the text, apart by a line "=====":
//
//	id: tender-3                 the name of its file
//	date: 2010-02-11 09:14       in the zone of the writer
//	from: bachour                keys of people.go
//	to: tarbieh, samman
//	cc: tarrick
//	subject: …                   not needed in an answer
//	answers: tender-2
//	attach: spec.docx, map.pdf   of papers/
//	kept: port, ministry         who keeps a copy, when not the writer
func letters() []*mail {
	names, err := fs.Glob(texts, "letters/*.txt")
	if err != nil {
		panic(err) // the pattern is right
	}
	var all []*mail
	byID := map[string]*mail{}
	for _, name := range names {
		b, err := texts.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		for part := range strings.SplitSeq(string(b), "\n=====\n") {
			m, err := letter(part, byID)
			if err != nil {
				panic(fmt.Sprintf("sample: %s: %v", name, err)) // a mistake in our own letters
			}
			byID[m.id] = m
			all = append(all, m)
		}
	}
	return all
}

func letter(s string, byID map[string]*mail) (*mail, error) {
	head, text, ok := strings.Cut(strings.TrimSpace(s), "\n\n")
	if !ok {
		return nil, fmt.Errorf("no text after %q", head)
	}
	m := &mail{text: text}
	var date string
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "id":
			m.id = value
		case "date":
			date = value
		case "from":
			m.from = who(value)
		case "to":
			m.to = everybody(value)
		case "cc":
			m.cc = everybody(value)
		case "subject":
			m.subject = value
		case "answers":
			if m.answers = byID[value]; m.answers == nil {
				return nil, fmt.Errorf("%s answers %q, which does not stand before it", m.id, value)
			}
		case "attach":
			m.attached = strings.Split(value, ", ")
		case "kept":
			m.kept = strings.Split(value, ", ")
		case "header":
			m.headers = append(m.headers, value)
		default:
			return nil, fmt.Errorf("%s: unknown line %q", m.id, line)
		}
	}
	if m.subject == "" && m.answers != nil {
		m.subject = answerSubject(m.from.program.answer, m.answers.subject)
	}
	var err error
	m.date, err = time.ParseInLocation("2006-01-02 15:04", date, m.from.program.zone)
	return m, err
}

func everybody(keys string) []person {
	var all []person
	for key := range strings.SplitSeq(keys, ", ") {
		all = append(all, who(key))
	}
	return all
}

func answerSubject(style answerStyle, subject string) string {
	for _, prefix := range []string{"Re: ", "RE: ", "رد: ", "Отв: "} {
		if strings.HasPrefix(subject, prefix) {
			return subject
		}
	}
	switch style {
	case outlook:
		return "RE: " + subject
	case quoteArabic, quoteNothing:
		return "رد: " + subject
	}
	return "Re: " + subject
}

// messageID is made of our own id, as the writer's program would.
func (m *mail) messageID() string {
	sum := sha256.Sum256([]byte(m.id))
	switch m.from.program.answer {
	case outlook:
		return fmt.Sprintf("%08X%08X.%06X@%s", sum[:4], sum[4:8], sum[8:11], m.from.domain())
	case quoteRussian:
		return fmt.Sprintf("%d.%s@%s", int(sum[0])<<16|int(sum[1])<<8|int(sum[2]), m.date.Format("20060102150405"), m.from.domain())
	}
	return fmt.Sprintf("%x.%x@%s", sum[:6], sum[6:9], m.from.domain())
}

// references are the ids of what was answered, the oldest first.
func (m *mail) references() []string {
	if m.answers == nil {
		return nil
	}
	return append(m.answers.references(), m.answers.messageID())
}

func (m *mail) keepers() []string {
	if len(m.kept) > 0 {
		return m.kept
	}
	return []string{m.from.body}
}
