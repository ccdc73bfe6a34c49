package sample

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// full is the text with signature and, in the way of the writer's program, what it
// answers.
func (m *mail) full() string {
	text := m.text
	if m.from.signature != "" && !strings.HasSuffix(text, m.from.signature) {
		text += "\n\n" + m.from.signature
	}
	style := m.from.program.answer
	if style != outlook {
		text = wrap(text, 72)
	}
	if m.answers != nil && style != quoteNothing {
		text += "\n\n" + quoted(m.answers, style)
	}
	return text + "\n"
}

// quoted is a message under its answer. What that message quoted itself is left
// out: people cut it, and readers have it.
func quoted(m *mail, style answerStyle) string {
	at := m.date
	text := strings.TrimSpace(m.text)
	switch style {
	case outlook:
		var to []string
		for _, p := range m.to {
			to = append(to, p.name)
		}
		return fmt.Sprintf("-----Original Message-----\nFrom: %s\nSent: %s\nTo: %s\nSubject: %s\n\n%s",
			m.from.name, at.Format("02 January 2006 15:04"), strings.Join(to, "; "), m.subject, text)
	case quoteRussian:
		return fmt.Sprintf("%s, %s пишет:\n%s", at.Format("02.01.2006 15:04"), m.from.name, signs(text))
	case quoteArabic:
		return fmt.Sprintf("%s %s:\n%s", at.Format("02/01/2006 15:04"), m.from.name, signs(text))
	}
	return fmt.Sprintf("On %s, %s wrote:\n%s", at.Format("2 Jan 2006 at 15:04"), m.from.name, signs(text))
}

// signs puts "> " before each line.
func signs(text string) string {
	return "> " + strings.ReplaceAll(wrap(text, 70), "\n", "\n> ")
}

// wrap breaks lines at spaces after at most width characters.
func wrap(text string, width int) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		now := ""
		for word := range strings.SplitSeq(line, " ") {
			switch {
			case now == "":
				now = word
			case utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) > width:
				out = append(out, now)
				now = word
			default:
				now += " " + word
			}
		}
		out = append(out, now)
	}
	return strings.Join(out, "\n")
}
