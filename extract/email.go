package extract

import (
	"bytes"
	"io"
	"strconv"
	"time"

	"daylight/mail"
)

// message reads one e-mail.
func (j *job) message() error { return j.mail(j.file.Body, j.file.Size) }

// emlx reads a message of Apple Mail: the first line has its length; the property
// list after it holds flags.
func (j *job) emlx() error {
	b, err := head(j.file, 64)
	line, _, ok := bytes.Cut(b, []byte{'\n'})
	if err != nil || !ok {
		return nil // detect has read it, so this does not happen on a disk that works
	}
	start := int64(len(line) + 1)
	size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil || size > j.file.Size-start {
		j.problem("the message is shorter than it says; its end may be cut")
		size = j.file.Size - start
	}
	j.result.Type = messageType
	return j.mail(io.NewSectionReader(j.file.Body, start, size), size)
}

func (j *job) mail(body io.ReaderAt, size int64) error {
	var failed error
	m, err := mail.Read(body, size, mail.Limits{Text: j.limits.Text, Parts: j.limits.Parts}, func(p mail.Part) error {
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
