package extract

import (
	"archive/tar"
	"compress/gzip"
	"errors"
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

func innerName(name string) string {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".tgz"):
		return name[:len(name)-4] + ".tar"
	case strings.HasSuffix(lower, ".gz"):
		return name[:len(name)-3]
	}
	return name
}

// tar hands out the files of a tar archive. Links, devices and folders have no
// bytes and are no files.
func (j *job) tar() error {
	return j.container(func() error {
		r := tar.NewReader(io.NewSectionReader(j.file.Body, 0, j.file.Size))
		for found := 0; ; {
			h, err := r.Next()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil && !errors.Is(err, tar.ErrInsecurePath):
				j.problem("the archive is damaged; what stands after the damage is left out")
				j.result.Unread = found == 0
				return nil
			}
			if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse && h.Typeflag != '7' {
				continue
			}
			found++
			if err := j.give(Part{Name: decodeNames([]string{h.Name})[0], Body: worded{r}}); err != nil {
				return err
			}
		}
	})
}
