// Package sample is a fictional leak, made by the project itself: the Lantern
// papers. A ministry in the republic of Zarhan buys cameras for a harbour and gets
// ears with them; a tender is bent, engineers object, an export office looks away.
// Country, companies, people and every word are invented; all addresses are under
// .example (RFC 2606). It is what `daylight try` shows and what tests read, since
// no real leak is shipped with the program.
//
// What a character writes stands in letters/ (one file a thread), the small change
// of their days in routine/, their documents in papers/, and what the desk publishes
// about it in site/. The code only turns them into what a newsroom would be handed:
// e-mail as mail programs write it, one mbox, office files, zips, a duplicate, two
// damaged files.
//
// The same size gives the same bytes, on every machine and with every version of
// Go: nothing is compressed, no time is read, random choice is our own.
package sample

import (
	"iter"
	"path"
	"slices"
)

// Size says how much is made. The letters of the story are always there; Routine
// is how many messages of everyday business lie around them.
type Size struct{ Routine int }

// Small makes about 300 e-mails.
var Small = Size{Routine: 200}

// Files gives all that is handed in at the size Small: path, with "/" between
// folders, and bytes. The order is that of the paths.
func Files() iter.Seq2[string, []byte] { return Generate(Small) }

// Generate is Files at any size.
func Generate(size Size) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		files := standing()
		for _, m := range mails(size) {
			files.mail(m)
		}
		for _, name := range files.paths() {
			if !yield(name, files.bytes(name)) {
				return
			}
		}
	}
}

// Story gives the three files that the source of the story sends: an e-mail with
// an attachment, a PDF in Russian, and a zip. They are not among Files.
func Story() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, f := range storyFiles() {
			if !yield(f.name, f.body) {
				return
			}
		}
	}
}

// file is one file with its path.
type file struct {
	name string
	body []byte
}

// fileSet collects files; letters to an mbox grow it.
type fileSet struct {
	byName map[string][]byte
}

func (s *fileSet) put(name string, body []byte) {
	if _, taken := s.byName[name]; taken {
		panic("sample: two files are called " + name) // a mistake in our own letters; the tests make them all
	}
	s.byName[name] = body
}

func (s *fileSet) paths() []string {
	var names []string
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *fileSet) bytes(name string) []byte { return s.byName[name] }

// mail files a message where its writer's body keeps it: the Verkhnemorsk office in
// one mbox, all others a file a message, in a folder for each year.
func (s *fileSet) mail(m *mail) {
	for _, keeper := range m.keepers() {
		if keeper == "uzel" {
			s.byName[mboxPath] = append(s.byName[mboxPath], m.mbox()...)
			continue
		}
		s.put(path.Join(keeper, m.date.Format("2006"), m.id+".eml"), m.eml(keeper))
	}
}

const mboxPath = "uzel/Архив 2009-2014.mbox"
