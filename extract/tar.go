package extract

import (
	"archive/tar"
	"errors"
	"io"
)

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
