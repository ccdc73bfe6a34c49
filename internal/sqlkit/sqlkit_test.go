package sqlkit

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"daylight/fault"
)

var schema = []string{"CREATE TABLE note (words TEXT NOT NULL)"}

func open(t *testing.T, path string, o Options) (*sql.DB, error) {
	t.Helper()
	db, err := Open(t.Context(), path, o)
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

func TestNothingOnDiskInClear(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "odd name?&%.db")
	db, err := open(t, path, Options{Key: &Key{1}, Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO note VALUES ('canary-vermilion')"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) < 2 {
		t.Fatalf("files %q; want the database and its log", files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("vermilion")) || bytes.Contains(b, []byte("SQLite format")) {
			t.Errorf("%s holds plain text", filepath.Base(f))
		}
	}
}

func TestWrongKeyIsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := open(t, path, Options{Key: &Key{1}, Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := open(t, path, Options{Key: &Key{2}, Schema: schema}); !errors.Is(err, fault.Damaged) {
		t.Errorf("wrong key: %v; want damage", err)
	}
}

func TestSchemas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	two := append(schema[:1:1], "ALTER TABLE note ADD COLUMN n INTEGER")
	for _, o := range []Options{{Schema: schema}, {Schema: two}, {Schema: two, ReadOnly: true}} {
		db, err := open(t, path, o)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	if _, err := open(t, path, Options{Schema: schema}); !errors.Is(err, fault.Conflict) {
		t.Errorf("newer schema: %v; want a conflict", err)
	}
	if _, err := open(t, filepath.Join(t.TempDir(), "b.db"), Options{Schema: schema, ReadOnly: true}); err == nil {
		t.Error("read-only made a database")
	}
}
