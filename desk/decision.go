package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"daylight/fault"
)

// Question is one of the three that the desk asks of material. There is no fourth:
// who a source is and why they act are not asked.
type Question string

const (
	Accurate       Question = "accurate"
	Newsworthy     Question = "newsworthy"
	PublicInterest Question = "public interest"
)

// Questions are the three, in the order in which they are asked.
var Questions = []Question{Accurate, Newsworthy, PublicInterest}

// Words is the question as people read it.
func (q Question) Words() string {
	switch q {
	case Accurate:
		return "Is it accurate?"
	case Newsworthy:
		return "Is it newsworthy?"
	}
	return "Is it in the public interest to share it?"
}

// Manifest is the SHA-256 of everything that a release would say and do. An
// approval is of one manifest, and of no other.
type Manifest [sha256.Size]byte

func (m Manifest) String() string               { return hex.EncodeToString(m[:]) }
func (m Manifest) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
func (m *Manifest) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(m) {
		return fmt.Errorf("manifest: want 64 hexadecimal digits: %w", fault.Invalid)
	}
	copy(m[:], raw)
	return nil
}

// Evidence is what was found for and against a question, and the answer in a
// sentence or two. All three go out with the release, so they are written for the
// public; Notes stay on the desk.
type Evidence struct {
	For     string `json:"for"`     // one piece of evidence on each line
	Against string `json:"against"` // likewise
	Public  string `json:"public"`
	Notes   string `json:"notes,omitempty"`
}

// Level is how deep a release intrudes, or how much interest it has.
type Level int

// IntrusionWords and InterestWords say what each level means.
var (
	IntrusionWords = []string{"", "None: no private person is touched",
		"Slight: names and work addresses of people in their function",
		"Serious: private life, contact details, opinions of people not in public life",
		"Grave: health, children, victims, someone's safety"}
	InterestWords = []string{"", "Some: worth knowing",
		"Considerable: how public money or power is used",
		"High: serious wrongdoing, or deception of the public",
		"Overriding: danger to life, crimes of those in power"}
)

// Harm is the record of whom a release may hurt. The greater the intrusion, the
// greater the public interest required (BBC Editorial Guidelines, Privacy, say it
// so; the scales are ours).
type Harm struct {
	Intrusion Level  `json:"intrusion"` // 1 to 4; 0 is not recorded
	Interest  Level  `json:"interest"`  // 1 to 4; 0 is not recorded
	Affected  string `json:"affected,omitempty"`
	Reduced   string `json:"reduced,omitempty"` // what was done to reduce it
}

// Lacks says what the record lacks, each in a sentence.
func (h Harm) Lacks() []string {
	var lacks []string
	say := func(s string) { lacks = append(lacks, s) }
	valid := func(l Level) bool { return l >= 1 && l <= 4 }
	if !valid(h.Intrusion) || !valid(h.Interest) {
		say("The harm record is not complete: choose how far this intrudes, and how great the public interest is.")
		return lacks
	}
	if h.Interest < h.Intrusion {
		say("The greater the intrusion, the greater the interest required: as recorded, the interest does not carry the intrusion.")
	}
	if h.Intrusion > 1 && strings.TrimSpace(h.Affected) == "" {
		say("The harm record does not say whom this may affect.")
	}
	if h.Intrusion > 2 && strings.TrimSpace(h.Reduced) == "" {
		say("The harm record does not say what was done to reduce a serious intrusion.")
	}
	return lacks
}

// Answer is one editor's yes or no.
type Answer string

const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// Opinion is what one editor has said of one manifest: an answer to each question
// that was asked. With a no in it, it is an objection, and stays on record.
type Opinion struct {
	By       EditorID            `json:"by"`
	Manifest Manifest            `json:"manifest"`
	Answers  map[Question]Answer `json:"answers,omitempty"` // none where a release needs no decision
	Note     string              `json:"note,omitempty"`
	Day      string              `json:"day"`
}

// Approves reports whether there is no "no" in it.
func (o Opinion) Approves() bool {
	for _, a := range o.Answers {
		if a != Yes {
			return false
		}
	}
	return true
}

// ApprovalsNeeded is how many editors must approve.
const ApprovalsNeeded = 2

// Decision is the recorded answers to the three questions for one manifest. Any
// edit of the case voids the opinions.
type Decision struct {
	Records  map[Question]Evidence `json:"records,omitempty"`
	Harm     Harm                  `json:"harm"`
	Opinions []Opinion             `json:"opinions,omitempty"`
	Voided   int                   `json:"voided,omitempty"` // opinions that an edit has voided since the last release
}

// void drops all opinions.
func (d *Decision) void() {
	d.Voided += len(d.Opinions)
	d.Opinions = nil
}

// Lacks says what the records lack, each in a sentence. Both sides are asked for:
// a decision that nobody has argued against is not one.
func (d *Decision) Lacks() []string {
	var lacks []string
	for _, q := range Questions {
		r := d.Records[q]
		if strings.TrimSpace(r.For) == "" {
			lacks = append(lacks, fmt.Sprintf("“%s” has no evidence for it.", q.Words()))
		}
		if strings.TrimSpace(r.Against) == "" {
			lacks = append(lacks, fmt.Sprintf("“%s” has nothing against it: write down what speaks against, or what was looked for and not found.", q.Words()))
		}
		if strings.TrimSpace(r.Public) == "" {
			lacks = append(lacks, fmt.Sprintf("“%s” has no answer in words for the public record.", q.Words()))
		}
	}
	return append(lacks, d.Harm.Lacks()...)
}

// approve holds the rule of who may approve what. asked says whether this release
// needs the three questions answered; barred, whether the person took part in the
// material.
func (d *Decision) approve(by User, bar Bar, asked bool, o Opinion) error {
	if err := mayApprove(by, bar); err != nil {
		return err
	}
	for _, q := range Questions {
		if asked && o.Answers[q] != Yes && o.Answers[q] != No {
			return fault.Say("Answer each of the three questions with yes or no.", fmt.Errorf("approve: %w", fault.Invalid))
		}
	}
	if !asked {
		o.Answers = nil
	}
	if !o.Approves() && strings.TrimSpace(o.Note) == "" {
		return in(FieldWords, fault.Say("Say in a sentence what speaks against the release.", fmt.Errorf("object: %w", fault.Invalid)))
	}
	o.By = by.ID
	d.Opinions = slices.DeleteFunc(d.Opinions, func(p Opinion) bool { return p.By == by.ID || p.Manifest != o.Manifest })
	d.Opinions = append(d.Opinions, o)
	return nil
}

// mayApprove says why a person cannot approve, or nil.
func mayApprove(by User, bar Bar) error {
	refuse := func(words string) error {
		return fault.Say(words, fmt.Errorf("approve: %w", fault.Forbidden))
	}
	switch {
	case !by.Is(Editor):
		return refuse("Only an editor can approve a release.")
	case bar == BarWrote:
		return refuse("You wrote with the source of something in this release, so other editors must approve it.")
	case bar == BarRedacted:
		return refuse("You redacted something in this release, so other editors must approve it.")
	}
	return nil
}

// approvers are the editors who approve of a manifest, and objectors those who do
// not.
func (d *Decision) approvers(m Manifest, barred map[EditorID]Bar) (approve, object []EditorID) {
	for _, o := range d.Opinions {
		switch {
		case o.Manifest != m || barred[o.By] != "":
		case o.Approves():
			approve = append(approve, o.By)
		default:
			object = append(object, o.By)
		}
	}
	return approve, object
}
