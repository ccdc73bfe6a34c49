package sample

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"

	"daylight/corpus"
	"daylight/entity"
)

//go:embed site/*.json
var siteFiles embed.FS

// Site is what the desk publishes about the sample, and how it edits it.
type Site struct {
	Collection corpus.Collection
	Origins    []corpus.Origin
	Entities   []corpus.Entity
	Topics     []corpus.Topic
	Answers    []Answer
	Editing    Editing
}

// Answer is a corpus.Answer before the documents of its claims have ids.
type Answer struct {
	corpus.Answer
	Claims []Claim `json:"claims"` // instead of the Claims of corpus.Answer
}

// Claim is a corpus.Claim that names documents by path: of Files, or inside of one
// of them ("meridian/bridge-backup.zip/notes/dinner.txt"). The query of a count may
// be that of an entity or a topic, so that it stands in one place.
type Claim struct {
	corpus.Claim
	DocumentPath string          `json:"document_path,omitempty"`  // for Document
	KeptCopyPath string          `json:"kept_copy_path,omitempty"` // for KeptCopy
	Entity       corpus.EntityID `json:"entity,omitempty"`         // for Query; ReadSite has done it
	Topic        corpus.TopicID  `json:"topic,omitempty"`          // likewise
}

// Resolve returns the answer with ids in place of paths. It fails for a path that
// find does not know.
func (a Answer) Resolve(find func(path string) (corpus.DocumentID, bool)) (corpus.Answer, error) {
	resolved := a.Answer
	resolved.Claims = nil
	for _, c := range a.Claims {
		for path, id := range map[string]*corpus.DocumentID{c.DocumentPath: &c.Document, c.KeptCopyPath: &c.KeptCopy} {
			if path == "" {
				continue
			}
			found, ok := find(path)
			if !ok {
				return corpus.Answer{}, fmt.Errorf("answer %s: no document at %q", a.ID, path)
			}
			*id = found
		}
		resolved.Claims = append(resolved.Claims, c.Claim)
	}
	return resolved, nil
}

// Editing is what the desk does to the documents before it publishes them.
type Editing struct {
	Withheld  []Withholding `json:"withheld"`
	Redacted  []Redaction   `json:"redacted"`
	Questions []Question    `json:"questions"`
	Harm      Harm          `json:"harm"`
}

// Withholding is a document that is held back.
type Withholding struct {
	Path   string        `json:"path"`
	Reason corpus.Reason `json:"reason"`
	Why    string        `json:"why"` // for the record; it does not tell what is held back
}

// Redaction is what is taken out of a document.
type Redaction struct {
	Path   string        `json:"path"`
	Forms  []string      `json:"forms"` // every way it is written
	Reason corpus.Reason `json:"reason"`
	Why    string        `json:"why"`
}

// Question is one of the three, with what was found.
type Question struct {
	Asks    string `json:"asks"` // accurate, newsworthy, public interest
	Answer  string `json:"answer"`
	For     string `json:"for"`
	Against string `json:"against"`
}

// Harm is the harm record.
type Harm struct {
	Intrusion string `json:"intrusion"` // what the material takes from whom
	Interest  string `json:"interest"`  // what outweighs it
	Measures  string `json:"measures"`  // what was done
}

// ReadSite reads site/*.json.
func ReadSite() (Site, error) {
	var s Site
	for name, into := range map[string]any{
		"collection": &s.Collection, "origins": &s.Origins, "entities": &s.Entities,
		"topics": &s.Topics, "answers": &s.Answers, "editing": &s.Editing,
	} {
		b, err := siteFiles.ReadFile("site/" + name + ".json")
		if err != nil {
			return Site{}, fmt.Errorf("read the sample's site: %w", err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return Site{}, fmt.Errorf("read the sample's %s: %w", name, err)
		}
	}
	return s, s.fillQueries()
}

// fillQueries gives the claims that count an entity or a topic its query.
func (s *Site) fillQueries() error {
	entities, topics := map[corpus.EntityID]string{"": ""}, map[corpus.TopicID]string{"": ""}
	for _, e := range s.Entities {
		entities[e.ID] = entity.Query(e)
	}
	for _, t := range s.Topics {
		topics[t.ID] = t.Query
	}
	for _, a := range s.Answers {
		for i := range a.Claims {
			c := &a.Claims[i]
			mentions, ok := entities[c.Entity]
			relates, there := topics[c.Topic]
			if !ok || !there {
				return fmt.Errorf("read the sample's answers: %s counts an entity or a topic that is not there", a.ID)
			}
			c.Query += mentions + relates // one of the three is filled
		}
	}
	return nil
}
