package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/blevesearch/vellum"

	"daylight/text"
)

// stemmed are the languages with stems, by their number in this process. A number is
// in no file.
var stemmed = text.Stemmed()

// stemLanguage is the number of a main language, or noStems.
func stemLanguage(lang string) uint8 {
	lang, _, _ = strings.Cut(lang, "-")
	if i := slices.Index(stemmed, strings.ToLower(lang)); i >= 0 {
		return uint8(i)
	}
	return noStems
}

const noStems = 255

// stemmedForm is one form that stands in a document of a language.
type stemmedForm struct {
	lang       uint8
	stem, form string
}

// The dictionary of stems says which forms of a stem stand in documents of a
// language: FST of language, 0, stem → offset in the section of forms, where there is
// uvarint number, then for each form uvarint how much of it is the beginning of the
// stem, uvarint length of the rest, and the rest. A form that is its own stem, and the
// only one, is left out: who looks for a stem looks for that form too.
func writeStems(w *fileWriter, forms []stemmedForm) error {
	slices.SortFunc(forms, func(a, b stemmedForm) int {
		if a.lang != b.lang {
			return strings.Compare(stemmed[a.lang], stemmed[b.lang])
		}
		if c := strings.Compare(a.stem, b.stem); c != 0 {
			return c
		}
		return strings.Compare(a.form, b.form)
	})
	forms = slices.Compact(forms)
	var fst bytes.Buffer
	builder, err := vellum.New(&fst, nil)
	if err != nil {
		return fmt.Errorf("stems: %w", err)
	}
	var lists []byte
	for len(forms) > 0 {
		n := 1
		for n < len(forms) && forms[n].lang == forms[0].lang && forms[n].stem == forms[0].stem {
			n++
		}
		group := forms[:n]
		forms = forms[n:]
		if n == 1 && group[0].form == group[0].stem {
			continue
		}
		if err := builder.Insert(stemKey(group[0].lang, group[0].stem), uint64(len(lists))); err != nil {
			return fmt.Errorf("stems: %w", err)
		}
		lists = binary.AppendUvarint(lists, uint64(n))
		for _, f := range group {
			same := 0
			for same < min(len(f.form), len(f.stem)) && f.form[same] == f.stem[same] {
				same++
			}
			lists = binary.AppendUvarint(lists, uint64(same))
			lists = binary.AppendUvarint(lists, uint64(len(f.form)-same))
			lists = append(lists, f.form[same:]...)
		}
	}
	if err := builder.Close(); err != nil {
		return fmt.Errorf("stems: %w", err)
	}
	w.section(sectionStems, fst.Bytes())
	w.section(sectionForms, lists)
	return nil
}

func stemKey(lang uint8, stem string) []byte {
	return append(append([]byte(stemmed[lang]), 0), stem...)
}

// readForms reads the forms of a stem at an offset.
func readForms(lists []byte, off uint64, stem string) []string {
	if off > uint64(len(lists)) {
		panic(damage{"forms"})
	}
	b := lists[off:]
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			panic(damage{"forms"})
		}
		b = b[n:]
		return v
	}
	n := next()
	if n > uint64(len(b)) {
		panic(damage{"forms"})
	}
	forms := make([]string, n)
	for i := range forms {
		same, size := next(), next()
		forms[i] = stem[:same] + string(b[:size])
		b = b[size:]
	}
	return forms
}
