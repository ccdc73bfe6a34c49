package ingest_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/ingest"
	"daylight/sandbox"
)

// served is how many requests this child had.
var served int

// serveOrAttack is ingest.Serve, but for files whose names say that they have
// taken over the child.
func serveOrAttack(ctx context.Context, in *sandbox.Input, out *sandbox.Output) error {
	served++
	var file struct{ Name string }
	if err := json.Unmarshal(in.Args, &file); err != nil {
		return err
	}
	send := func(kind byte, data string) {
		if err := out.Send(kind, []byte(data)); err != nil {
			panic(err)
		}
	}
	switch file.Name {
	case "attack by text":
		for {
			send('t', strings.Repeat("x", 1<<20))
		}
	case "attack by result":
		send('r', `{"type":`)
	case "attack by two results":
		send('r', `{"type":"text/plain"}`)
		send('r', `{"type":"text/html"}`)
	case "attack by part":
		send('p', `[]`)
	case "attack inside of a part":
		send('p', `{"name":"a.txt"}`)
		send('b', "some bytes")
		send('r', `{"type":"text/plain"}`)
	case "attack by silence":
	case "attack by nonsense":
		send(0xff, "")
	case "not on a warm child":
		if served > 1 {
			panic("what another file left")
		}
		return ingest.Serve(ctx, in, out)
	default:
		return ingest.Serve(ctx, in, out)
	}
	return nil
}

// A child that was taken over costs the file that did it, and its bytes are kept.
func TestChildTakenOver(t *testing.T) {
	pool := newPool(t)
	for _, name := range []string{"attack by text", "attack by result", "attack by two results", "attack by part",
		"attack inside of a part", "attack by silence", "attack by nonsense"} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			s.Extract = ingest.Sandboxed(pool)
			s.run(t, file{name, []byte("hostile")}, file{"after.txt", []byte("the harbour and the ledger")})
			records := s.ledger.Records()
			if got := records[0].Document.Error; !strings.Contains(got, "the program that reads it") {
				t.Errorf("error %q", got)
			}
			last := records[len(records)-1]
			if last.Path != "after.txt" || last.State != corpus.Pending || last.Document.Error != "" {
				t.Errorf("the next file: %+v", last)
			}
		})
	}
}

// What one file left behind in a child is not laid at the door of the next.
func TestSecondTry(t *testing.T) {
	s := newSetup()
	s.Workers, s.Extract = 1, ingest.Sandboxed(newPool(t))
	s.run(t, file{"first.txt", []byte("the first")}, file{"not on a warm child", []byte("the second")})
	if d := s.ledger.Records()[1].Document; d.Error != "" || d.Text != "the second" {
		t.Errorf("document %+v", d)
	}
}
