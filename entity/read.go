package entity

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"daylight/corpus"
	"daylight/fault"
)

// The kinds of an entity.
const (
	Person       = "person"
	Organization = "organization"
	Place        = "place"
)

// ReadCSV reads entities from a table whose first line names its columns: title
// and names are needed; id, kind and description may be there, others are ignored.
// The names stand in one cell, apart by "|". Without an id, it is made of the title.
//
// A line that makes no sense is left out and named in the error, which is
// fault.Invalid; the entities are returned beside it.
func ReadCSV(r io.Reader) ([]corpus.Entity, error) {
	table := csv.NewReader(r)
	table.FieldsPerRecord = -1 // a missing cell is an empty one
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("read the names of the columns: %w", errors.Join(fault.Invalid, err))
	}
	column := map[string]int{}
	for i, name := range header {
		column[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	for _, name := range []string{"title", "names"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("read the names of the columns: %q is missing: %w", name, fault.Invalid)
		}
	}
	var list list
	for {
		row, err := table.Read()
		if err == io.EOF {
			return list.result()
		}
		if err != nil {
			wrong, ok := errors.AsType[*csv.ParseError](err)
			if !ok {
				return list.entities, fmt.Errorf("read entities: %w", err)
			}
			list.refuse(wrong.StartLine, wrong.Err)
			continue
		}
		line, _ := table.FieldPos(0)
		cell := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		list.add(line, corpus.Entity{
			ID: corpus.EntityID(cell("id")), Kind: cell("kind"), Title: cell("title"),
			Names: strings.Split(cell("names"), "|"), Description: cell("description"),
		})
	}
}

// schemata are those of FollowTheMoney that name somebody or something, with the
// kind that they are here. Others (payments, documents, ownership…) are no entity.
var schemata = map[string]string{
	"Person": Person, "LegalEntity": Organization, "Organization": Organization, "Company": Organization,
	"PublicBody": Organization, "Asset": Organization, "Country": Place, "Address": Place,
}

// ReadFTM reads entities from lines of FollowTheMoney JSON: id, schema and
// properties, of which name, alias, weakAlias, previousName and summary are read.
// Entities of other schemata are passed over. Errors are as in ReadCSV.
func ReadFTM(r io.Reader) ([]corpus.Entity, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	var list list
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var ftm struct {
			ID         string              `json:"id"`
			Schema     string              `json:"schema"`
			Caption    string              `json:"caption"`
			Properties map[string][]string `json:"properties"`
		}
		if err := json.Unmarshal(lines.Bytes(), &ftm); err != nil {
			list.refuse(n, err)
			continue
		}
		kind, ok := schemata[ftm.Schema]
		if !ok {
			continue
		}
		e := corpus.Entity{ID: corpus.EntityID(Slug(ftm.ID)), Kind: kind, Title: ftm.Caption}
		for _, property := range []string{"name", "alias", "previousName", "weakAlias"} {
			e.Names = append(e.Names, ftm.Properties[property]...)
		}
		if e.Title == "" && len(e.Names) > 0 {
			e.Title = e.Names[0]
		}
		if s := ftm.Properties["summary"]; len(s) > 0 {
			e.Description = s[0]
		}
		list.add(n, e)
	}
	if err := lines.Err(); err != nil {
		return list.entities, fmt.Errorf("read entities: line %d: %w", n+1, err)
	}
	return list.result()
}

// list collects entities, and what was wrong with others.
type list struct {
	entities []corpus.Entity
	seen     map[corpus.EntityID]bool
	errs     []error
}

func (l *list) refuse(line int, err error) {
	if len(l.errs) < 20 { // the first few tell what is wrong with the rest
		l.errs = append(l.errs, fmt.Errorf("line %d: %w", line, err))
	}
}

func (l *list) add(line int, e corpus.Entity) {
	if e.ID == "" {
		e.ID = corpus.EntityID(Slug(e.Title))
	}
	if e.Kind == "" {
		e.Kind = Person
	}
	var names []string
	for _, name := range append([]string{e.Title}, e.Names...) {
		if name = plain(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	e.Names = names
	switch {
	case Query(e) == "":
		l.refuse(line, errors.New("it has no name"))
	case corpus.CheckSlug(string(e.ID)) != nil:
		l.refuse(line, fmt.Errorf("id: %w", corpus.CheckSlug(string(e.ID))))
	case !slices.Contains([]string{Person, Organization, Place}, e.Kind):
		l.refuse(line, fmt.Errorf("kind %q: want person, organization or place", e.Kind))
	case l.seen[e.ID]:
		l.refuse(line, fmt.Errorf("id %q is there already", e.ID))
	default:
		if l.seen == nil {
			l.seen = map[corpus.EntityID]bool{}
		}
		l.seen[e.ID] = true
		l.entities = append(l.entities, e)
	}
}

func (l *list) result() ([]corpus.Entity, error) {
	if len(l.errs) == 0 {
		return l.entities, nil
	}
	return l.entities, fmt.Errorf("read entities: %w", errors.Join(append(l.errs, fault.Invalid)...))
}
