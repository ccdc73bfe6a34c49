package folder

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/courier"
	"daylight/fault"
)

// Report says what Sync carried.
type Report struct {
	Envelopes    int // put onto the folder
	Damaged      int // of these, such whose copy there was damaged
	Acknowledged int // destroyed at intake
	Unsigned     int // word of the desk that the desk did not sign, or of something else than intake has; it is removed
	Replies      int // left at intake
	Keys         bool
	Refused      int // files that intake did not take; they stay on the folder
}

// Sync is intake's side, which believes what desk signed: it takes what the desk left on the
// folder to intake, and then puts onto it what arrived. What was acknowledged goes first: it
// makes room at an intake that is full. A step that fails keeps no other from being done,
// and each may be repeated, so Sync may break off anywhere and run again. What intake
// refuses is passed over, counted and returned as an error after the rest is done.
func (f *Folder) Sync(ctx context.Context, in courier.Intake, desk note.Verifier) (Report, error) {
	var rep Report
	errs := []error{ // in this order
		f.sweep(),
		f.takeAcknowledged(ctx, in, desk, &rep),
		f.takeKeys(ctx, in, &rep),
		f.takeReplies(ctx, in, &rep),
		f.putEnvelopes(ctx, in, &rep),
	}
	if rep.Refused > 0 {
		errs = append(errs, fmt.Errorf("intake refused %d files: %w", rep.Refused, fault.Invalid))
	}
	if err := errors.Join(errs...); err != nil {
		return rep, fmt.Errorf("sync folder: %w", err)
	}
	return rep, nil
}

// temporary is a name that write gives.
var temporary = regexp.MustCompile(`^\.[0-9a-f]{16}$`)

// sweep removes what a program that was killed did not finish: of envelopes, which only
// Sync writes, at once, and of what the desk may be writing now after a day.
func (f *Folder) sweep() error {
	for _, sub := range []string{envelopes, acknowledged, damaged, replies, keys} {
		files, err := f.files(sub, false)
		if err != nil {
			return err
		}
		for _, info := range files {
			if temporary.MatchString(info.Name()) && (sub == envelopes || time.Since(info.ModTime()) > 24*time.Hour) {
				if err := f.remove(path.Join(sub, info.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// refused reports whether intake will never take it, and passes over it.
func refused(err error, rep *Report) bool {
	for _, k := range []error{fault.Invalid, fault.Damaged, fault.Unverified, fault.TooLarge, fault.Conflict} {
		if errors.Is(err, k) {
			rep.Refused++
			return true
		}
	}
	return false
}

func (f *Folder) takeKeys(ctx context.Context, in courier.Intake, rep *Report) error {
	file, err := f.open(keyList)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	list, err := io.ReadAll(io.LimitReader(file, maxList))
	if err != nil {
		return err
	}
	if err := in.PutKeys(ctx, list); err != nil {
		if refused(err, rep) {
			return nil
		}
		return err
	}
	rep.Keys = true
	return f.remove(keyList)
}

func (f *Folder) takeReplies(ctx context.Context, in courier.Intake, rep *Report) error {
	files, err := f.list(replies)
	if err != nil {
		return err
	}
	for _, info := range files {
		before, after, _ := strings.Cut(info.Name(), ".")
		box, id := courier.MailboxID(before), courier.ReplyID(after)
		if !box.Valid() || !id.Valid() {
			continue
		}
		name := path.Join(replies, info.Name())
		file, err := f.open(name)
		if err != nil {
			return err
		}
		err = in.PutReply(ctx, box, id, file)
		file.Close()
		if err != nil && refused(err, rep) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f.remove(name); err != nil {
			return err
		}
		rep.Replies++
	}
	return nil
}

func (f *Folder) takeAcknowledged(ctx context.Context, in courier.Intake, desk note.Verifier, rep *Report) error {
	words, err := f.ids(acknowledged)
	if err != nil {
		return err
	}
	var errs []error
	var safe, unsigned, gone []courier.EnvelopeID
	for _, id := range slices.Sorted(maps.Keys(words)) { // in order: what stays wrong reads the same in each round
		signed, err := f.vouched(ctx, in, id, desk)
		switch {
		case errors.Is(err, fault.NotFound): // from one of the two
			gone = append(gone, id)
		case err != nil:
			errs = append(errs, err)
		case signed:
			safe = append(safe, id)
		default:
			unsigned = append(unsigned, id)
		}
	}
	// Together: with each time that something is destroyed intake wraps all its keys anew.
	if err := in.Acknowledge(ctx, safe); err != nil {
		return errors.Join(append(errs, err)...)
	}
	rep.Acknowledged = len(safe)
	for _, id := range slices.Concat(safe, unsigned, gone) {
		if err := f.remove(path.Join(acknowledged, string(id))); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	rep.Unsigned = len(unsigned) // once: they are removed
	return errors.Join(errs...)
}

// vouched reports whether the desk has signed that it holds what intake has.
func (f *Folder) vouched(ctx context.Context, in courier.Intake, id courier.EnvelopeID, desk note.Verifier) (bool, error) {
	file, err := f.open(path.Join(acknowledged, string(id)))
	if err != nil {
		return false, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxWord))
	if err != nil {
		return false, err
	}
	word, err := note.Open(b, note.VerifierList(desk))
	if err != nil || !strings.Contains(word.Text, "\n"+string(id)+" ") { // that of another is no reason to read gigabytes
		return false, nil
	}
	sealed, err := in.Open(ctx, id)
	if err != nil {
		return false, err
	}
	defer sealed.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, sealed); err != nil {
		return false, err
	}
	return word.Text == acknowledgement(id, hex.EncodeToString(sum.Sum(nil))), nil
}

// putEnvelopes writes what is not there, and anew what has another size or is said to be
// damaged. What there is word of waits for the next round: the desk has it, or the word goes
// then. One that intake cannot read holds up no others.
func (f *Folder) putEnvelopes(ctx context.Context, in courier.Intake, rep *Report) error {
	list, err := in.Envelopes(ctx)
	if err != nil {
		return err
	}
	copies, err := f.copies()
	if err != nil {
		return err
	}
	here := map[courier.EnvelopeID][]sealedCopy{}
	for _, c := range copies {
		here[c.ID] = append(here[c.ID], c)
	}
	bad, err := f.ids(damaged)
	if err != nil {
		return err
	}
	words, err := f.ids(acknowledged) // after the copies: the desk leaves word, and then removes
	if err != nil {
		return err
	}
	// The small first: one for which the folder has no room holds up no others.
	slices.SortFunc(list, func(a, b courier.Envelope) int { return cmp.Compare(a.Size, b.Size) })
	var errs []error
	for _, e := range list {
		if _, ok := parseEnvelope(envelopeName(e)); !ok {
			return fmt.Errorf("envelope with a strange name or day: %w", fault.Invalid)
		}
		whole := slices.ContainsFunc(here[e.ID], func(c sealedCopy) bool { return c.Size == e.Size })
		if whole && !bad[e.ID] || e.Size == 0 { // of no size: it is just being kept
			continue
		}
		if words[e.ID] {
			delete(bad, e.ID)
			continue
		}
		err := f.putEnvelope(ctx, in, e, here[e.ID])
		switch {
		case errors.Is(err, fault.NotFound): // fetched meanwhile by another way
			continue
		case errors.Is(err, fault.Full):
			return errors.Join(append(errs, err)...)
		case err != nil:
			errs = append(errs, err)
			delete(bad, e.ID)
			continue
		}
		rep.Envelopes++
		if len(here[e.ID]) > 0 {
			rep.Damaged++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(bad)) { // last: what was not written anew is bad still
		errs = append(errs, f.remove(path.Join(damaged, string(id))))
	}
	return errors.Join(errs...)
}

// putEnvelope writes one in place of what is there.
func (f *Folder) putEnvelope(ctx context.Context, in courier.Intake, e courier.Envelope, there []sealedCopy) error {
	sealed, err := in.Open(ctx, e.ID)
	if err != nil {
		return err
	}
	defer sealed.Close()
	for _, c := range there {
		if err := f.remove(path.Join(envelopes, c.file)); err != nil {
			return err
		}
	}
	sum := sha256.New()
	return f.writeAs(envelopes, io.TeeReader(sealed, sum), func() string { return envelopeName(e) + "." + hex.EncodeToString(sum.Sum(nil)) })
}
