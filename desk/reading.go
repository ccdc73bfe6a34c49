package desk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"daylight/corpus"
	"daylight/extract"
	"daylight/fault"
	"daylight/ingest"
)

// Reading is what a file of a message contains, before it is a document: itself,
// then what was found inside.
type Reading struct {
	Path    string // the way into the containers, as it is in a case but for marks of direction; text for people
	Type    string
	Message *corpus.Message // of an e-mail
	Date    time.Time
	Text    string
	Error   string // what could not be read
}

// Limits of reading a file without taking it in.
const (
	readText  = 256 << 10 // bytes of text of one part
	readPart  = 32 << 20  // bytes of one part
	readParts = 50
	readDepth = 4
)

// ReadFile extracts the text of a file of a message, in the sandbox, and of the
// first parts inside of it. It keeps nothing.
func (d *Desk) ReadFile(ctx context.Context, by EditorID, id ConversationID, message string, index int) (File, []Reading, error) {
	f, r, err := d.OpenFile(ctx, by, id, message, index)
	if err != nil {
		return f, nil, err
	}
	defer r.Close()
	if d.o.Extract == nil {
		return f, nil, fault.Say("This desk cannot show the text of files.", fmt.Errorf("read file: no extractor: %w", fault.Conflict))
	}
	reader := reader{extract: d.o.Extract}
	err = reader.read(ctx, extract.File{Name: f.Name, Body: r, Size: r.Size()}, f.Name, 0)
	if err != nil {
		return f, nil, fmt.Errorf("read file: %w", err)
	}
	return f, reader.found, nil
}

type reader struct {
	extract extract.Func
	found   []Reading
}

func (r *reader) read(ctx context.Context, f extract.File, path string, depth int) error {
	at := len(r.found)
	r.found = append(r.found, Reading{Path: path})
	var parts []extract.File // each with its whole name
	var names ingest.Namer
	more := false
	limits := extract.Limits{Text: readText, Parts: readParts, PartBytes: readPart}
	result, err := r.extract(ctx, f, limits, func(p extract.Part) error {
		if depth >= readDepth || at+len(parts) >= readParts {
			more = true
			return nil
		}
		var b bytes.Buffer
		n, err := io.Copy(&b, io.LimitReader(p.Body, readPart))
		if err != nil && p.Error == "" {
			p.Error = "its bytes are damaged"
		}
		parts = append(parts, extract.File{Name: undirected(names.Name(p.Name, p.Type)), Type: p.Type, Body: bytes.NewReader(b.Bytes()), Size: n})
		return nil
	})
	if err != nil {
		return err
	}
	text := strings.ToValidUTF8(result.Text, "\uFFFD")
	if more {
		result.Error = strings.TrimPrefix(result.Error+"; there is more inside than is shown here", "; ")
	}
	r.found[at] = Reading{Path: path, Type: result.Type, Message: result.Message, Date: result.Date, Text: text, Error: result.Error}
	for _, p := range parts {
		inner := path + "/" + p.Name
		p.Name = p.Name[strings.LastIndexAny(p.Name, `/\`)+1:]
		if err := r.read(ctx, p, inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}
