package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/codename"
	"daylight/envelope"
	"daylight/intake"
)

// canary is something that must stand nowhere after the story.
type canary struct {
	what string
	b    []byte
}

// canaries are what a source sent and was, in the ways that a program might write
// them down.
func (h *house) canaries(words string) []canary {
	secret := fmt.Sprint(len(secretFile.body))
	all := []canary{
		{"a word of the message", []byte("quicksilver")},
		{"a word of the answer", []byte("marzipan")},
		{"a word of a file", []byte("hollyhock")},
		{"a file name", []byte("periwinkle")},
		{"the day of a condition", []byte("2031-07-19")},
		{"the user agent", []byte("Vermilion")},
		{"the exact size of a file", []byte(secret)},
		{"the exact time", []byte("04:17:43")},
		{"the exact time, in seconds", []byte(fmt.Sprint(h.now.Unix()))},
		{"the exact time, in eight bytes", binary.BigEndian.AppendUint64(nil, uint64(h.now.Unix()))},
		{"the exact time, in nanoseconds", binary.LittleEndian.AppendUint64(nil, uint64(h.now.UnixNano()))},
		{"the codename", []byte(words)},
		{"the codename with spaces", []byte(strings.ReplaceAll(words, "-", " "))},
	}
	c, _ := codename.Parse([]byte(words))
	if c.Language() != "en" {
		all = append(all, canary{"the list of the codename", []byte("daylight-" + c.Language())})
	}
	seed := c.Seed(make16(7))
	box := codename.Mailbox(seed.Key(codename.LabelOpens))
	all = append(all, canary{"the mailbox", box[:]}, canary{"the mailbox in hex", []byte(hex.EncodeToString(box[:]))})
	for _, label := range []string{codename.LabelReply, codename.LabelOpens, codename.LabelVisits} {
		key := seed.Key(label)
		all = append(all, canary{label, key[:]}, canary{label + " in hex", []byte(hex.EncodeToString(key[:]))})
	}
	return all
}

func make16(first byte) []byte { return append([]byte{first}, make([]byte, 15)...) }

var secretFile = file{"periwinkle report.txt", strings.Repeat("hollyhock ", 1234) + "."}

// leaks searches everything that intake left on its disk, names and times of files
// among it, and its log.
func (h *house) leaks(t *testing.T, words string) []string {
	t.Helper()
	var found []string
	all := h.canaries(words)
	seek := func(where string, b []byte) {
		for _, c := range all {
			if bytes.Contains(b, c.b) {
				found = append(found, c.what+" in "+where)
			}
		}
	}
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if m := info.ModTime().UTC(); !m.Equal(m.Truncate(24 * time.Hour)) {
			found = append(found, "an exact time on a file")
		}
		if c := changed(info); c.After(h.began) && c.Before(h.ended) {
			found = append(found, "the time of the story on a file")
		}
		if path == h.dir {
			return nil
		}
		seek("a name", []byte(d.Name()))
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seek("a file", b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seek("the log", []byte(h.log.String()))
	list, err := h.store.Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Size < envelope.Floor {
			found = append(found, "a size below the floor")
		}
	}
	return found
}

// story is a visit with everything that can leave a trace: what goes well, and
// what goes wrong. The codename is of words in a language. A beat comes after it, and
// what is looked at is what it left.
func (h *house) story(t *testing.T, language string) (words string) {
	h.began = time.Now()
	defer func() {
		h.ended = time.Now()
		time.Sleep(20 * time.Millisecond) // a file system's clock is coarse
		if err := h.store.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()
	s := h.source(t)
	words = s.beginIn(language)
	s.send("It is about quicksilver.", secretFile, file{"periwinkle 2.txt", strings.Repeat("hollyhock", 100_000)})
	s.ask("It is about quicksilver.", "2031-07-19", true, secretFile).wants(t, 200, "Your conditions are sealed with it.")
	got := h.fetch(t)
	if len(got) > 0 {
		h.answer(t, got[0].Address(), "marzipan?", file{"periwinkle back.txt", "hollyhock"})
		h.answer(t, got[0].Address(), "marzipan again", file{"periwinkle back.txt", "hollyhock"})
	}
	back := h.source(t)
	back.post("/return", "codename", words+" periwinkle")
	inbox := back.post("/return", "codename", asTyped(words))
	inbox.wants(t, 200, "marzipan")
	back.post("/inbox/" + replyName(replies) + "/delete")
	back.get("/periwinkle?" + url.QueryEscape(words))
	body, _ := h.multipartBody("quicksilver", secretFile)
	back.read(back.c.Post(h.url+"/send", "multipart/form-data; boundary=periwinkle", body)) // no such boundary in it
	bad := "--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n" + h.way() + "\r\n--x\r\nperiwinkle hollyhock\r\n\r\nquicksilver\r\n--x--\r\n"
	back.read(back.c.Post(h.url+"/send", "multipart/form-data; boundary=x", strings.NewReader(bad))).wants(t, 400, "Nothing was kept.")
	s.post("/leave")
	return words
}

func TestCanaries(t *testing.T) {
	for _, language := range []string{"en", "ar"} {
		h := newHouse(t, nil)
		words := h.story(t, language)
		for _, l := range h.leaks(t, words) {
			t.Errorf("%s: found %s", language, l)
		}
		if list, err := h.store.Envelopes(t.Context()); err != nil || len(list) == 0 {
			t.Errorf("%d envelopes, %v: the test looks at nothing", len(list), err)
		}
	}
}

// unsealed is a store that opens what is sealed before it writes it: a promise
// broken.
type unsealed struct {
	intake.Store
	h *house
}

func (u unsealed) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	s, err := u.Store.Create(ctx, day, until)
	return &unsealedSlot{Slot: s, h: u.h}, err
}

type unsealedSlot struct {
	intake.Slot
	h *house
	b bytes.Buffer
}

func (u *unsealedSlot) Write(p []byte) (int, error) {
	u.b.Write(p)
	return u.Slot.Write(p)
}

func (u *unsealedSlot) Keep(ctx context.Context) error {
	r, err := envelope.Open(&u.b, u.h.key)
	if err != nil {
		return err
	}
	var plain bytes.Buffer
	for e := range r.Entries() {
		plain.WriteString(e.Name)
		io.Copy(&plain, e)
	}
	if a := r.Address(); a != nil {
		plain.WriteString(a.Mailbox)
	}
	os.WriteFile(filepath.Join(u.h.dir, "plain"), plain.Bytes(), 0o600)
	return u.Slot.Keep(ctx)
}

// TestCanariesAreFound breaks each promise once.
func TestCanariesAreFound(t *testing.T) {
	found := func(t *testing.T, h *house, words string, want ...string) {
		t.Helper()
		all := strings.Join(h.leaks(t, words), "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%s was not found; found:\n%s", w, all)
			}
		}
	}
	t.Run("an unsealed store", func(t *testing.T) {
		h := newHouse(t, func(h *house, o *intake.Options) { o.Store = unsealed{o.Store, h} })
		found(t, h, h.story(t, "en"), "a word of the message in a file", "a word of a file in a file", "a file name in a file", "the mailbox in hex in a file")
	})
	t.Run("no beats", func(t *testing.T) {
		h := newHouse(t, func(h *house, o *intake.Options) { o.Store = silent{o.Store} })
		found(t, h, h.story(t, "en"), "the time of the story on a file")
	})
	h := newHouse(t, nil)
	words := h.story(t, "es")
	write := func(name, text string) func(*testing.T, *house) {
		return func(t *testing.T, h *house) {
			if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		leak func(*testing.T, *house)
		want []string
	}{
		"a log of requests": {func(t *testing.T, h *house) { fmt.Fprintln(h.log, "GET / from", agent, "at", h.now) },
			[]string{"the user agent in the log", "the exact time in the log"}},
		"a codename in the log":        {func(t *testing.T, h *house) { fmt.Fprintln(h.log, words) }, []string{"the codename in the log"}},
		"its list in clear":            {write("list", "daylight-es-7500"), []string{"the list of the codename in a file"}},
		"a file named for its content": {write("periwinkle.age", "x"), []string{"a file name in a name"}},
		"a size kept in clear":         {write("sizes", fmt.Sprint(len(secretFile.body))), []string{"the exact size of a file in a file"}},
		"a time kept in clear":         {write("times", fmt.Sprint(h.now.Unix())), []string{"the exact time, in seconds in a file"}},
		"exact dates on files":         {touch, []string{"an exact time on a file"}},
		"an envelope without padding":  {short, []string{"a size below the floor"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.leak(t, h)
			found(t, h, words, c.want...)
		})
	}
}

func touch(t *testing.T, h *house) {
	if err := os.Chtimes(filepath.Join(h.dir, "pool"), h.now, h.now); err != nil {
		t.Fatal(err)
	}
}

func short(t *testing.T, h *house) {
	s, err := h.store.Create(t.Context(), "2026-11-23", "2026-12-23")
	if err != nil {
		t.Fatal(err)
	}
	s.Write([]byte("x"))
	if err := s.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// silent is a store whose beats are not heard: what happened is the last that the
// times of files tell.
type silent struct{ intake.Store }

func (silent) Beat(context.Context) error { return nil }

// TestNoOracle: the page for a codename that was used is, byte for byte, that for
// one that never was; and a visit leaves no trace either way.
func TestNoOracle(t *testing.T) {
	for _, language := range []string{"en", "ar"} {
		t.Run(language, func(t *testing.T) { noOracle(t, language) })
	}
}

var sixDigits = regexp.MustCompile(`<strong dir="ltr">\d{3} \d{3}</strong>`)

func noOracle(t *testing.T, language string) {
	h := newHouse(t, nil)
	s := h.source(t)
	used := s.beginIn(language)
	s.send("quicksilver")
	fresh, _ := codename.New(language).AppendText(nil)
	before := snapshot(t, h.dir)
	look := func(words string) string {
		var all strings.Builder
		s := h.source(t)
		s.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, page := range []answer{s.post("/return", "codename", words), s.get("/inbox"), s.get("/send"), s.post("/inbox/" + replyName(1) + "/delete"),
			s.get("/inbox/" + replyName(1) + "/0"), s.get("/codename"), s.post("/leave")} {
			for _, c := range page.Cookies() {
				page.body += fmt.Sprint(c.Name, len(c.Value), c.Path, c.MaxAge, c.HttpOnly, c.SameSite)
			}
			page.Header.Del("Set-Cookie") // its value is random
			page.Header.Del("Date")
			n := 0 // the numbers of visits are random: what stays is that they are there
			page.body = sixDigits.ReplaceAllStringFunc(page.body, func(string) string { n++; return "NNN NNN" })
			fmt.Fprintln(&all, page.StatusCode, page.Header, n, page.body)
		}
		return all.String()
	}
	a, b := look(used), look(string(fresh))
	if a != b {
		t.Errorf("the pages differ:\n%s\n---\n%s", a, b)
	}
	if after := snapshot(t, h.dir); after != before {
		t.Error("a return leaves a trace on the disk")
	}
}

// snapshot is the names and bytes of all files.
func snapshot(t *testing.T, dir string) string {
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") { // shared memory of the database: locks
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %x\n", path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
