package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"daylight/desk"
)

// TestPathsOfInnerFiles: a handler who reads a file sees what is inside at the places that
// it has in the case.
func TestPathsOfInnerFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	n := newNewsroom(t)
	server := httptest.NewServer(n.intake.handler)
	defer server.Close()
	packed := func(names ...string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			w, err := z.Create(name)
			if err == nil {
				_, err = fmt.Fprintf(w, "This is %s, number %d.", name, b.Len())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		z.Close()
		return b.Bytes()
	}
	path := filepath.Join(t.TempDir(), "minutes.zip")
	if err := os.WriteFile(path, packed("committee/decision.txt", "annex/decision.txt", "annex/decision.txt", "../../up.txt", "annex/decision.txt/below.txt", `c\d.txt`, "pay\u202efdp.exe"), 0o600); err != nil {
		t.Fatal(err)
	}
	daylight(t, "send", "--to", server.URL, "--words", n.theWords(), path)
	n.round()
	n.round()
	ctx := t.Context()
	for _, u := range []desk.User{{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}, {ID: "eva", Name: "Eva", Roles: []desk.Role{desk.Editor}}} {
		if err := n.desk.PutUser(ctx, desk.Operator, u); err != nil {
			t.Fatal(err)
		}
	}
	all, err := n.desk.Conversations(ctx, "hana")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d conversations, %v", len(all), err)
	}
	message := all[0].Messages[0].ID
	_, found, err := n.desk.ReadFile(ctx, "hana", all[0].ID, message, 0)
	if err != nil {
		t.Fatal(err)
	}
	made, err := n.desk.MakeCase(ctx, "hana", all[0].ID, desk.Made{Title: "Minutes", Messages: []string{message}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := n.desk.Documents(ctx, "eva", made, desk.Filter{}, "", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var read, kept []string
	for _, f := range found {
		read = append(read, f.Path)
	}
	for _, i := range in.Items {
		kept = append(kept, strings.ReplaceAll(i.Path, "\u202e", "-")) // a name reads as it is
	}
	slices.Sort(read)
	slices.Sort(kept)
	if len(kept) != 8 || !slices.Equal(read, kept) {
		t.Errorf("read at\n%q\nin the case at\n%q", read, kept)
	}
}
