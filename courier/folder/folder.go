// Package folder does the courier's work over a folder: a USB stick, or a share
// between two machines. The desk's side reads envelopes from it and leaves replies,
// acknowledgements and keys; Sync is intake's side. A stick passes through many
// hands: no name and no link on it is trusted, and nothing outside of it is touched.
package folder

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"daylight/courier"
	"daylight/fault"
)

// The folder holds:
//
//	envelopes/DAY.ID      sealed, DAY as YYYY-MM-DD
//	acknowledged/ID       empty: the desk holds the envelope safely
//	replies/MAILBOX.ID    sealed
//	keys/list             the newest list
//
// A file appears whole, by renaming; names that begin with "." are not finished.
const (
	envelopes    = "envelopes"
	acknowledged = "acknowledged"
	replies      = "replies"
	keys         = "keys"
	keyList      = "keys/list"
)

// maxList bounds a key list that is read into memory.
const maxList = 1 << 20

// Folder implements courier.Intake, for the desk. It is safe for concurrent use.
type Folder struct{ root *os.Root }

// Open opens the folder at dir, which must be there, and makes what it lacks.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", kind(err))
	}
	for _, sub := range []string{envelopes, acknowledged, replies, keys} {
		if err := root.Mkdir(sub, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			root.Close()
			return nil, fmt.Errorf("open folder: %w", kind(err))
		}
	}
	return &Folder{root}, nil
}

// Close implements courier.Intake.
func (f *Folder) Close() error { return f.root.Close() }

// Envelopes implements courier.Intake.
func (f *Folder) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	done, err := f.acknowledged()
	if err != nil {
		return nil, err
	}
	files, err := f.list(envelopes)
	if err != nil {
		return nil, err
	}
	var list []courier.Envelope
	for _, info := range files {
		if e, ok := parseEnvelope(info.Name()); ok && !done[e.ID] {
			e.Size = info.Size()
			list = append(list, e)
		}
	}
	return list, nil
}

func (f *Folder) acknowledged() (map[courier.EnvelopeID]bool, error) {
	files, err := f.list(acknowledged)
	if err != nil {
		return nil, err
	}
	ids := map[courier.EnvelopeID]bool{}
	for _, info := range files {
		if id := courier.EnvelopeID(info.Name()); id.Valid() {
			ids[id] = true
		}
	}
	return ids, nil
}

// names are the files that hold envelopes.
func (f *Folder) names() (map[courier.EnvelopeID]string, error) {
	files, err := f.list(envelopes)
	if err != nil {
		return nil, err
	}
	names := map[courier.EnvelopeID]string{}
	for _, info := range files {
		if e, ok := parseEnvelope(info.Name()); ok {
			names[e.ID] = path.Join(envelopes, info.Name())
		}
	}
	return names, nil
}

// Open implements courier.Intake.
func (f *Folder) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	name, ok := names[id]
	if !ok {
		return nil, fmt.Errorf("open envelope: %w", fault.NotFound)
	}
	return f.open(name)
}

// Acknowledge implements courier.Intake: it leaves word for intake, and then takes
// the envelope off the folder.
func (f *Folder) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	names, err := f.names()
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	for _, id := range ids {
		name, ok := names[id]
		if !ok {
			continue // unknown, or acknowledged before
		}
		err := f.write(path.Join(acknowledged, string(id)), strings.NewReader(""))
		if err == nil {
			err = f.remove(name)
		}
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	return nil
}

// PutReply implements courier.Intake.
func (f *Folder) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	if !box.Valid() || !id.Valid() {
		return fmt.Errorf("put reply: mailbox or id: %w", fault.Invalid)
	}
	return f.write(path.Join(replies, string(box)+"."+string(id)), sealed)
}

// PutKeys implements courier.Intake.
func (f *Folder) PutKeys(ctx context.Context, list []byte) error {
	return f.write(keyList, strings.NewReader(string(list)))
}

// list returns the finished, regular files of a folder.
func (f *Folder) list(sub string) ([]fs.FileInfo, error) { return f.files(sub, true) }

func (f *Folder) files(sub string, finished bool) ([]fs.FileInfo, error) {
	d, err := f.root.Open(sub)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", sub, kind(err))
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", sub, kind(err))
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && strings.HasPrefix(e.Name(), ".") != finished {
			files = append(files, info)
		}
	}
	return files, nil
}

// open opens a regular file. A pipe under its name must not make us wait.
func (f *Folder) open(name string) (*os.File, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", kind(err))
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, fmt.Errorf("open: no regular file: %w", fault.NotFound)
	}
	return file, nil
}

// write makes a file that is there whole or not at all, also when the stick is
// pulled.
func (f *Folder) write(name string, r io.Reader) (err error) {
	var random [8]byte
	rand.Read(random[:])
	temporary := path.Join(path.Dir(name), "."+hex.EncodeToString(random[:]))
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write: %w", kind(err))
	}
	_, err = io.Copy(file, r)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = f.root.Rename(temporary, name)
	}
	if err != nil {
		f.root.Remove(temporary)
		return fmt.Errorf("write: %w", kind(err))
	}
	return f.sync(path.Dir(name))
}

func (f *Folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", kind(err))
	}
	return f.sync(path.Dir(name))
}

// sync makes names durable.
func (f *Folder) sync(sub string) error {
	d, err := f.root.Open(sub)
	if err != nil {
		return fmt.Errorf("sync: %w", kind(err))
	}
	defer d.Close()
	// Not every file system of a stick can sync a folder.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync: %w", kind(err))
	}
	return nil
}

func envelopeName(e courier.Envelope) string { return e.Day + "." + string(e.ID) }

func parseEnvelope(name string) (courier.Envelope, bool) {
	day, id, _ := strings.Cut(name, ".")
	if _, err := time.Parse(time.DateOnly, day); err != nil || !courier.EnvelopeID(id).Valid() {
		return courier.Envelope{}, false
	}
	return courier.Envelope{ID: courier.EnvelopeID(id), Day: day}, true
}

// kind adds the kinds of fault that callers ask for.
func kind(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", fault.Full, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", fault.NotFound, err)
	}
	return err
}
