package extract

import (
	"context"
	"fmt"
	"io"
	"strings"

	"daylight/corpus"
)

// Extract is the Func that reads every format we know. Types that it does not
// know become a Result with a type and facts, and no text.
func Extract(ctx context.Context, f File, l Limits, part func(Part) error) (Result, error) {
	l = l.orDefault()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	j := &job{ctx: ctx, file: f, limits: l, part: part}
	kind, err := detect(f)
	if err != nil {
		return Result{Type: unknownType, Error: "the file cannot be read: " + err.Error(), Unread: true}, nil
	}
	j.result.Type = kind
	if f.Size == 0 {
		return j.result, nil
	}
	if read := j.reader(kind); read != nil {
		err = read()
	}
	j.result.Text = valid(j.result.Text)
	j.result.Title = oneLine(j.result.Title)
	j.result.Error = strings.Join(j.problems, "; ")
	if err == nil {
		err = ctx.Err()
	}
	return j.result, err
}

// job is the reading of one file.
type job struct {
	ctx      context.Context
	file     File
	limits   Limits
	part     func(Part) error
	result   Result
	problems []string
	parts    int
	unpacked int64 // bytes of parts so far
}

// reader returns the method that reads a type, or nil.
func (j *job) reader(kind string) func() error {
	switch kind {
	case messageType:
		return j.message
	case emlxType:
		return j.emlx
	case mboxType:
		return j.mailbox
	case htmlType, xhtmlType:
		return j.page
	case pdfType:
		return j.pdf
	case docxType:
		return j.docx
	case zipType:
		return j.zip
	case gzipType:
		return j.gzip
	case "application/x-bzip2":
		return j.bzip2
	case "application/zstd":
		return j.zstd
	case tarType:
		return j.tar
	case "image/png", "image/jpeg", "image/gif":
		return j.image
	}
	switch {
	case isPlain(kind):
		return j.plain
	case isClosed(kind):
		return j.closed
	}
	return nil
}

// closed says of a container that nobody has looked inside, so that it is not
// taken for an empty one.
func (j *job) closed() error {
	j.result.Container = true
	j.problem("what is inside cannot be read yet: files of this type are not opened")
	return nil
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	if l.Text > 0 {
		d.Text = l.Text
	}
	if l.Parts > 0 {
		d.Parts = l.Parts
	}
	if l.PartBytes > 0 {
		d.PartBytes = l.PartBytes
	}
	if l.Ratio > 0 {
		d.Ratio = l.Ratio
	}
	return d
}

// problem notes what could not be read, each once.
func (j *job) problem(format string, args ...any) {
	text := valid(fmt.Sprintf(format, args...))
	for _, p := range j.problems {
		if p == text {
			return
		}
	}
	if len(j.problems) < 16 && text != "" {
		j.problems = append(j.problems, text)
	}
}

func (j *job) fact(name, value string) {
	if value = strings.TrimSpace(valid(value)); value != "" && len(j.result.Facts) < 10_000 {
		j.result.Facts = append(j.result.Facts, corpus.Fact{Name: name, Value: value})
	}
}

// head reads up to n bytes from the beginning of the file.
func head(f File, n int64) ([]byte, error) {
	b := make([]byte, min(n, f.Size))
	got, err := f.Body.ReadAt(b, 0)
	if got == len(b) || err == io.EOF {
		err = nil
	}
	return b[:got], err
}

// text reads the file as far as the limit on text goes.
func (j *job) text() ([]byte, error) {
	b, err := head(j.file, j.limits.Text)
	if err != nil {
		if len(b) == 0 {
			j.result.Unread = true
		}
		j.problem("the file cannot be read to its end: %v", err)
	}
	if int64(len(b)) < j.file.Size && err == nil {
		j.problem("the text is longer than %d bytes; the rest of it is left out", j.limits.Text)
	}
	return b, nil
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func oneLine(s string) string { return strings.Join(strings.Fields(valid(s)), " ") }
