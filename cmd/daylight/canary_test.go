package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"daylight/internal/sqlkit"
)

// canaries are what must not be found at intake after a source was there.
type canaries map[string][]byte // what it is → bytes

// canariesOf collects those of one source: words, names, sizes, codename, user
// agent, and every second of the visit.
func canariesOf(message, codename, agent string, files []string, from, to time.Time) canaries {
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
	words := strings.FieldsFunc(codename, func(r rune) bool { return r < 'a' || r > 'z' })
	for i := 1; i < len(words); i++ {
		for _, between := range []string{" ", "-", ""} {
			add(fmt.Sprintf("codename, words %d and %d, apart by %q", i, i+1, between), words[i-1]+between+words[i])
		}
	}
	add("user agent", agent)
	for _, path := range files {
		add("file name", filepath.Base(path))
		// Fewer digits are found in random names by chance.
		if info, err := os.Stat(path); err == nil && info.Size() >= 10_000 {
			c[fmt.Sprintf("exact size %d", info.Size())] = strconv.AppendInt(nil, info.Size(), 10)
		}
	}
	for s := from.Unix(); s <= to.Unix(); s++ {
		t := time.Unix(s, 0).UTC()
		c["exact time "+t.Format(time.TimeOnly)] = []byte(t.Format(time.TimeOnly))
		c["exact time "+strconv.FormatInt(s, 10)] = strconv.AppendInt(nil, s, 10)
		c["exact time "+strconv.FormatInt(s, 10)+", as 8 bytes"] = binary.BigEndian.AppendUint64(nil, uint64(s))
	}
	return c
}

// look returns what is found in b, for a report that says where.
func (c canaries) look(where string, b []byte) []string {
	var found []string
	for what, bytes_ := range c {
		if bytes.Contains(b, bytes_) {
			found = append(found, where+" holds "+what)
		}
	}
	return found
}

// lookAtIntake searches the contents and the names of all files, the rows of the
// database as its key opens it (the key lies on the same disk), and the log.
func lookAtIntake(t *testing.T, dir, log string, c canaries) []string {
	t.Helper()
	found := c.look("the log", []byte(log))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		found = append(found, c.look("a name on disk", []byte(d.Name()))...)
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		found = append(found, c.look(d.Name(), b)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(found, c.look("the database", dump(t, dir))...)
}

// dump writes all values of intake's database as text, one on a line.
func dump(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := instance{dir: dir}.databaseKey()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "state", "intake.db"), key)
	if err != nil {
		t.Fatal(err)
	}
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

// timesAtIntake returns what has been touched in a span, by any of the times that a
// file system keeps.
func timesAtIntake(t *testing.T, dir string, from, to time.Time) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		for what, at := range times(info) {
			if at.After(from) && at.Before(to) {
				found = append(found, d.Name()+" tells when it was "+what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// nothingAtIntake is the canary test of the story.
func (s *story) nothingAtIntake() {
	c := canariesOf(storyMessage+" "+storyAnswer, s.codename, userAgent, s.files, s.began, time.Now())
	dir := filepath.Join(s.dir, "intake")
	// First the times, which looking at the rest changes.
	for _, f := range append(timesAtIntake(s.T, dir, s.began, s.ended), lookAtIntake(s.T, dir, s.log.String(), c)...) {
		s.Error(f)
	}
}

// The canary test must be able to fail: each promise is broken once.
func TestCanaryCanFail(t *testing.T) {
	h := startHouse(t, false)
	h.stop()
	dir := filepath.Join(h.dir, "intake")
	upload := filepath.Join(t.TempDir(), "minutes of the board.zip")
	if err := os.WriteFile(upload, make([]byte, 31_847), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if found := timesAtIntake(t, dir, now, time.Now()); len(found) > 0 {
		t.Fatalf("times found before anything was broken: %q", found)
	}
	c := canariesOf("a vermilion message", "alpha-bravo-charlie", "CanaryAgent/1", []string{upload}, now, now)
	if found := lookAtIntake(t, dir, h.log.String(), c); len(found) > 0 {
		t.Fatalf("found before anything was broken: %q", found)
	}
	for name, leak := range map[string]string{
		"word":      "… vermilion …",
		"codename":  "bravo charlie",
		"name":      "minutes of the board.zip",
		"agent":     "CanaryAgent/1",
		"time":      "at " + now.UTC().Format(time.TimeOnly),
		"unix time": strconv.FormatInt(now.Unix(), 10),
		"size":      "size=31847",
	} {
		t.Run(name, func(t *testing.T) {
			if found := lookAtIntake(t, dir, leak, c); len(found) == 0 {
				t.Error("not found in the log")
			}
			path := filepath.Join(dir, "state", "leak")
			if err := os.WriteFile(path, []byte(leak), 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			if found := lookAtIntake(t, dir, "", c); len(found) == 0 {
				t.Error("not found on the disk")
			}
		})
	}
	t.Run("times", func(t *testing.T) {
		if found := strings.Join(timesAtIntake(t, dir, now, time.Now().Add(time.Second)), "\n"); !strings.Contains(found, "state tells when it was changed") {
			t.Errorf("that files were written to the state is not found in times:\n%s", found)
		}
	})
	t.Run("database", func(t *testing.T) {
		key, err := instance{dir: dir}.databaseKey()
		if err != nil {
			t.Fatal(err)
		}
		db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "state", "intake.db"), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("CREATE TABLE leak AS SELECT 'vermilion' AS words"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if found := lookAtIntake(t, dir, "", c); len(found) == 0 {
			t.Error("not found in the database")
		}
	})
}
