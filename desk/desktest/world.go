package desktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/blob"
	"daylight/blob/mem"
	"daylight/corpus"
	"daylight/courier"
	"daylight/custody"
	"daylight/desk"
	"daylight/envelope"
	"daylight/extract"
	"daylight/fault"
	"daylight/ingest"
	"daylight/publog"
	"daylight/release"
	"daylight/search"
	"daylight/search/searchtest"
)

// World is a desk with everything around it in memory: an intake that sources can
// send to, an index that scans, a preview that lists what a release says, and five
// people, named for what they may do: handler, redactor, editor-a, editor-b, admin.
type World struct {
	*desk.Desk
	T       testing.TB
	Options desk.Options
	Intake  *Intake
	Clock   time.Time
	Private []envelope.PrivateKey
	Custody *custody.Signer // signs for what sources send; nil: nobody does

	// List and Signed are the newsroom's channels; empty, it has one without a name.
	List   envelope.KeyList
	Signed []byte
}

// People are the accounts of a World.
var People = []desk.User{
	{ID: "handler", Name: "Hana", Roles: []desk.Role{desk.Handler}},
	{ID: "redactor", Name: "Rui", Roles: []desk.Role{desk.Redactor}},
	{ID: "editor-a", Name: "Ana", Roles: []desk.Role{desk.Editor}},
	{ID: "editor-b", Name: "Bo", Roles: []desk.Role{desk.Editor}},
	{ID: "admin", Name: "Ada", Roles: []desk.Role{desk.Admin}},
}

// NewWorld makes one over empty stores.
func NewWorld(t testing.TB, stores desk.Stores) *World {
	t.Helper()
	w := &World{T: t, Intake: NewIntake(),
		Clock: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)}
	key, err := envelope.NewKey("desk")
	w.must(err)
	w.Private = []envelope.PrivateKey{key}
	private, public, err := publog.GenerateKey("newsroom.example")
	w.must(err)
	signer, err := publog.ParseSigner(private)
	w.must(err)
	keys, err := publog.ParseKeys(public)
	w.must(err)
	log, err := publog.Open(publog.Memory(), keys)
	w.must(err)
	index := searchtest.NewOracle()
	w.Options = desk.Options{
		Newsroom: "The Example", LogName: "newsroom.example/log", Stores: stores, Blobs: mem.New(), Index: index,
		Log: log, Keys: keys, Signers: []publog.Signer{signer},
		Keyring: func() (desk.Keyring, error) {
			return desk.Keyring{Identities: envelope.Identities(w.Private), List: w.List, Signed: w.Signed}, nil
		},
		Fingerprint: "clergyman rupture purity outboard rounding unsaddle boat",
		Preview:     preview, Extract: plainText, Now: func() time.Time { return w.Clock },
	}
	w.Options.Ingest = func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger, m iter.Seq2[desk.Material, error]) error {
		return Ingest(ctx, w.Options.Blobs, index, c, l, m)
	}
	w.Reopen()
	for _, u := range People {
		w.must(w.PutUser(t.Context(), desk.Operator, u))
	}
	return w
}

// Reopen is what a restart does.
func (w *World) Reopen() {
	w.T.Helper()
	d, err := desk.Open(w.T.Context(), w.Options)
	w.must(err)
	w.Desk = d
	w.T.Cleanup(func() { d.Close() })
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Source is somebody who sends things.
type Source struct {
	w       *World
	key     envelope.PrivateKey
	asks    envelope.Conditions
	Mailbox string
}

// NewSource makes one, with a way back.
func (w *World) NewSource() *Source {
	key, err := envelope.NewKey("source")
	w.must(err)
	var box [32]byte
	rand.Read(box[:])
	return &Source{w: w, key: key, Mailbox: hex.EncodeToString(box[:])}
}

// Send seals a message with files, name and content in turn, and leaves it at
// intake.
func (s *Source) Send(text string, files ...string) { s.SendTo("", text, files...) }

// SendTo is Send to a channel.
func (s *Source) SendTo(channel, text string, files ...string) {
	s.w.T.Helper()
	s.send(channel, text, files, false)
}

// SendAsking is Send with conditions.
func (s *Source) SendAsking(asks envelope.Conditions, text string, files ...string) {
	s.w.T.Helper()
	s.asks = asks
	s.send("", text, files, false)
	s.asks = envelope.Conditions{}
}

// SendRepeated is Send of what intake had from several others that day.
func (s *Source) SendRepeated(text string, files ...string) {
	s.w.T.Helper()
	s.send("", text, files, true)
}

func (s *Source) send(channel, text string, files []string, repeated bool) {
	s.w.T.Helper()
	var sealed bytes.Buffer
	head := envelope.Head{Kind: envelope.Request, Time: s.w.Clock}
	var e *envelope.Sealer
	var err error
	if len(s.w.List.Channels) == 0 {
		e, err = envelope.Seal(&sealed, head, s.w.Private[0].Recipient())
	} else {
		e, err = s.w.List.Seal(&sealed, head, channel)
	}
	s.w.must(err)
	if s.Mailbox != "" {
		s.w.must(e.Address(envelope.Address{Mailbox: s.Mailbox, Key: s.key.Recipient().String()}))
	}
	s.w.must(e.Conditions(s.asks))
	e.Receipts(s.w.Custody)
	_, err = e.Text(strings.NewReader(text))
	s.w.must(err)
	for i := 0; i < len(files); i += 2 {
		_, err := e.File(files[i], strings.NewReader(files[i+1]))
		s.w.must(err)
	}
	if repeated {
		e.MarkRepeated()
	}
	s.w.must(e.Close())
	s.w.Intake.Leave(sealed.Bytes())
}

// Read opens the replies that lie at intake and returns their texts.
func (s *Source) Read() []string {
	s.w.T.Helper()
	var texts []string
	for _, sealed := range s.w.Intake.Replies {
		r, err := envelope.Open(bytes.NewReader(sealed), s.key.HybridIdentity)
		if errors.Is(err, fault.Forbidden) {
			continue // another source's
		}
		s.w.must(err)
		for e := range r.Entries() {
			b, err := io.ReadAll(e)
			s.w.must(err)
			texts = append(texts, string(b))
		}
	}
	return texts
}

// Intake is an intake in memory. Broken makes Acknowledge fail, as a network that
// breaks at the worst moment does.
type Intake struct {
	mu      sync.Mutex
	sealed  map[courier.EnvelopeID][]byte
	Replies map[courier.ReplyID][]byte
	Lists   [][]byte // that PutKeys brought
	Broken  bool
}

// NewIntake makes one where nothing lies.
func NewIntake() *Intake {
	return &Intake{sealed: map[courier.EnvelopeID][]byte{}, Replies: map[courier.ReplyID][]byte{}}
}

// Leave puts a sealed envelope there.
func (i *Intake) Leave(sealed []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sealed[courier.EnvelopeID(fmt.Sprintf("%032x", len(i.sealed)+1))] = sealed
}

func (i *Intake) Envelopes(context.Context) ([]courier.Envelope, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []courier.Envelope
	for id, b := range i.sealed {
		if b != nil {
			list = append(list, courier.Envelope{ID: id, Day: "2026-11-01", Size: int64(len(b))})
		}
	}
	return list, nil
}

func (i *Intake) Open(_ context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sealed[id] == nil {
		return nil, fault.NotFound
	}
	return io.NopCloser(bytes.NewReader(i.sealed[id])), nil
}

func (i *Intake) Acknowledge(_ context.Context, ids []courier.EnvelopeID) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.Broken {
		return errors.New("the connection broke")
	}
	for _, id := range ids {
		i.sealed[id] = nil
	}
	return nil
}

func (i *Intake) PutReply(_ context.Context, _ courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	b, err := io.ReadAll(sealed)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Replies[id] = b
	return err
}

func (i *Intake) PutKeys(_ context.Context, list []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Lists = append(i.Lists, list)
	return nil
}

func (i *Intake) Close() error { return nil }

// Ingest takes texts in. A file whose name ends in .box holds parts: its lines, each
// NAME=TEXT. It is as small as an ingest can be that still has containers and
// duplicates.
func Ingest(ctx context.Context, blobs blob.Store, index search.Index, c corpus.CollectionID, l ingest.Ledger, m iter.Seq2[desk.Material, error]) error {
	for item, err := range m {
		if err != nil {
			return err
		}
		r, err := item.Open(ctx)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		if err := take(ctx, blobs, index, c, l, item.Path, 0, corpus.DocumentID{}, b); err != nil {
			return err
		}
	}
	return nil
}

func take(ctx context.Context, blobs blob.Store, index search.Index, c corpus.CollectionID, l ingest.Ledger, path string, level int, parent corpus.DocumentID, content []byte) error {
	batch, err := blobs.Begin(ctx)
	if err != nil {
		return err
	}
	ref, n, err := batch.Put(bytes.NewReader(content))
	if err = errors.Join(err, batch.Commit()); err != nil {
		return err
	}
	of, found, err := l.Find(ctx, ref)
	if err != nil {
		return err
	}
	if found {
		return l.Commit(ctx, []ingest.Record{{Path: path, Level: level, Size: n, Hash: ref, State: corpus.Duplicate, Of: of}}, nil)
	}
	d := corpus.Document{ID: corpus.NewDocumentID(), Collection: c, Parent: parent, Title: path[strings.LastIndexByte(path, '/')+1:],
		Name: path[strings.LastIndexByte(path, '/')+1:], Paths: []string{path}, Type: "text/plain", Size: n, Languages: []string{"en"}, Text: string(content)}
	if strings.HasSuffix(path, ".ar.txt") {
		d.Languages[0] = "ar"
	}
	box := strings.HasSuffix(path, ".box")
	if box {
		d.Text, d.Type = "", "application/zip"
	}
	if err := l.Commit(ctx, []ingest.Record{{Path: path, Level: level, Size: n, Hash: ref, State: corpus.Pending, Document: &d}}, nil); err != nil {
		return err
	}
	if err := index.Apply(ctx, search.Batch{Put: []search.Document{{ID: d.ID, Collection: c, Title: d.Title, Text: d.Text, Language: "en"}}}); err != nil {
		return err
	}
	if err := l.Indexed(ctx, []corpus.DocumentID{d.ID}); err != nil || !box {
		return err
	}
	for line := range strings.Lines(string(content)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "=")
		if err := take(ctx, blobs, index, c, l, path+"/"+name, level+1, d.ID, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// plainText extracts texts.
func plainText(_ context.Context, f extract.File, _ extract.Limits, _ func(extract.Part) error) (extract.Result, error) {
	b, err := io.ReadAll(io.NewSectionReader(f.Body, 0, f.Size))
	return extract.Result{Type: "text/plain", Text: string(b)}, err
}

// preview imports a release into nothing: its only output is a page with its number,
// the names of origins, and the titles and texts of all documents.
func preview(_ context.Context, src io.ReaderAt, size int64, keys publog.Keys) (desk.Candidate, error) {
	log, err := publog.Open(publog.Memory(), keys)
	if err != nil {
		return nil, err
	}
	r, err := release.Open(src, size, keys, log)
	if err != nil {
		return nil, err
	}
	var page strings.Builder
	fmt.Fprintf(&page, "release %d\n", r.Header.Number)
	for e, err := range r.Entries() {
		if err != nil {
			return nil, err
		}
		if e.Kind == release.KindOrigin {
			o, err := release.Decode[corpus.Origin](e.Record)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&page, "origin %s: %s\n", o.ID, o.Title)
		}
		if e.Kind == release.KindDocument {
			d, err := release.Decode[release.Document](e.Record)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&page, "%s: %s\n%s\n", d.State, d.Title, d.Text)
		}
	}
	return candidate(page.String()), nil
}

type candidate string

func (c candidate) Outputs(context.Context) iter.Seq2[desk.Output, error] {
	return func(yield func(desk.Output, error) bool) {
		yield(desk.Output{Name: "the list of files", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(c))), nil }}, nil)
	}
}

func (c candidate) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, string(c)) })
}

func (c candidate) Close() error { return nil }

// Texts hands texts in, by path.
func Texts(blobs blob.Store, items map[string]string) iter.Seq2[desk.Material, error] {
	return func(yield func(desk.Material, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(items)) {
			open := func(ctx context.Context) (blob.Reader, error) {
				batch, err := blobs.Begin(ctx)
				if err != nil {
					return nil, err
				}
				ref, _, err := batch.Put(strings.NewReader(items[path]))
				if err = errors.Join(err, batch.Commit()); err != nil {
					return nil, err
				}
				return blobs.Open(ctx, ref)
			}
			if !yield(desk.Material{Path: path, Size: int64(len(items[path])), Open: open}, nil) {
				return
			}
		}
	}
}
