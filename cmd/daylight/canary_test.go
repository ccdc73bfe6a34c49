package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/adiantum"

	"daylight/codename"
	"daylight/envelope"
	"daylight/internal/secret/secrettest"
	"daylight/internal/sqlkit"
)

// canaries are what must not be found at intake after a source was there.
type canaries map[string][]byte // what it is → bytes

// canariesOf collects those of one source: words, names, sizes, codename, user agent.
func canariesOf(message, words, agent string, files []string) canaries {
	c := canaries{}
	add := func(what, s string) {
		c[what] = []byte(s)
		c[what+", in base 64"] = []byte(base64.StdEncoding.EncodeToString([]byte(s)))[:len(s)] // without the end, which hangs on what follows
	}
	for _, w := range strings.Fields(message) {
		if len(w) > 6 {
			add("word of the message "+w, w)
		}
	}
	each := strings.Split(words, "-")
	for i := 1; i < len(each); i++ {
		for _, between := range []string{" ", "-", ""} {
			if between == "" && strings.HasPrefix(each[i], each[i-1][:min(3, len(each[i-1]))]) {
				continue // the lists in memory have equal and neighbouring words side by side
			}
			add(fmt.Sprintf("codename, words %d and %d, apart by %q", i, i+1, between), each[i-1]+between+each[i])
		}
		add(fmt.Sprintf("codename, words %d and %d, as a form has them", i, i+1), url.QueryEscape(each[i-1]+" "+each[i]))
	}
	if agent != "" {
		add("user agent", agent)
	}
	for _, path := range files {
		c.named(filepath.Base(path))
		// Fewer digits are found in random names by chance.
		if info, err := os.Stat(path); err == nil && info.Size() >= 10_000 {
			c.sized(info.Size())
		}
	}
	return c
}

func (c canaries) named(file string) { c["file name "+file] = []byte(file) }

func (c canaries) sized(n int64) { c[fmt.Sprintf("exact size %d", n)] = strconv.AppendInt(nil, n, 10) }

// secretsOf are the bytes that a codename becomes on its way to its keys.
func secretsOf(t testing.TB, words string, newsroom [16]byte) canaries {
	t.Helper()
	c, err := codename.Parse([]byte(words))
	if err != nil {
		t.Fatal(err)
	}
	saved, _ := c.AppendBinary(nil)
	places := saved[1:] // without the number of the list
	seed := c.Seed(newsroom[:])
	reply, opens, visits := seed.Key(codename.LabelReply), seed.Key(codename.LabelOpens), seed.Key(codename.LabelVisits)
	mailbox := codename.Mailbox(opens)
	key, err := envelope.FromSecret(reply)
	if err != nil {
		t.Fatal(err)
	}
	all := canaries{
		"the codename's places":            places,
		"the seed":                         seed[:],
		"the reply key":                    reply[:],
		"the reply key as age writes it":   []byte(key.HybridIdentity.String()),
		"what opens the mailbox":           opens[:],
		"what opens the mailbox in hex":    []byte(hex.EncodeToString(opens[:])),
		"the mailbox":                      mailbox[:],
		theMailbox:                         []byte(hex.EncodeToString(mailbox[:])),
		"the key of visits":                visits[:],
		"the key of visits in hex":         []byte(hex.EncodeToString(visits[:])),
		"the public key that replies need": []byte(key.Recipient().String())[:200],
	}
	if c.Language() == "en" {
		all["what Argon2 begins with"] = argonStart(places[:2*codename.Random], newsroom[:])
	}
	return all
}

// theMailbox is what the database has of a source for whom a reply waits.
const theMailbox = "the mailbox in hex"

// argonStart is the first hash of Argon2id (RFC 9106, 3.2): whoever has it needs no
// codename.
func argonStart(places, salt []byte) []byte {
	password := append([]byte("eff-large-7772\x00"), places...)
	h, _ := blake2b.New512(nil)
	for _, n := range []uint32{4, 32, 64 << 10, 3, 0x13, 2, uint32(len(password))} {
		binary.Write(h, binary.LittleEndian, n)
	}
	h.Write(password)
	binary.Write(h, binary.LittleEndian, uint32(len(salt)))
	h.Write(salt)
	h.Write(make([]byte, 8)) // neither key nor data
	return h.Sum(nil)
}

// trace is a canary where it must not be.
type trace struct{ what, where string }

func (f trace) String() string { return f.where + " has " + f.what }

// machine is the disk of an intake, and its log, as who takes it finds them.
type machine struct {
	dir    string   // of the instance
	own    []string // what else intake alone could write to
	others []string // what other programs write to as well: there only canaries are looked for, no moments
	log    string
}

// look searches the contents, the names, the sizes and the times of all files, the
// database as its key opens it (the key lies on the same disk), page by page with
// those that are free, its log, its rows, and the log of the program.
func (m machine) look(t testing.TB, c canaries, moments ...secrettest.Moment) (found []trace) {
	t.Helper()
	c = maps.Clone(c)
	c[sealedHead] = []byte(ageHead)
	plain, err := secrettest.For(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range moments { // without the day too, which SQLite's own version has in the program's memory
		for unix := range m.Seconds() {
			at := time.Unix(unix, 0).UTC().Format(time.TimeOnly)
			c[m.What+", the time of day "+at] = []byte(at)
		}
	}
	all, err := secrettest.For(c, moments...)
	if err != nil {
		t.Fatal(err)
	}
	// First the times: looking at the rest changes them.
	for _, path := range append(m.own, m.dir) {
		walk(t, path, func(path string, info fs.FileInfo) {
			for what, at := range times(path, info) {
				for _, told := range all.Told(at) {
					found = append(found, trace{told, "the time when " + info.Name() + " was " + what})
				}
			}
		})
	}
	seek := func(s *secrettest.Search, where string, b []byte, random bool) {
		note := func(what string, _, _ int) { found = append(found, trace{what, where}) }
		s.In(b, note)
		if !random {
			s.Clocks(b, 1, note)
		}
	}
	files := func(s *secrettest.Search, path string) {
		walk(t, path, func(path string, info fs.FileInfo) {
			seek(s, "a name on disk", []byte(info.Name()), false)
			if info.Mode().IsRegular() {
				seek(s, "the size of "+info.Name(), strconv.AppendInt(nil, info.Size(), 10), false)
				b, err := os.ReadFile(path)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				seek(s, info.Name(), b, encrypted(info.Name()))
			}
		})
	}
	for _, path := range append(m.own, m.dir) {
		files(all, path)
	}
	for _, path := range m.others {
		files(plain, path)
	}
	seek(all, "the log", []byte(m.log), false)
	for name, b := range m.decrypted(t) {
		seek(all, "what "+name+" is in clear", b, false)
	}
	seek(all, "the rows of the database", m.rows(t), false)
	return found
}

// What is sealed begins so. The store encrypts it once more: where it is found, so is
// what was destroyed, for who has the newsroom's keys.
const (
	sealedHead = "the head of something sealed"
	ageHead    = "age-encryption.org/v1\n"
)

// encrypted files are random to who has not their key: moments are found in them by
// chance, and looked for in what they are in clear.
func encrypted(name string) bool {
	return name == "pool" || name == "root.key" || strings.HasPrefix(name, "intake.db")
}

// walk goes through a file, or a folder with all that is in it. What goes away
// meanwhile is not there.
func walk(t testing.TB, path string, f func(path string, info fs.FileInfo)) {
	t.Helper()
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				f(path, info)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// decrypted is each file of the database as its key opens it: pages in use and free
// ones, and all that is left in the log.
func (m machine) decrypted(t testing.TB) map[string][]byte {
	t.Helper()
	key, err := instance{dir: m.dir}.databaseKey()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(m.dir, "state", "intake.db*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// As github.com/ncruces/go-sqlite3/vfs/adiantum does.
		cipher, tweak, n := adiantum.New(key[:]), make([]byte, 8), len(b)/4096*4096
		for at := 0; at < n; at += 4096 {
			binary.LittleEndian.PutUint64(tweak, uint64(at))
			cipher.Decrypt(b[at:at+4096], tweak)
		}
		all[filepath.Base(path)] = b[:n]
	}
	for name, head := range map[string]string{"intake.db": "SQLite format 3\x00", "intake.db-wal": "\x37\x7f\x06"} {
		if b := all[name]; (len(b) > 0 || name == "intake.db") && !bytes.HasPrefix(b, []byte(head)) {
			t.Fatalf("%s does not open: the test looks in the wrong place", name)
		}
	}
	return all
}

// rows writes all values of a copy of the database as text, one on a line.
func (m machine) rows(t testing.TB) []byte {
	t.Helper()
	db := m.database(t)
	defer db.Close()
	var out bytes.Buffer
	tables, err := db.Query("SELECT name FROM sqlite_master WHERE type='table'")
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	n := 0
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		rows, err := db.Query("SELECT * FROM \"" + name + "\"")
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := (*v.(*any)).([]byte); ok {
					out.Write(append(b, '\n'))
				} else {
					fmt.Fprintln(&out, *v.(*any))
				}
				n++
			}
		}
		rows.Close()
	}
	if n == 0 {
		t.Fatal("the database gave no value at all: the test looks in the wrong place")
	}
	return out.Bytes()
}

// database is a copy of intake's, open.
func (m machine) database(t testing.TB) *sql.DB {
	t.Helper()
	key, err := instance{dir: m.dir}.databaseKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"intake.db", "intake.db-wal"} {
		b, err := os.ReadFile(filepath.Join(m.dir, "state", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "intake.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// kept is how many envelopes intake has for the desk.
func (m machine) kept(t testing.TB) (n int) {
	t.Helper()
	db := m.database(t)
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM envelope WHERE kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// nothingAtIntake is the canary test of the story.
func (s *story) nothingAtIntake() {
	c := canariesOf(storyMessage+" "+storyAnswer, s.codename, userAgent, s.files)
	m := machine{dir: filepath.Join(s.dir, "intake"), log: s.log.String()}
	for _, f := range m.look(s.T, c, secrettest.Moment{What: "the time of the story", From: s.began, To: s.ended}) {
		s.Error(f)
	}
}

// The search must be able to fail: each promise is broken once, in each place.
func TestCanaryCanFail(t *testing.T) {
	h := startHouse(t, false)
	h.stop()
	tmp, shared := t.TempDir(), t.TempDir()
	m := machine{dir: filepath.Join(h.dir, "intake"), own: []string{tmp}, others: []string{shared}, log: h.log.String()}
	upload := filepath.Join(t.TempDir(), "minutes of the board.zip")
	if err := os.WriteFile(upload, make([]byte, 131_847), 0o600); err != nil {
		t.Fatal(err)
	}
	words := ""
	for words == "" || canariesOf("", words, "", nil)[`codename, words 3 and 4, apart by ""`] == nil {
		text, _ := codename.New("ru").AppendText(nil)
		words = string(text)
	}
	c := canariesOf("a vermilion message", words, "CanaryAgent/1", []string{upload})
	derived := secretsOf(t, words, [16]byte{7})
	maps.Copy(c, derived)
	at := time.Now().Add(-24 * time.Hour) // no file has it yet
	moment := secrettest.Moment{What: "then", From: at.Add(-100 * time.Millisecond), To: at.Add(100 * time.Millisecond)}
	nothing := func(when string) {
		t.Helper()
		if found := m.look(t, c, moment); len(found) > 0 {
			t.Errorf("found %s: %q", when, found)
		}
	}
	nothing("before anything was broken")

	// What is written, as somebody could who thinks nothing of it → what must be found.
	leaks := map[string]string{
		"… vermilion …": "word of the message vermilion",
		base64.StdEncoding.EncodeToString([]byte("vermilion")): "word of the message vermilion, in base 64",
		"CanaryAgent/1":                     "user agent",
		"minutes of the board.zip":          "file name minutes of the board.zip",
		"size=131847":                       "exact size 131847",
		strings.ReplaceAll(words, "-", " "): `codename, words 3 and 4, apart by " "`,
		words:                               `codename, words 3 and 4, apart by "-"`,
		strings.ReplaceAll(words, "-", ""):  `codename, words 3 and 4, apart by ""`,
		url.QueryEscape(strings.ReplaceAll(words, "-", " ")): "codename, words 3 and 4, as a form has them",
		ageHead: sealedHead,
	}
	for what, b := range derived {
		leaks[string(b)] = what
	}
	ofTime := map[string]string{
		"at " + at.UTC().Format(time.TimeOnly):                                     "then, the time of day " + at.UTC().Format(time.TimeOnly),
		strconv.FormatInt(at.Unix(), 10):                                           "then, the second",
		string(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))):              "then, the second in 8 bytes",
		string(binary.LittleEndian.AppendUint64(nil, uint64(at.Unix()))):           "then, the second as an int64",
		string(binary.LittleEndian.AppendUint64([]byte{1}, uint64(at.UnixNano()))): "then, in nanoseconds",
	}
	all := maps.Clone(leaks)
	maps.Copy(all, ofTime)
	names := maps.Clone(all) // of files
	maps.DeleteFunc(names, func(leak, _ string) bool { return len(leak) > 255 || strings.ContainsAny(leak, "/\x00") })
	together := func(leaks map[string]string) string { return strings.Join(slices.Collect(maps.Keys(leaks)), "\n") }
	state := filepath.Join(m.dir, "state")
	rows, pages, log := "the rows of the database", "what intake.db is in clear", "what intake.db-wal is in clear"
	for _, place := range []struct {
		name, where string
		plant       func(*testing.T)
		leaks       map[string]string
	}{
		{"a file of the instance", "leak", func(t *testing.T) { put(t, filepath.Join(m.dir, "leak"), together(all)) }, all},
		{"a file of the store", "leak", func(t *testing.T) { put(t, filepath.Join(state, "leak"), together(all)) }, all},
		{"a temporary file", "leak", func(t *testing.T) { put(t, filepath.Join(tmp, "leak"), together(all)) }, all},
		{"shared memory", "leak", func(t *testing.T) { put(t, filepath.Join(shared, "leak"), together(leaks)) }, leaks}, // other programs' files there have times of their own
		{"the pool", "pool", func(t *testing.T) { m.spoil(t, together(leaks)) }, leaks},
		{"a row", rows, func(t *testing.T) { m.write(t, all, false) }, all},
		{"a page of the database", pages, func(t *testing.T) { m.write(t, all, false) }, all},
		{"a page that is free", pages, func(t *testing.T) { m.write(t, all, false, "DROP TABLE leak") }, all},
		{"what is free in a page", pages, func(t *testing.T) { m.write(t, leaks, false, "DELETE FROM leak") }, leaks},
		{"the log of the database", log, func(t *testing.T) { m.write(t, all, true) }, all},
		{"the name of a file", "a name on disk", func(t *testing.T) {
			for leak := range names {
				put(t, filepath.Join(state, leak), "")
			}
		}, names},
	} {
		t.Run(place.name, func(t *testing.T) {
			place.plant(t)
			found := m.look(t, c, moment)
			for _, what := range place.leaks {
				wants(t, found, trace{what, place.where})
			}
		})
	}
	t.Run("the log", func(t *testing.T) {
		logged := m
		logged.log = "level=ERROR msg=" + together(all)
		found := logged.look(t, c, moment)
		for _, what := range all {
			wants(t, found, trace{what, "the log"})
		}
	})
	t.Run("the size of a file", func(t *testing.T) {
		put(t, filepath.Join(state, "leak"), string(make([]byte, 131_847)))
		wants(t, m.look(t, c, moment), trace{"exact size 131847", "the size of leak"})
	})
	for _, dir := range []string{m.dir, state, tmp} {
		t.Run("times in "+filepath.Base(dir), func(t *testing.T) {
			began := time.Now()
			time.Sleep(20 * time.Millisecond) // a file system's clock is coarse
			path := filepath.Join(dir, "leak")
			put(t, path, "")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			found := m.look(t, c, secrettest.Moment{What: "now", From: began, To: time.Now()})
			for what := range times(path, info) {
				wants(t, found, trace{"now", "the time when leak was " + what})
			}
			for what, set := range map[string][2]time.Time{"read": {at, time.Time{}}, "modified": {{}, at}} {
				if err := os.Chtimes(path, set[0], set[1]); err != nil {
					t.Fatal(err)
				}
				wants(t, m.look(t, c, moment), trace{"then", "the time when leak was " + what})
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			found = m.look(t, c, secrettest.Moment{What: "now", From: began, To: time.Now()})
			wants(t, found, trace{"now", "the time when " + filepath.Base(dir) + " was changed"}) // by a file that is gone
		})
	}
	nothing("when everything was mended")
}

func wants(t *testing.T, found []trace, want trace) {
	t.Helper()
	if !slices.Contains(found, want) {
		t.Errorf("not found: %v", want)
	}
}

// put makes a file for the time of a test.
func put(t *testing.T, path, b string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
}

// spoil writes into the middle of the pool, for the time of a test.
func (m machine) spoil(t *testing.T, leak string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(m.dir, "state", "pool"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := make([]byte, len(leak))
	if _, err := f.ReadAt(before, 5_000_001); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(leak), 5_000_001); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.WriteAt(before, 5_000_001)
		f.Close()
	})
}

// write leaves something in the database for the time of a test, as a program would
// that is less careful; in its log only, or else in its file.
func (m machine) write(t *testing.T, leaks map[string]string, inLog bool, more ...string) {
	t.Helper()
	key, err := instance{dir: m.dir}.databaseKey()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(m.dir, "state", "intake.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	exec := func(q string, args ...any) {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	t.Cleanup(func() {
		exec("DROP TABLE IF EXISTS leak")
		exec("VACUUM")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
	exec("PRAGMA secure_delete=OFF")
	exec("PRAGMA wal_autocheckpoint=0")
	exec("CREATE TABLE leak (b)")
	exec("INSERT INTO leak VALUES (zeroblob(100))") // the freed bytes of the first row begin a list
	for leak := range leaks {
		exec("INSERT INTO leak VALUES (?)", []byte("...."+leak))
	}
	for _, q := range more {
		exec(q)
	}
	if !inLog {
		exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// leak holds what it reads, in memory and in a file that has no name any more, and
// each way in which memory has a time, until its input ends.
func leak() {
	in := bufio.NewReader(os.Stdin)
	kept, err := in.ReadBytes('\n')
	if err != nil {
		os.Exit(1)
	}
	f, err := os.CreateTemp("", "")
	if err != nil {
		os.Exit(1)
	}
	os.Remove(f.Name())
	f.Write([]byte(os.Getenv("IN_A_FILE")))
	os.Unsetenv("IN_A_FILE")
	now := time.Now()
	times := []any{&now, &[]int64{now.UnixNano()}[0], &[]int64{now.Unix()}[0], &[]time.Time{now.Round(0)}[0], []byte(now.UTC().Format(time.RFC3339)), strconv.FormatInt(now.Unix(), 10)}
	fmt.Println("ready")
	in.ReadBytes('\n')
	runtime.KeepAlive(kept)
	runtime.KeepAlive(times)
	f.Close()
}
