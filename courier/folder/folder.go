// Package folder does the courier's work over a folder: a USB stick, or a share
// between two machines. The desk's side reads envelopes from it and leaves replies,
// acknowledgements and keys; Sync is intake's side. A stick passes through many
// hands: no name and no link on it is trusted, and nothing outside of it is touched. It
// also goes bad: a copy that is not what intake wrote is no envelope that arrived, and
// intake, which still has it, writes it anew. Who can write to the folder can keep things
// from arriving, for as long as they do. What intake destroys the desk has signed for, to
// the byte.
package folder

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/courier"
	"daylight/fault"
)

// The folder holds:
//
//	envelopes/DAY.ID.SUM  sealed, DAY as YYYY-MM-DD, SUM the SHA-256 of the file in hex
//	envelopes/DAY.ID      the same, of who knows no sum: a source's own program. It is
//	                      taken as it is, and nobody waits for word of it
//	acknowledged/ID       a signed note (C2SP signed-note): the desk holds the envelope
//	                      safely; see acknowledgement
//	damaged/ID            empty: the file has another sum, or cannot be read to its end
//	replies/MAILBOX.ID    sealed
//	keys/list             the newest list
//
// A file appears whole, by renaming; names that begin with "." are not finished.
const (
	envelopes    = "envelopes"
	acknowledged = "acknowledged"
	damaged      = "damaged"
	replies      = "replies"
	keys         = "keys"
	keyList      = "keys/list"
)

// maxList bounds a key list that is read into memory.
const maxList = 1 << 20

// maxWord bounds a word of the desk.
const maxWord = 1 << 12

// Folder implements courier.Intake, for the desk. It is safe for concurrent use. An
// envelope's id here is of its name and its sum, so that another in its place is another.
type Folder struct {
	root *os.Root

	// Signer signs what the desk acknowledges. Only the desk needs one.
	Signer note.Signer
}

// Open opens the folder at dir, which must be there, and makes what it lacks.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", kind(err))
	}
	for _, sub := range []string{envelopes, acknowledged, damaged, replies, keys} {
		if err := root.Mkdir(sub, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			root.Close()
			return nil, fmt.Errorf("open folder: %w", kind(err))
		}
	}
	return &Folder{root: root}, nil
}

// Close implements courier.Intake.
func (f *Folder) Close() error { return f.root.Close() }

// Envelopes implements courier.Intake.
func (f *Folder) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	done, err := f.ids(acknowledged)
	if err != nil {
		return nil, err
	}
	here, err := f.copies()
	if err != nil {
		return nil, err
	}
	var list []courier.Envelope
	for id, c := range here { // each once, whatever a stick has twice
		if !done[c.ID] {
			list = append(list, courier.Envelope{ID: id, Day: c.Day, Size: c.Size})
		}
	}
	return list, nil
}

// sealedCopy is an envelope as it lies here, under intake's name for it.
type sealedCopy struct {
	courier.Envelope
	file string
	sum  string // "" where nobody says it
}

// id is the desk's name for it. Else a copy that somebody exchanged would, once taken in,
// pass for the one that intake wrote; and one without a sum for the one that intake has, when
// the desk next comes there by another way.
func (c sealedCopy) id() courier.EnvelopeID {
	h := sha256.Sum256([]byte("daylight/courier/folder/0\x00" + string(c.ID) + c.sum))
	return courier.EnvelopeID(hex.EncodeToString(h[:16]))
}

// copies are the files that hold envelopes, by the desk's name for them.
func (f *Folder) copies() (map[courier.EnvelopeID]sealedCopy, error) {
	files, err := f.list(envelopes)
	if err != nil {
		return nil, err
	}
	all := map[courier.EnvelopeID]sealedCopy{}
	for _, info := range files {
		if c, ok := parseEnvelope(info.Name()); ok {
			c.Size = info.Size()
			all[c.id()] = c
		}
	}
	return all, nil
}

// acknowledgement is what the desk signs: it holds an envelope of this sum safely.
func acknowledgement(id courier.EnvelopeID, sum string) string {
	return fmt.Sprintf("daylight acknowledged 0\n%s %s\n", id, sum)
}

// ids are the envelopes of which there is word in a folder.
func (f *Folder) ids(sub string) (map[courier.EnvelopeID]bool, error) {
	files, err := f.list(sub)
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

// Open implements courier.Intake. Where the copy is damaged, its reader ends with an error
// in place of io.EOF, and has left word for intake.
func (f *Folder) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	here, err := f.copies()
	if err != nil {
		return nil, err
	}
	c, ok := here[id]
	if !ok {
		return nil, fmt.Errorf("open envelope: %w", fault.NotFound)
	}
	file, err := f.open(path.Join(envelopes, c.file))
	if err != nil {
		return nil, err
	}
	if c.sum == "" {
		return file, nil
	}
	return &checked{file, c.sum, sha256.New(), func() error { return f.write(path.Join(damaged, string(c.ID)), strings.NewReader("")) }}, nil
}

// checked reads a file whose sum is known.
type checked struct {
	file *os.File
	want string
	sum  hash.Hash
	tell func() error // that it is damaged
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.sum.Write(p[:n])
	switch {
	case err == nil, err == io.EOF && hex.EncodeToString(c.sum.Sum(nil)) == c.want:
		return n, err
	case err == io.EOF:
		err = errors.New("it is not what intake wrote")
	}
	return n, fault.Say("The copy of an envelope in the courier's folder is damaged. It was not taken in. Take the folder to intake and back: it writes another, if it still has one.",
		fmt.Errorf("read envelope: %w: %w", fault.Unverified, errors.Join(err, c.tell())))
}

func (c *checked) Close() error { return c.file.Close() }

// Acknowledge implements courier.Intake: it leaves word for intake, and then takes
// the envelope off the folder.
func (f *Folder) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	here, err := f.copies()
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	for _, id := range ids {
		c, ok := here[id]
		if !ok {
			continue // unknown, or acknowledged before
		}
		if c.sum != "" {
			err = f.sign(c)
		}
		if err == nil {
			err = f.remove(path.Join(envelopes, c.file))
		}
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	return nil
}

// sign leaves word of an envelope for intake.
func (f *Folder) sign(c sealedCopy) error {
	word, err := note.Sign(&note.Note{Text: acknowledgement(c.ID, c.sum)}, f.Signer)
	if err != nil {
		return err
	}
	return f.write(path.Join(acknowledged, string(c.ID)), bytes.NewReader(word))
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
func (f *Folder) write(name string, r io.Reader) error {
	return f.writeAs(path.Dir(name), r, func() string { return path.Base(name) })
}

// writeAs asks for the name when all is read.
func (f *Folder) writeAs(sub string, r io.Reader, name func() string) (err error) {
	var random [8]byte
	rand.Read(random[:])
	temporary := path.Join(sub, "."+hex.EncodeToString(random[:]))
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", sub, kind(unnamed(err)))
	}
	_, err = io.Copy(file, r)
	if err = errors.Join(unnamed(err), unnamed(file.Sync()), unnamed(file.Close())); err == nil {
		err = unnamed(f.root.Rename(temporary, path.Join(sub, name())))
	}
	if err != nil {
		f.root.Remove(temporary)
		return fmt.Errorf("write %s: %w", sub, kind(err))
	}
	return f.sync(sub)
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

var ofEnvelope = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)\.([0-9a-f]{32})(?:\.([0-9a-f]{64}))?$`)

// parseEnvelope reads the name of a file.
func parseEnvelope(name string) (c sealedCopy, ok bool) {
	m := ofEnvelope.FindStringSubmatch(name)
	if m == nil {
		return c, false
	}
	_, err := time.Parse(time.DateOnly, m[1])
	return sealedCopy{courier.Envelope{ID: courier.EnvelopeID(m[2]), Day: m[1]}, name, m[3]}, err == nil
}

// unnamed leaves out names. Those of unfinished files are random, and the same error would
// be another each minute.
func unnamed(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
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
