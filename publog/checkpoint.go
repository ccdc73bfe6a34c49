package publog

import (
	"fmt"
	"strconv"
	"strings"

	"daylight/fault"
)

// Checkpoint is the state of a log at one moment. Origin names the log, for ever.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// Text is the note that is signed: C2SP tlog-checkpoint, without extension lines.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(signers ...Signer) ([]byte, error) {
	if err := CheckOrigin(c.Origin); err != nil {
		return nil, err
	}
	return Sign(c.Text(), signers...)
}

// CheckOrigin says what is wrong with the name of a log, or nil. A good one is a
// name that the newsroom owns, with a word for the log: example.org/daylight.
func CheckOrigin(origin string) error {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '+' || r == '\ufffd' }
	if origin == "" || len(origin) > 255 || strings.ContainsFunc(origin, bad) {
		return fmt.Errorf("name of the log %q: want 1 to 255 bytes without spaces and plus signs: %w", origin, fault.Invalid)
	}
	return nil
}

// OpenCheckpoint checks the signatures of a checkpoint and reads it. Its errors
// are those of OpenNote.
func OpenCheckpoint(signed []byte, keys Keys) (Checkpoint, Signed, error) {
	text, by, err := OpenNote(signed, keys)
	if err != nil {
		return Checkpoint{}, by, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parseCheckpoint(text)
	return c, by, err
}

// parseCheckpoint takes exactly what Text gives.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return Checkpoint{}, fmt.Errorf("checkpoint: %d lines; want 3: %w", len(lines)-1, fault.Damaged)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("checkpoint: size: %w", fault.Damaged)
	}
	root, err := ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: root: %w", err)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if CheckOrigin(c.Origin) != nil || c.Text() != text {
		return Checkpoint{}, fmt.Errorf("checkpoint: not in the form in which it is written: %w", fault.Damaged)
	}
	return c, nil
}
