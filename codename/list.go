package codename

import (
	"embed"
	"slices"
	"strings"
	"sync"
)

//go:embed lists/??.txt
var files embed.FS

// list is the words of one language. README.md says where each comes from. In every
// list no word begins another, as fold leaves them.
type list struct {
	id     string // names the list in checksums and keys: another list is another name
	lang   string
	words  []string          // as they are shown
	folded []string          // as they are looked up
	place  map[string]uint16 // by the folded word
}

// lists are all of them, in the order of their numbers in Load.
var lists = sync.OnceValue(func() []*list {
	all := []*list{
		{id: "eff-large-7772", lang: "en"}, {id: "daylight-es-7500", lang: "es"}, {id: "daylight-fr-7500", lang: "fr"},
		{id: "daylight-ru-7500", lang: "ru"}, {id: "daylight-ar-7500", lang: "ar"}, {id: "dys2p-de-7776", lang: "de"},
	}
	for _, l := range all {
		text, err := files.ReadFile("lists/" + l.lang + ".txt")
		if err != nil {
			panic("codename: " + err.Error()) // it is embedded
		}
		l.place = map[string]uint16{}
		for w := range strings.FieldsSeq(string(text)) {
			if strings.Contains(w, "-") { // four of the EFF's
				continue
			}
			f := string(fold(nil, []byte(w)))
			l.place[f] = uint16(len(l.words))
			l.words, l.folded = append(l.words, w), append(l.folded, f)
		}
	}
	return all
})

// Languages are those that have a list.
func Languages() []string {
	var all []string
	for _, l := range lists() {
		all = append(all, l.lang)
	}
	return all
}

// in is the list of a language; that of English where there is none.
func in(lang string) *list {
	return lists()[max(0, slices.IndexFunc(lists(), func(l *list) bool { return l.lang == lang }))]
}
