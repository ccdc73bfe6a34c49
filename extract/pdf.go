package extract

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"daylight/fault"
	"daylight/internal/pdfium"
)

// pdf reads the text of every page, apart by an empty line, and the properties.
func (j *job) pdf() error {
	d, err := pdfium.Open(j.ctx, j.file.Body, j.file.Size)
	j.result.Unread = err != nil
	switch {
	case j.ctx.Err() != nil:
		return j.ctx.Err()
	case errors.Is(err, pdfium.ErrPassword):
		j.problem("encrypted: it cannot be read without the password")
		return nil
	case errors.Is(err, fault.TooLarge):
		j.problem("the PDF is too large to be read here")
		return nil
	case err != nil:
		j.problem("the PDF is damaged: nothing of it can be read")
		return nil
	}
	defer d.Close(j.ctx)
	j.fact("Pages", strconv.Itoa(d.Pages()))
	j.pdfInfo(d)
	var text strings.Builder
	for i := range d.Pages() {
		page, err := d.Text(j.ctx, i)
		if j.ctx.Err() != nil {
			return j.ctx.Err()
		}
		if err != nil {
			j.problem("page %d cannot be read", i+1)
			continue
		}
		if int64(text.Len()+len(page)) > j.limits.Text {
			j.problem("the text is too long; the rest of it is left out")
			break
		}
		if page = strings.TrimSpace(page); page != "" {
			if text.Len() > 0 {
				text.WriteString("\n\n")
			}
			text.WriteString(page)
		}
	}
	j.result.Text = unixLines(text.String())
	return nil
}

func (j *job) pdfInfo(d *pdfium.Document) {
	info, err := d.Info(j.ctx)
	if err != nil {
		j.problem("the properties cannot be read")
		return
	}
	for _, name := range pdfium.InfoNames {
		j.fact(name, info[name])
	}
	j.result.Title = info["Title"]
	if j.result.Date = pdfTime(info["CreationDate"]); j.result.Date.IsZero() {
		j.result.Date = pdfTime(info["ModDate"])
	}
}

// pdfTime reads a date of PDF (ISO 32000-1, 7.9.4): D:YYYYMMDDHHmmSSOHH'mm', from
// the right as much of it left out as its writer liked.
func pdfTime(s string) time.Time {
	s = strings.NewReplacer("D:", "", "'", "", "Z", "+", " ", "").Replace(s)
	clock, zone, _ := strings.Cut(strings.ReplaceAll(s, "-", "+-"), "+")
	const layout = "20060102150405"
	n := min(len(clock), len(layout)) &^ 1
	if n < 4 {
		return time.Time{}
	}
	t, err := time.Parse(layout[:n], clock[:n])
	if err != nil || t.Year() < 1980 || t.Year() >= 2100 {
		return time.Time{}
	}
	sign := time.Duration(1)
	if rest, ok := strings.CutPrefix(zone, "-"); ok {
		sign, zone = -1, rest
	}
	if len(zone) >= 2 {
		hours, err := strconv.Atoi(zone[:2])
		minutes, _ := strconv.Atoi(zone[2:min(4, len(zone))]) // often left out
		if err == nil && hours < 24 {
			t = t.Add(-sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute))
		}
	}
	return t.UTC()
}
