package extract

import (
	"io"
	"time"

	"daylight/mail"
)

// message reads one e-mail.
func (j *job) message() error {
	var failed error
	m, err := mail.Read(j.file.Body, j.file.Size, mail.Limits{Text: j.limits.Text, Parts: j.limits.Parts}, func(p mail.Part) error {
		j.result.Container = true
		failed = j.give(Part{Name: p.Name, Type: p.Type, Error: p.Error, Body: p.Body})
		return failed
	})
	if err != nil && failed == nil {
		j.problem("the message cannot be read to its end")
		err = nil
	}
	if m.Error != "" {
		j.problem("%s", m.Error)
	}
	r := &j.result
	r.Title, r.Text, r.Date = m.Subject, m.Text, m.Date
	r.Facts = m.Header
	r.Message = &m.Message
	return j.within(func() error { return err })
}

// mailbox hands out the messages of a mailbox file, which has no text itself.
func (j *job) mailbox() error {
	return j.container(func() error {
		var failed error
		err := mail.Mbox(j.file.Body, j.file.Size, func(e mail.Envelope) error {
			failed = j.give(Part{
				Type: messageType,
				Body: io.NewSectionReader(j.file.Body, e.Start, e.End-e.Start),
			})
			return failed
		})
		if err != nil && failed == nil {
			j.problem("the mailbox cannot be read to its end")
			return nil
		}
		return err
	})
}

// mailTime reads a time as e-mail writes it.
func mailTime(s string) time.Time {
	t, _ := mail.ParseDate(s)
	return t
}
