package mail_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/mail"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// reading is what a golden file keeps of a message.
type reading struct {
	*mail.Mail
	Header []string
	Files  []attached
}

type attached struct {
	Name, Type, ContentID string
	Inline                bool   `json:",omitempty"`
	Error                 string `json:",omitempty"`
	Body                  string
}

func read(t testing.TB, raw []byte) reading {
	t.Helper()
	var r reading
	m, err := mail.Read(bytes.NewReader(raw), int64(len(raw)), mail.Limits{}, func(p mail.Part) error {
		body, err := io.ReadAll(p.Body)
		a := attached{p.Name, p.Type, p.ContentID, p.Inline, p.Error, string(body)}
		if err != nil {
			a.Error = strings.TrimSpace(a.Error + " " + err.Error())
		}
		r.Files = append(r.Files, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Header {
		r.Header = append(r.Header, f.Name+": "+f.Value)
	}
	r.Mail = m
	return r
}

// TestQuirks reads each message of testdata/quirks, whose field X-Quirk says what
// is odd about it, and compares all of it with the golden file beside it.
func TestQuirks(t *testing.T) {
	files, err := filepath.Glob("testdata/quirks/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no quirks: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(read(t, raw)); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("got %s\nwant %s", out.Bytes(), want)
			}
		})
	}
}
