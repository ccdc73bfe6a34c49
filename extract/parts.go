package extract

import (
	"errors"
	"fmt"
	"io"
)

// errBudget stops a container that unpacks to more than its limits. It never
// leaves the package.
var errBudget = errors.New("budget")

// give hands out one part and holds its container to the limits. Bytes count as
// they are unpacked: what a container says of its sizes is not believed. After
// errBudget nothing more of the container may be read.
func (j *job) give(p Part) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if j.parts >= j.limits.Parts {
		j.problem("more than %d parts; the rest is left out", j.limits.Parts)
		return errBudget
	}
	j.parts++
	p.Name, p.Type, p.Error = valid(p.Name), valid(p.Type), valid(p.Error)
	metered := &meter{src: p.Body, job: j}
	p.Body = metered
	if err := j.part(p); err != nil {
		return err
	}
	if metered.over {
		return errBudget
	}
	return nil
}

// meter counts the bytes of a part on their way.
type meter struct {
	src  io.Reader
	job  *job
	over bool
}

func (m *meter) Read(b []byte) (int, error) {
	if m.over {
		return 0, errors.New("cut: its container unpacks to more than it may")
	}
	if err := m.job.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.src.Read(b)
	m.job.unpacked += int64(n)
	if why := m.job.overBudget(); why != "" {
		m.over = true
		m.job.problem("%s; the rest is left out", why)
		return n, fmt.Errorf("cut: its container %s", why)
	}
	return n, err
}

// overBudget says which limit the parts so far are over, or "".
func (j *job) overBudget() string {
	const free = 1 << 20
	switch {
	case j.unpacked > j.limits.PartBytes:
		return fmt.Sprintf("unpacks to more than %d bytes", j.limits.PartBytes)
	case j.unpacked > free && j.unpacked/j.limits.Ratio > j.file.Size:
		return fmt.Sprintf("unpacks to more than %d times its size", j.limits.Ratio)
	}
	return ""
}

// container runs the reading of a container; its budget is not an error.
func (j *job) container(read func() error) error {
	j.result.Container = true
	return j.within(read)
}

// within is container for files that may have parts.
func (j *job) within(read func() error) error {
	if err := read(); !errors.Is(err, errBudget) {
		return err
	}
	return nil
}
