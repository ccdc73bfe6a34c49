package release

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
)

// Report says what a proof proves, in sentences for people.
type Report struct {
	Kind      Kind
	ID        string
	Document  corpus.DocumentID // of a document, a rendition or a withdrawal
	SignedBy  []string
	Log       publog.Checkpoint
	Index     int64
	Proven    []string
	NotProven []string
}

// String is the report as lines of text.
func (r Report) String() string {
	var b strings.Builder
	b.WriteString("Proven:\n")
	for _, s := range r.Proven {
		b.WriteString("  + " + s + "\n")
	}
	b.WriteString("Not proven:\n")
	for _, s := range r.NotProven {
		b.WriteString("  - " + s + "\n")
	}
	return b.String()
}

// VerifyProof checks a proof and the file that it is for. The file is the payload
// of the entry; for an entry of a document without one, its text; nil checks the
// entry alone. Any changed byte, of the file or of the proof, is an error:
// fault.Damaged when the proof is not in its form, fault.Unverified when it does
// not hold. A signature line by an unknown key is such a change too, because
// nothing tells it from one. The error has words for people.
func VerifyProof(proof []byte, file io.Reader, keys publog.Keys) (Report, error) {
	p, err := ParseProof(proof)
	if err != nil {
		return Report{}, fault.Say("This is not a proof, or a byte of it was changed. Fetch it again.", err)
	}
	checkpoint, signed, err := p.Log.Check(p.Leaf(), keys)
	if err == nil && len(signed.Unknown) > 0 {
		err = fmt.Errorf("a signature is by %s, whose key is not known: %w", strings.Join(signed.Unknown, ", "), fault.Unverified)
	}
	if err != nil {
		return Report{}, fault.Say("The proof does not hold: it was changed, or it is not signed by the keys that you gave.", fmt.Errorf("proof: %w", err))
	}
	r := Report{Kind: p.Kind, ID: p.ID, SignedBy: signed.By, Log: checkpoint, Index: p.Log.Index}
	if err := r.read(p, file); err != nil {
		return Report{}, err
	}
	r.Proven = append(r.Proven,
		fmt.Sprintf("This stands in the publication log %s as number %d of %d.", checkpoint.Origin, p.Log.Index+1, checkpoint.Size),
		fmt.Sprintf("That state of the log was signed with the key of %s.", strings.Join(signed.By, ", ")))
	r.NotProven = append(r.NotProven,
		"That what it says is true, or that it is genuine. How it was checked stands on its collection's page.",
		"Who made it, who sent it, and what happened to it before the newsroom had it.",
		"When it was published. The log keeps an order, not a time.",
		"That it has not been corrected or withdrawn since. Ask an archive for its page.",
		"That the newsroom shows everybody the same log. Compare the log's size and root with a mirror's.",
		"That the keys you gave are the newsroom's. Compare them with another place where it publishes them.")
	return r, nil
}

// read says what the entry is, and compares the file with it.
func (r *Report) read(p Proof, file io.Reader) error {
	switch p.Kind {
	case KindRendition:
		return r.rendition(p, file)
	case KindDocument:
		return r.document(p, file)
	case KindWithdrawal:
		w, err := Decode[Withdrawal](p.Record)
		if err != nil {
			return err
		}
		r.Document = w.Document
		r.Proven = append(r.Proven, fmt.Sprintf("The newsroom published a withdrawal of document %s, on %s.", w.Document, w.Date))
	default:
		r.Proven = append(r.Proven, fmt.Sprintf("The newsroom published this entry: %s %s.", p.Kind, p.ID))
	}
	if file != nil {
		return fault.Say("This proof is for a statement of the newsroom, not for a file.",
			fmt.Errorf("proof of %s %s: no file belongs to it: %w", p.Kind, p.ID, fault.Unverified))
	}
	return nil
}

func (r *Report) rendition(p Proof, file io.Reader) error {
	body, err := Decode[Rendition](p.Record)
	if err != nil {
		return err
	}
	r.Document = body.Document
	if p.Payload == nil {
		return fmt.Errorf("proof of rendition %s: without a payload: %w", p.ID, fault.Unverified)
	}
	if file == nil {
		r.Proven = append(r.Proven, fmt.Sprintf("The newsroom published a file of %d bytes with SHA-256 %x as %q of document %s.",
			p.Payload.Size, p.Payload.SHA256, body.Label, body.Document))
		r.NotProven = append(r.NotProven, "That a file you have is this one: no file was given.")
	} else if err := same(file, *p.Payload); err != nil {
		return err
	} else {
		r.Proven = append(r.Proven, fmt.Sprintf("The file is, byte for byte, what the newsroom published as %q of document %s.", body.Label, body.Document))
	}
	if body.Received != nil {
		if err := body.Received.Check(p.Payload.SHA256); err != nil {
			return fault.Say("The newsroom says that its submission system received this file, and the receipt is not for these bytes.", fmt.Errorf("proof of rendition %s: %w", p.ID, err))
		}
		r.Proven = append(r.Proven, fmt.Sprintf("The newsroom's submission system (%s) signed for exactly these bytes when it received them.", body.Received.By()))
		r.NotProven = append(r.NotProven, "That somebody outside of the newsroom sent them: whoever holds the submission system's key can sign. When they came, and what else came with them, the receipt does not tell.")
	}
	if body.Name != NameOriginal {
		r.NotProven = append(r.NotProven, "That it shows all that the original holds. The newsroom made it from the original, and may have taken things out.")
	}
	return nil
}

func (r *Report) document(p Proof, file io.Reader) error {
	body, err := Decode[Document](p.Record)
	if err != nil {
		return err
	}
	r.Document = body.ID
	r.Proven = append(r.Proven, fmt.Sprintf("The newsroom published document %s, titled %q, in the collection %s, as %s.",
		body.ID, body.Title, body.Collection, body.State))
	if body.State == corpus.Redacted {
		r.NotProven = append(r.NotProven, "What the original holds: the newsroom took something out and says so.")
	}
	if file == nil {
		return nil
	}
	text := Payload{int64(len(body.Text)), sha256.Sum256([]byte(body.Text))}
	if err := same(file, text); err != nil {
		return err
	}
	r.Proven = append(r.Proven, "The file is, byte for byte, the text of that document as the newsroom published it.")
	return nil
}

// same compares a file with what the proof says of it.
func same(file io.Reader, want Payload) error {
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if n != want.Size || [32]byte(h.Sum(nil)) != want.SHA256 {
		return fault.Say("The file is not the one that this proof is for: at least one byte of it is different.",
			fmt.Errorf("file of %d bytes; the proof is for %d bytes with another SHA-256: %w", n, want.Size, fault.Unverified))
	}
	return nil
}

// NotVerified gives the error of what does not hold, or is damaged, the words that say so.
// It is fault.Unverified then. Others stay as they are.
func NotVerified(err error) error {
	if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Unverified) {
		return err
	}
	return fault.Say("NOT VERIFIED. "+cmp.Or(fault.Words(err), err.Error()), fmt.Errorf("%w: %w", fault.Unverified, err))
}

// RunVerify is the verifier's command: it reads the three parts and writes the report to
// out, or returns an error when the proof does not hold. The programs daylight and
// daylight-verify share it, and NotVerified.
func RunVerify(out io.Writer, proof, file io.Reader, keys string) error {
	known, err := publog.ParseKeys(keys)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(proof, maxBody))
	if err != nil {
		return fmt.Errorf("read the proof: %w", err)
	}
	report, err := VerifyProof(text, file, known)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "Verified.\n%s", report); err != nil {
		return errors.Join(fault.Unverified, err)
	}
	return nil
}
