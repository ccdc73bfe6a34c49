package web

import (
	"fmt"
	"net/http"

	"daylight/archive"
	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
)

// homePage is what a reader meets first.
type homePage struct {
	archive.Overview
	Answers     []archive.Answer
	Collections []archive.Collection
	Examples    []string
}

func (s *site) home(w http.ResponseWriter, r *http.Request) error {
	var page homePage
	var err error
	ctx := r.Context()
	if page.Overview, err = s.reader.Overview(ctx); err != nil {
		return err
	}
	if page.Answers, err = s.reader.Answers(ctx); err != nil {
		return err
	}
	if page.Collections, err = s.reader.Collections(ctx); err != nil {
		return err
	}
	if page.Examples, err = s.examples(r); err != nil {
		return err
	}
	s.Render(w, r, http.StatusOK, "home", page)
	return nil
}

// examples are queries that find something here: names, a second language, the
// e-mails of a body.
func (s *site) examples(r *http.Request) ([]string, error) {
	entities, err := s.reader.Entities(r.Context())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entities {
		if e.Files.N > 0 && len(all) < 2 && phrase(e.Names[0]) != "" {
			all = append(all, phrase(e.Names[0]))
		}
	}
	o, err := s.reader.Overview(r.Context())
	if len(o.ByLanguage) > 1 && o.ByLanguage[1].Value != search.Unknown {
		all = append(all, o.ByLanguage[1].Query)
	}
	if len(o.ByOrigin) > 0 && o.ByOrigin[0].Value != search.Unknown {
		all = append(all, "type:email "+o.ByOrigin[0].Query)
	}
	return all, err
}

// listed answers with a page that shows all of a kind.
func listed[V any](s *site, w http.ResponseWriter, r *http.Request, page string, all []V, err error) error {
	if err != nil {
		return err
	}
	s.Render(w, r, http.StatusOK, page, all)
	return nil
}

// shown answers with a page that shows one.
func shown[V any](s *site, w http.ResponseWriter, r *http.Request, page string, one V, err error) error {
	if err != nil {
		return err
	}
	s.Render(w, r, http.StatusOK, page, one)
	return nil
}

func (s *site) collections(w http.ResponseWriter, r *http.Request) error {
	all, err := s.reader.Collections(r.Context())
	return listed(s, w, r, "collections", all, err)
}

func (s *site) collection(w http.ResponseWriter, r *http.Request) error {
	one, err := s.reader.Collection(r.Context(), corpus.CollectionID(r.PathValue("id")))
	return shown(s, w, r, "collection", one, err)
}

func (s *site) entities(w http.ResponseWriter, r *http.Request) error {
	all, err := s.reader.Entities(r.Context())
	return listed(s, w, r, "entities", all, err)
}

func (s *site) entity(w http.ResponseWriter, r *http.Request) error {
	one, err := s.reader.Entity(r.Context(), corpus.EntityID(r.PathValue("id")))
	return shown(s, w, r, "entity", one, err)
}

func (s *site) topics(w http.ResponseWriter, r *http.Request) error {
	all, err := s.reader.Topics(r.Context())
	return listed(s, w, r, "topics", all, err)
}

func (s *site) topic(w http.ResponseWriter, r *http.Request) error {
	one, err := s.reader.Topic(r.Context(), corpus.TopicID(r.PathValue("id")))
	return shown(s, w, r, "topic", one, err)
}

func (s *site) origins(w http.ResponseWriter, r *http.Request) error {
	all, err := s.reader.Origins(r.Context())
	return listed(s, w, r, "origins", all, err)
}

func (s *site) origin(w http.ResponseWriter, r *http.Request) error {
	one, err := s.reader.Origin(r.Context(), corpus.OriginID(r.PathValue("id")))
	return shown(s, w, r, "origin", one, err)
}

func (s *site) answers(w http.ResponseWriter, r *http.Request) error {
	all, err := s.reader.Answers(r.Context())
	return listed(s, w, r, "answers", all, err)
}

func (s *site) answer(w http.ResponseWriter, r *http.Request) error {
	one, err := s.reader.Answer(r.Context(), corpus.AnswerID(r.PathValue("id")))
	return shown(s, w, r, "answer", one, err)
}

func (s *site) log(w http.ResponseWriter, r *http.Request) error {
	log, err := s.reader.Log(r.Context())
	return shown(s, w, r, "log", log, err)
}

// checkpoint is the signed state of the log, for programs and for comparing.
func (s *site) checkpoint(w http.ResponseWriter, r *http.Request) error {
	log, err := s.reader.Log(r.Context())
	if err != nil {
		return err
	}
	if len(log.Checkpoint) == 0 {
		return fmt.Errorf("checkpoint: %w", fault.NotFound)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(log.Checkpoint)
	return nil
}

// text is a page without data of the archive.
func (s *site) text(name string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		status, err := s.reader.Status(r.Context())
		return shown(s, w, r, name, struct {
			archive.Status
			Options
		}{status, s.o}, err)
	}
}

func (s *site) nothing(http.ResponseWriter, *http.Request) error {
	return fmt.Errorf("address: %w", fault.NotFound)
}
