package entity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/entity"
	"daylight/fault"
)

func TestQuery(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"—", "  "}, ""},
		{[]string{"Samir Haddad"}, `"Samir Haddad"`},
		{[]string{"Samir Haddad", "SAMIR  HADDAD", "Самир Хаддад", "سمير حداد", "سَمير حدّاد"}, `"Samir Haddad" OR "Самир Хаддад" OR "سمير حداد"`},
		{[]string{`Samir "the Clerk" Haddad\`, "Haddad\nS."}, `"Samir the Clerk Haddad" OR "Haddad S."`},
	} {
		if got := entity.Query(corpus.Entity{Names: c.names}); got != c.want {
			t.Errorf("names %q: %s; want %s", c.names, got, c.want)
		}
	}
}

func TestOriginOf(t *testing.T) {
	origins := []corpus.Origin{
		{ID: "ministry", Domains: []string{"ministry.example"}, Folders: []string{"ministry"}},
		{ID: "press", Mailboxes: []string{"Press@ministry.example"}},
		{ID: "south", Domains: []string{"south.ministry.example"}, Folders: []string{"/ministry/south/"}},
		{ID: "late", Domains: []string{"ministry.example"}},
	}
	from := func(addrs ...string) *corpus.Message {
		m := &corpus.Message{}
		for _, a := range addrs {
			m.From = append(m.From, corpus.Address{Addr: a})
		}
		return m
	}
	for _, c := range []struct {
		m    *corpus.Message
		path string
		want corpus.OriginID
	}{
		{from("x@MINISTRY.example"), "", "ministry"},
		{from("x@mail.ministry.example"), "", "ministry"},
		{from("x@a.south.ministry.example"), "", "south"},
		{from("press@ministry.example"), "ministry/south/1.eml", "press"},
		{from("x@ministry.example", "press@ministry.example"), "", "press"},
		{from("x@otherministry.example"), "", ""},
		{from("x@elsewhere.example"), "ministry/1.eml", "ministry"},
		{from("malformed"), "ministry/south/b/1.eml", "south"},
		{nil, "ministry/2.pdf", "ministry"},
		{nil, "ministry-of-else/2.pdf", ""},
		{nil, "a/ministry/2.pdf", ""},
		{nil, "", ""},
		{from("@"), "/", ""},
	} {
		if got := entity.OriginOf(origins, c.m, c.path); got != c.want {
			t.Errorf("from %v at %q: %q; want %q", c.m, c.path, got, c.want)
		}
	}
}

func TestReadCSV(t *testing.T) {
	entities, err := entity.ReadCSV(strings.NewReader("\ufeffTitle,names,kind,id\n" +
		"Samir Haddad,Самир Хаддад|سمير حداد | Samir Haddad,,\n" +
		"Port Authority,,organization,port\n" +
		",—,,\n" +
		"Somebody,,robot,\n" +
		"Port,,place,port\n" +
		"Short\n"))
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("error %v; want fault.Invalid", err)
	}
	for _, want := range []string{"line 4: it has no name", "line 5: kind", "line 6: id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q in it", err, want)
		}
	}
	if len(entities) != 3 {
		t.Fatalf("%d entities; want 3: %v", len(entities), entities)
	}
	want := []string{"Samir Haddad", "Самир Хаддад", "سمير حداد"}
	if e := entities[0]; e.ID != "samir-haddad" || e.Kind != entity.Person || !slices.Equal(e.Names, want) {
		t.Errorf("%+v", e)
	}
	if e := entities[1]; e.ID != "port" || e.Kind != entity.Organization || e.Names[0] != "Port Authority" {
		t.Errorf("%+v", e)
	}
	if _, err := entity.ReadCSV(strings.NewReader("id,title\n")); !errors.Is(err, fault.Invalid) {
		t.Errorf("without names: %v", err)
	}
	if _, err := entity.ReadCSV(strings.NewReader("")); !errors.Is(err, fault.Invalid) {
		t.Errorf("nothing: %v", err)
	}
}

func TestReadFTM(t *testing.T) {
	entities, err := entity.ReadFTM(strings.NewReader(
		`{"id":"NK-aB.3","schema":"Person","caption":"Samir Haddad","properties":{"name":["Samir Haddad"],"alias":["سمير حداد"],"summary":["A minister."]}}` + "\n\n" +
			`{"id":"p1","schema":"Payment","properties":{"amount":["3"]}}` + "\n" +
			`{"id":` + "\n" +
			`{"id":"c1","schema":"Company","properties":{"name":["Lumen Grid"]}}` + "\n"))
	if err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("error %v; want one about line 4", err)
	}
	if len(entities) != 2 {
		t.Fatalf("%d entities; want 2", len(entities))
	}
	if e := entities[0]; e.ID != "nk-ab-3" || e.Kind != entity.Person || len(e.Names) != 2 || e.Description != "A minister." {
		t.Errorf("%+v", e)
	}
	if e := entities[1]; e.Title != "Lumen Grid" || e.Kind != entity.Organization {
		t.Errorf("%+v", e)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"Port Authority of Marrash": "port-authority-of-marrash", "Élodie": "elodie", "порт": "", "--": "",
		strings.Repeat("word ", 20): strings.Repeat("word-", 12) + "word",
	} {
		if got := entity.Slug(in); got != want {
			t.Errorf("Slug(%q) = %q; want %q", in, got, want)
		}
	}
}

// check holds whatever was read to what callers rely on.
func check(t *testing.T, entities []corpus.Entity) {
	for _, e := range entities {
		if corpus.CheckSlug(string(e.ID)) != nil || len(e.Names) == 0 || entity.Query(e) == "" || strings.Count(entity.Query(e), `"`)%2 != 0 {
			t.Errorf("%+v", e)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("title,names\nA,b|c\n")
	f.Add("title,names\n\"A,b|c\n\n\"x\"y,\n")
	f.Add("names,title\n,\n\"\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		entities, _ := entity.ReadCSV(strings.NewReader(s))
		check(t, entities)
	})
}

func FuzzReadFTM(f *testing.F) {
	f.Add(`{"id":"a","schema":"Person","properties":{"name":["A \" b"]}}`)
	f.Add(`{"id":"","schema":"Person","caption":"x","properties":{"name":null}}`)
	f.Add("[]\nnull\n3\n{}")
	f.Fuzz(func(t *testing.T, s string) {
		entities, _ := entity.ReadFTM(strings.NewReader(s))
		check(t, entities)
	})
}
