package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/courier/folder"
	"daylight/desk"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/release"
)

// daylight runs the program's command line, and returns what it printed.
func daylight(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code != 0 {
		t.Fatalf("daylight %s: exit code %d: %s", strings.Join(args, " "), code, &errs)
	}
	return out.String()
}

// newsroom is three machines, the first two of which run, and a stick between them.
type newsroom struct {
	t                     *testing.T
	deskDir, archiveDir   string
	desk                  *deskRole
	intake                *intakeRole
	stick, fromIntakeSide *folder.Folder
	source                *intake.Session
}

func newNewsroom(t *testing.T) *newsroom {
	t.Helper()
	dir := t.TempDir()
	n := &newsroom{t: t, deskDir: filepath.Join(dir, "desk"), archiveDir: filepath.Join(dir, "archive")}
	intakeDir, stick := filepath.Join(dir, "intake"), filepath.Join(dir, "stick")
	daylight(t, "keys", "make", "--role", "desk", "--data", n.deskDir, "--name", "The Harbour Post")
	daylight(t, "keys", "make", "--role", "intake", "--data", intakeDir, "--newsroom", filepath.Join(n.deskDir, "public"))
	daylight(t, "keys", "make", "--role", "archive", "--data", n.archiveDir, "--newsroom", filepath.Join(n.deskDir, "public"))
	if err := os.Mkdir(stick, 0o700); err != nil {
		t.Fatal(err)
	}
	a := &app{ctx: context.Background(), stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler)}
	var err error
	for _, f := range []**folder.Folder{&n.stick, &n.fromIntakeSide} {
		if *f, err = folder.Open(stick); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*f).Close() })
	}
	for _, role := range []struct {
		dir  string
		open func(instance, config) (io.Closer, error)
	}{
		{intakeDir, func(in instance, c config) (_ io.Closer, err error) {
			c.Intake.First, c.Intake.Clearnet = 0, true // words of a test are few, and it has no Tor
			n.intake, err = a.openIntake(in, c, "")
			return n.intake.closers, err
		}},
		{n.deskDir, func(in instance, c config) (_ io.Closer, err error) {
			n.desk, err = a.openDesk(in, c, nil)
			return n.desk.closers, err
		}},
	} {
		in, err := openInstance(role.dir)
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := in.lock() // as serve has it
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(unlock)
		c, err := loadConfig(role.dir)
		if err != nil {
			t.Fatal(err)
		}
		open, err := role.open(in, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { open.Close() })
	}
	n.stick.Signer = n.desk.signer
	if n.source, err = n.intake.Begin("en"); err != nil {
		t.Fatal(err)
	}
	return n
}

// keys runs a command on the desk's keys, beside the running desk.
func (n *newsroom) keys(args ...string) string {
	n.t.Helper()
	return daylight(n.t, append([]string{"keys", "--data", n.deskDir}, args...)...)
}

// round is one round of the desk, and one of the stick's journey, in that order.
func (n *newsroom) round() desk.Fetched {
	n.t.Helper()
	if err := n.desk.noteKeys(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	got, err := n.desk.Fetch(n.t.Context(), n.stick)
	if err != nil {
		n.t.Fatal(err)
	}
	if rep, err := n.fromIntakeSide.Sync(n.t.Context(), n.intake.Courier(), n.intake.desk); err != nil || rep.Damaged > 0 {
		n.t.Fatalf("carried %+v, %v; want nothing damaged", rep, err)
	}
	return got
}

// begin starts a submission to a channel.
func (n *newsroom) begin(channel string) *intake.Submission {
	n.t.Helper()
	sub, err := n.intake.Submit(n.source)
	if err == nil {
		err = sub.Channel(channel)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return sub
}

func (n *newsroom) finish(sub *intake.Submission) {
	n.t.Helper()
	if r, err := sub.Finish(); err != nil || !r.Kept || r.Err != nil {
		n.t.Fatalf("kept %v, %v, %v", r.Kept, r.Err, err)
	}
}

// sealed are the envelopes at intake.
func (n *newsroom) sealed() [][]byte {
	n.t.Helper()
	list, err := n.intake.Courier().Envelopes(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	var all [][]byte
	for _, e := range list {
		r, err := n.intake.Courier().Open(n.t.Context(), e.ID)
		if err != nil {
			n.t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			n.t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// message is what a key file finds in an envelope; "" where it opens nothing.
func message(t *testing.T, sealed []byte, key envelope.PrivateKey) string {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(sealed), key)
	if errors.Is(err, fault.Forbidden) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var words strings.Builder
	for e := range r.Entries() {
		if _, err := io.Copy(&words, e); err != nil {
			t.Fatal(err)
		}
	}
	return words.String()
}

// keyFiles reads private keys, by their names.
func keyFiles(t *testing.T, path string) map[string]envelope.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := envelope.ParsePrivateKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]envelope.PrivateKey{}
	for _, k := range list {
		byName[k.Name] = k
	}
	return byName
}

// TestKeysOnTheirWholeWay takes a newsroom of two teams through the life of its keys,
// while intake and desk run: a second key that is kept offline, a rotation in the
// middle of an upload, and the log of publication that strangers read.
func TestKeysOnTheirWholeWay(t *testing.T) {
	n := newNewsroom(t)
	words := n.keys("fingerprint")
	vaultFile := filepath.Join(t.TempDir(), "vault.key")
	daylight(t, "keys", "new-recipient", "--name", "vault 2026", vaultFile)
	n.keys("channel", "add", "harbour", "--name", "en=The harbour", "--about", "en=Two people.")
	n.keys("add", "--channel", "harbour", vaultFile+".pub")
	if c := n.intake.Keys().Channels; len(c) != 1 {
		t.Fatalf("%d channels before the first round", len(c))
	}
	n.round()
	if c := n.intake.Keys().Channels; len(c) != 2 || len(c[1].Keys) != 2 {
		t.Fatalf("intake seals to %+v after a round", c)
	}

	// One upload before the rotation, one in the middle of it, one after.
	before := n.begin("harbour")
	before.Text(strings.NewReader("before"))
	n.finish(before)
	during := n.begin("harbour")
	during.Text(strings.NewReader("during"))
	n.keys("rotate", "--channel", "harbour", "--compromised", "--name", "harbour two")
	n.round()
	if got := n.intake.Keys().Serial; got != 4 {
		t.Fatalf("intake works with list %d; want 4", got)
	}
	during.File("large", strings.NewReader(strings.Repeat("during", 50_000)))
	n.finish(during)
	after := n.begin("harbour")
	after.Text(strings.NewReader("after"))
	n.finish(after)
	politics := n.begin("newsroom")
	politics.Text(strings.NewReader("for the others"))
	n.finish(politics)

	vault := keyFiles(t, vaultFile)["vault 2026"]
	own := keyFiles(t, filepath.Join(n.deskDir, "keys", keyEnvelopes))
	var old, next envelope.PrivateKey
	for name, k := range own {
		switch {
		case name == "harbour two":
			next = k
		case strings.HasPrefix(name, "harbour "):
			old = k
		}
	}
	if len(own) != 3 {
		t.Fatalf("the desk has %d private keys; want three", len(own))
	}
	seen := map[string]string{}
	for _, b := range n.sealed() {
		byVault, byOld, byNext := message(t, b, vault), message(t, b, old), message(t, b, next)
		switch {
		case byVault == "":
			seen["none"] = byOld + byNext
		case byOld == byVault && byNext == "":
			seen["old"] += "|" + byVault[:6]
		case byNext == byVault && byOld == "":
			seen["next"] += "|" + byVault
		default:
			t.Errorf("%.6q opens with old key %v, new key %v", byVault, byOld != "", byNext != "")
		}
	}
	if len(seen["old"]) != 14 || !strings.Contains(seen["old"], "before") || !strings.Contains(seen["old"], "during") || seen["next"] != "|after" || seen["none"] != "" {
		t.Errorf("keys opened %q", seen)
	}

	// The desk opens all four. No retired key opens anything that comes later.
	for range 2 {
		n.round()
	}
	all, err := n.desk.stores.Conversations.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range all {
		for _, m := range c.Messages {
			found++
			if want := map[bool]string{true: "newsroom", false: "harbour"}[m.Text == "for the others"]; m.Channel != want {
				t.Errorf("%q is of the channel %q; want %q", m.Text, m.Channel, want)
			}
		}
	}
	if found != 4 || len(n.sealed()) != 0 {
		t.Errorf("%d messages on the desk, %d envelopes still at intake; want 4 and none", found, len(n.sealed()))
	}
	if again := n.keys("fingerprint"); again != words {
		t.Errorf("after a rotation the newsroom's words are %q; want %q", again, words)
	}
	n.publishKeys()
}

// publishKeys lets two editors release what happened to keys, and asks an archive.
func (n *newsroom) publishKeys() {
	t := n.t
	t.Helper()
	ctx := t.Context()
	for _, u := range trialUsers {
		if err := n.desk.PutUser(ctx, desk.Operator, u); err != nil {
			t.Fatal(err)
		}
	}
	cases, err := n.desk.Cases(ctx, "ana")
	if err != nil || len(cases) != 1 || cases[0].Title != desk.KeysTitle {
		t.Fatalf("cases %+v, %v; want that of the keys", cases, err)
	}
	id := cases[0].ID
	if _, err := n.desk.RunGate(ctx, "ana", id); err != nil {
		t.Fatal(err)
	}
	for _, by := range []desk.EditorID{"ana", "bo"} {
		if _, err := n.desk.Release(ctx, by, id); !errors.Is(err, fault.Conflict) {
			t.Fatalf("released before %s approved: %v", by, err)
		}
		ready, err := n.desk.Readiness(ctx, by, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.desk.Approve(ctx, by, id, ready.Manifest, nil, ""); err != nil {
			t.Fatal(err)
		}
	}
	r, err := n.desk.Release(ctx, "ana", id)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.desk.publish(ctx, r, nil); err != nil {
		t.Fatal(err)
	}
	daylight(t, "import", "--data", n.archiveDir, n.desk.in.releasePath(r.Number))
	in, err := openInstance(n.archiveDir)
	if err != nil {
		t.Fatal(err)
	}
	reader, closer, err := openArchive(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	log, err := reader.Log(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for _, k := range log.KeyEvents {
		events[k.Event+" "+k.Use]++
		if k.Name == "vault 2026" && (k.Event != release.KeyAdded || len(k.Channels) != 1 || k.Channels[0] != "harbour") {
			t.Errorf("the archive says of the vault's key %+v", k)
		}
	}
	// The key that signs, that of the first channel, the vault's, the harbour's new
	// one; and its old one, whose second event takes the place of the first.
	if events["added signs"] != 1 || events["added opens"] != 3 || events["compromised opens"] != 1 || len(log.KeyEvents) != 5 {
		t.Errorf("the archive shows %v", events)
	}
}

// TestACrashBetweenKeyAndListTellsNothingFalse: an event without its list is not noted.
func TestACrashBetweenKeyAndListTellsNothingFalse(t *testing.T) {
	n := newNewsroom(t)
	n.round()
	in, err := openInstance(n.deskDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.writeKeyEvents(2, []release.Key{{Event: release.KeyAdded, Name: "half made", Public: "p", Date: "2026-11-27"}}); err != nil {
		t.Fatal(err)
	}
	n.round()
	n.keys("channel", "set", "newsroom", "--about", "en=All editors.")
	n.round()
	n.keys("rotate")
	n.round()
	cases, err := n.desk.Cases(t.Context(), desk.Operator)
	if err != nil || len(cases) != 1 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, k := range cases[0].Authored.Keys {
		if k.Name == "half made" {
			t.Error("what never came to be is to be published")
		}
	}
	if got := len(cases[0].Authored.Keys); got != 4 {
		t.Errorf("%d events; want the two of the beginning, and two of the rotation", got)
	}
}
