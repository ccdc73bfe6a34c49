package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"daylight/fault"
	"daylight/internal/durable"
)

// An instance is a folder with the state of one role. A trial is a folder with
// three of them, marked, and with all keys in one place: it must never be served.
//
//	instance.json   {"format":0,"role":"desk","trial":false}
//	daylight.toml   settings, when there are any
//	keys/           secrets, a file each, readable by the owner only
//	everything else belongs to the role
type instance struct {
	Format int    `json:"format"`
	Role   string `json:"role"` // intake, desk, archive, trial
	Trial  bool   `json:"trial"`

	dir string
}

var roles = []string{"intake", "desk", "archive"}

// openInstance reads the marker of a folder that is there.
func openInstance(dir string) (instance, error) {
	in := instance{dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "instance.json"))
	if errors.Is(err, os.ErrNotExist) {
		return in, fault.Say(fmt.Sprintf("%s holds no Daylight instance. `daylight keys make --role ROLE --data %s` makes one; `daylight try` makes a trial.", dir, dir), fault.NotFound)
	}
	if err != nil {
		return in, fmt.Errorf("open instance: %w", err)
	}
	if err := json.Unmarshal(b, &in); err != nil || in.Format != 0 {
		return in, fault.Say(fmt.Sprintf("%s/instance.json is damaged, or of a newer Daylight.", dir), fault.Damaged)
	}
	return in, nil
}

// makeWhole makes a folder that is new or empty by f, under another name until it
// is whole. What a crash left half made is made again.
func makeWhole(dir string, f func(part string) error) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fault.Say(dir+" is not empty. Nothing was changed.", fault.Conflict)
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	defer os.RemoveAll(part) // after the rename it is gone
	if err := f(part); err != nil {
		return err
	}
	os.Remove(dir) // an empty folder, or nothing
	if err := errors.Join(os.Rename(part, dir), durable.SyncDir(filepath.Dir(dir))); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	return nil
}

// makeInstance makes the folder of an instance, with its marker.
func makeInstance(dir, role string, trial bool) (instance, error) {
	in := instance{Role: role, Trial: trial, dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		return in, fmt.Errorf("make instance: %w", err)
	}
	b, _ := json.Marshal(in)
	if err := durable.WriteFile(filepath.Join(dir, "instance.json"), append(b, '\n')); err != nil {
		return in, fmt.Errorf("make instance: %w", err)
	}
	return in, nil
}

// roleInstance is the part of dir that has a role: dir itself, or a folder of the
// trial that it is.
func roleInstance(dir, role string) (instance, error) {
	in, err := openInstance(dir)
	if err != nil {
		return in, err
	}
	if in.Role == "trial" {
		return openInstance(filepath.Join(dir, role))
	}
	if in.Role != role {
		return in, fault.Say(fmt.Sprintf("%s is the %s of an instance; this needs the %s.", dir, in.Role, role), fault.Invalid)
	}
	return in, nil
}

// there reports the first file or folder of those that a person named that cannot
// be found.
func there(paths ...string) error {
	for _, p := range paths {
		if _, err := os.Stat(p); errors.Is(err, os.ErrNotExist) {
			return fault.Say(p+" is not there.", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// path is a place inside of the instance.
func (in instance) path(elem ...string) string {
	return filepath.Join(append([]string{in.dir}, elem...)...)
}

// secret reads a key file, which must be the owner's alone.
func (in instance) secret(name string) ([]byte, error) {
	path := in.path("keys", name)
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fault.Say(fmt.Sprintf("keys/%s can be read by others. Run `chmod 600` on it.", name), fault.Forbidden)
	}
	return os.ReadFile(path)
}

// lockName is the file that a running instance holds, importName the one that an
// import holds beside a serving archive.
const (
	lockName   = "lock"
	importName = "import.lock"
)

// lock keeps the instance for this process. The parts of a trial have one lock.
func (in instance) lock() (unlock func(), err error) {
	dir := in.dir
	if in.Trial && in.Role != "trial" {
		dir = filepath.Dir(dir)
	}
	return in.take(filepath.Join(dir, lockName))
}

// take holds one lock file.
func (in instance) take(path string) (unlock func(), err error) {
	l, err := durable.TryLock(path)
	if errors.Is(err, fault.Busy) {
		return nil, fault.Say(in.dir+" is in use by another Daylight. Stop that one first. Nothing was changed.", err)
	}
	if err != nil {
		return nil, err
	}
	return func() { l.Unlock() }, nil
}
