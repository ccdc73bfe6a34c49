package extract

import (
	"compress/bzip2"
	"compress/gzip"
	"io"
	"strings"
)

// gzip hands out the one file inside, under the name in its header, or its own
// name without ".gz".
func (j *job) gzip() error {
	return j.container(func() error {
		r, err := gzip.NewReader(io.NewSectionReader(j.file.Body, 0, j.file.Size))
		if err != nil {
			j.problem("the archive is damaged: its header cannot be read")
			j.result.Unread = true
			return nil
		}
		name := decodeNames([]string{latin1Bytes(r.Name)})[0]
		if name == "" {
			name = innerName(j.file.Name)
		}
		if !r.ModTime.IsZero() {
			j.result.Date = r.ModTime.UTC()
		}
		j.fact("Comment", r.Comment)
		return j.give(Part{Name: name, Body: worded{r}})
	})
}

// bzip2 hands out the one file inside.
func (j *job) bzip2() error {
	return j.container(func() error {
		r := bzip2.NewReader(io.NewSectionReader(j.file.Body, 0, j.file.Size))
		return j.give(Part{Name: innerName(j.file.Name), Body: worded{r}})
	})
}

// zstd hands out the one file inside.
func (j *job) zstd() error {
	return j.container(func() error {
		r := newZstd(io.NewSectionReader(j.file.Body, 0, j.file.Size))
		defer r.Close()
		return j.give(Part{Name: innerName(j.file.Name), Body: worded{r}})
	})
}

// latin1Bytes undoes what compress/gzip does to names: it reads them as Latin-1,
// as RFC 1952 says and few programs do.
func latin1Bytes(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// innerNames are what is left of a name when its compression is taken off.
var innerNames = []struct{ suffix, left string }{
	{".tgz", ".tar"}, {".tbz", ".tar"}, {".tbz2", ".tar"}, {".tzst", ".tar"}, {".gz", ""}, {".bz2", ""}, {".zst", ""},
}

func innerName(name string) string {
	for _, n := range innerNames {
		if cut := len(name) - len(n.suffix); cut > 0 && strings.EqualFold(name[cut:], n.suffix) {
			return name[:cut] + n.left
		}
	}
	return name
}
