package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"

	"daylight/fault"
	"daylight/internal/durable"
)

// A backup is a tar stream of the instance's folder, sealed with age to a
// passphrase. It holds no times: at intake they would tell when somebody wrote.

type backupCmd struct {
	PassphraseFile string `required:"" help:"File that holds the passphrase, on its first line." placeholder:"FILE"`
	Out            string `arg:"" help:"The backup to write; it must not be there yet." placeholder:"FILE"`
}

func (backupCmd) Help() string {
	return "Example: daylight backup --data /srv/desk --passphrase-file /media/stick/words desk.backup\n\nStop the instance first: the command refuses while it runs. A backup of intake opens what was sealed then, also after it was destroyed at intake: keep one, and no older ones."
}

func (c *backupCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	unlock, err := in.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if in.Role == "archive" {
		done, err := in.take(in.path(importName))
		if err != nil {
			return err
		}
		defer done()
	}
	words, err := passphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	to, err := age.NewScryptRecipient(words)
	if err != nil {
		return fmt.Errorf("passphrase: %w", err)
	}
	if _, err := os.Stat(c.Out); err == nil {
		return fault.Say(c.Out+" is there already. Nothing was written.", fault.Conflict)
	}
	part := c.Out + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(part) // after the rename it is gone
	defer f.Close()
	sealed, err := age.Encrypt(f, to)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := pack(sealed, in.dir); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := errors.Join(sealed.Close(), f.Sync()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := errors.Join(os.Rename(part, c.Out), durable.SyncDir(filepath.Dir(c.Out))); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := in.backedUp(); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Wrote %s. Rehearse: daylight restore --data DIR --passphrase-file FILE %s\n", c.Out, c.Out)
	return nil
}

// backupName is the file that holds the day of the last backup, for the doctor.
const backupName = "backup.day"

// backedUp notes it so that the role's account can read it where root made the backup;
// the folder keeps others out.
func (in instance) backedUp() error {
	err := durable.WriteFile(in.path(backupName), []byte(time.Now().UTC().Format(time.DateOnly)+"\n"))
	return errors.Join(err, os.Chmod(in.path(backupName), 0o644))
}

func (in instance) lastBackup() (time.Time, error) {
	b, err := os.ReadFile(in.path(backupName))
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.DateOnly, strings.TrimSpace(string(b)))
}

// pack writes the regular files below dir. Lock files stay: they are of a process.
func pack(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir || d.Name() == lockName || d.Name() == importName {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
		switch {
		case d.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
			return t.WriteHeader(h)
		case !d.Type().IsRegular(): // sockets of a running service
			return nil
		}
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyN(t, f, info.Size())
		return err
	})
	if err != nil {
		return err
	}
	return t.Close()
}

type restoreCmd struct {
	PassphraseFile string `required:"" help:"File that holds the passphrase, on its first line." placeholder:"FILE"`
	From           string `arg:"" help:"The backup." placeholder:"FILE"`
}

func (restoreCmd) Help() string {
	return "Example: daylight restore --data /srv/desk --passphrase-file /media/stick/words desk.backup\n\nThe folder must be new or empty. What a damaged backup gave is taken away again."
}

func (c *restoreCmd) Run(a *app) error {
	if err := there(c.From); err != nil {
		return err
	}
	// It comes to its place only when all of it has been read and verified.
	if err := makeWhole(a.data, c.restore); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Restored to %s. Next: daylight doctor --data %s\n", a.data, a.data)
	return nil
}

func (c *restoreCmd) restore(dir string) error {
	words, err := passphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	id, err := age.NewScryptIdentity(words)
	if err != nil {
		return fmt.Errorf("passphrase: %w", err)
	}
	f, err := os.Open(c.From)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close()
	plain, err := age.Decrypt(f, id)
	if err != nil {
		return fault.Say("The passphrase is wrong, or this is not a backup. Nothing was restored.", fmt.Errorf("restore: %w: %w", fault.Unverified, err))
	}
	err = unpack(plain, dir)
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("restore: %w: %w", fault.Full, err)
	}
	if err == nil {
		_, err = openInstance(dir)
	}
	if err != nil {
		return fault.Say("The backup is damaged. Nothing was restored.", fmt.Errorf("restore: %w: %w", fault.Damaged, err))
	}
	return nil
}

// unpack makes what pack wrote. Names that lead out of dir are refused.
func unpack(r io.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r) // to the last, verified byte
			return err
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(filepath.FromSlash(filepath.Clean(h.Name)), 0o700)
		case tar.TypeReg:
			err = unpackFile(root, h, t)
		default:
			err = fmt.Errorf("entry of kind %q", h.Typeflag)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, h *tar.Header, r io.Reader) error {
	f, err := root.OpenFile(filepath.FromSlash(h.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(h.Mode)&0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// passphrase is the first line of a file.
func passphrase(path string) (string, error) {
	if err := there(path); err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSpace(line)
	if len(line) < 12 {
		return "", fault.Say("The passphrase is shorter than 12 characters. Take six random words.", fault.Invalid)
	}
	return string(line), nil
}
