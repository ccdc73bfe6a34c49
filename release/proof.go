package release

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"daylight/fault"
	"daylight/publog"
)

// Proof is what a reader needs to check one entry without asking anybody: the
// entry, where its leaf stands in the publication log, and the signed state of the
// log. As text it is a file of its own; its second half is a C2SP tlog-proof.
type Proof struct {
	Record
	Log publog.Proof
}

const (
	proofMagic = "daylight proof 0"
	tlogMagic  = "c2sp.org/tlog-proof@v1"
	maxPath    = 64
)

// ProofExtension ends the names of proofs.
const ProofExtension = ".proof"

// Prove makes the proof of an entry under the log's last checkpoint. It returns
// fault.NotFound when the log does not reach the entry yet, and fault.Damaged when
// the record is not what was published.
func Prove(r Record, log *publog.Log) (Proof, error) {
	leaf, err := log.Leaf(r.Index)
	if err != nil {
		return Proof{}, fmt.Errorf("prove %s %s: %w", r.Kind, r.ID, err)
	}
	if leaf != r.Leaf() {
		return Proof{}, fmt.Errorf("prove %s %s: not what leaf %d commits to: %w", r.Kind, r.ID, r.Index, fault.Damaged)
	}
	p, err := log.Prove(r.Index)
	if err != nil {
		return Proof{}, fmt.Errorf("prove %s %s: %w", r.Kind, r.ID, err)
	}
	return Proof{r, p}, nil
}

// MarshalText gives the file. SPEC.md, "Proof".
func (p Proof) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nkind %s\nid %s\nsalt %s\n", proofMagic, p.Kind, p.ID, base64.StdEncoding.EncodeToString(p.Salt[:]))
	if p.Payload == nil {
		b.WriteString("payload none\n")
	} else {
		fmt.Fprintf(&b, "payload %d %s\n", p.Payload.Size, publog.Hash(p.Payload.SHA256))
	}
	fmt.Fprintf(&b, "body %s\n\n%s\nindex %d\n", p.Body, tlogMagic, p.Log.Index)
	for _, h := range p.Log.Path {
		fmt.Fprintf(&b, "%s\n", h)
	}
	fmt.Fprintf(&b, "\n%s", p.Log.Checkpoint)
	return b.Bytes(), nil
}

// ParseProof reads what MarshalText gives and nothing else; all else is
// fault.Damaged. It does not check the proof.
func ParseProof(text []byte) (Proof, error) {
	p, err := parseProof(string(text))
	if err != nil {
		return Proof{}, fmt.Errorf("proof: %w", err)
	}
	if again, _ := p.MarshalText(); !bytes.Equal(again, text) {
		return Proof{}, fmt.Errorf("proof: not in the form in which it is written: %w", fault.Damaged)
	}
	return p, nil
}

func parseProof(text string) (Proof, error) {
	var p Proof
	first, rest, _ := strings.Cut(text, "\n")
	if first != proofMagic {
		return p, fmt.Errorf("its first line is not %q: %w", proofMagic, fault.Damaged)
	}
	var fields [5]string
	for i, name := range []string{"kind ", "id ", "salt ", "payload ", "body "} {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		value, ok := strings.CutPrefix(line, name)
		if !ok {
			return p, fmt.Errorf("no line %q: %w", strings.TrimSpace(name), fault.Damaged)
		}
		fields[i] = value
	}
	p.Kind, p.ID, p.Body = Kind(fields[0]), fields[1], []byte(fields[4])
	if len(p.Kind) > maxName || len(p.ID) > maxName {
		return p, fmt.Errorf("kind or id is too long: %w", fault.Damaged)
	}
	salt, err := publog.ParseHash(fields[2])
	if err != nil {
		return p, fmt.Errorf("salt: %w", err)
	}
	p.Salt = Salt(salt)
	if p.Payload, err = parsePayload(fields[3]); err != nil {
		return p, err
	}
	head, checkpoint, ok := strings.Cut(strings.TrimPrefix(rest, "\n"), "\n\n")
	if !ok {
		return p, fmt.Errorf("no checkpoint: %w", fault.Damaged)
	}
	if p.Log, err = parseTlogProof(head); err != nil {
		return p, err
	}
	p.Log.Checkpoint, p.Index = []byte(checkpoint), p.Log.Index
	return p, nil
}

func parsePayload(s string) (*Payload, error) {
	if s == "none" {
		return nil, nil
	}
	size, code, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("payload's size: %w", fault.Damaged)
	}
	h, err := publog.ParseHash(code)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return &Payload{n, h}, nil
}

func parseTlogProof(head string) (publog.Proof, error) {
	var p publog.Proof
	lines := strings.Split(head, "\n")
	if lines[0] != tlogMagic || len(lines) < 2 || len(lines) > maxPath+2 {
		return p, fmt.Errorf("no log proof, or too long: %w", fault.Damaged)
	}
	index, ok := strings.CutPrefix(lines[1], "index ")
	n, err := strconv.ParseInt(index, 10, 64)
	if !ok || err != nil || n < 0 {
		return p, fmt.Errorf("index: %w", fault.Damaged)
	}
	p.Index = n
	for _, line := range lines[2:] {
		h, err := publog.ParseHash(line)
		if err != nil {
			return p, fmt.Errorf("path: %w", err)
		}
		p.Path = append(p.Path, h)
	}
	return p, nil
}
