package text

import (
	"maps"
	"slices"
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

// snowball has the languages but Arabic.
var snowball = map[string]func(*snowballstem.Env) bool{
	"da": danish.Stem, "de": german.Stem, "en": english.Stem, "es": spanish.Stem,
	"fi": finnish.Stem, "fr": french.Stem, "ga": irish.Stem, "hu": hungarian.Stem, "it": italian.Stem,
	"nb": norwegian.Stem, "nl": dutch.Stem, "nn": norwegian.Stem, "no": norwegian.Stem, "pt": portuguese.Stem,
	"ro": romanian.Stem, "ru": russian.Stem, "sv": swedish.Stem, "ta": tamil.Stem, "tr": turkish.Stem,
}

// suffixes gives back the marks by which Snowball knows the commonest suffixes:
// a folded form ends in -cion, and only -ción is one of its endings. A language's
// first suffix that fits is taken.
var suffixes = map[string][][2]string{
	"es": {{"cion", "ción"}, {"sion", "sión"}},
	"fr": {{"ees", "ées"}, {"ee", "ée"}},
	"it": {{"ita", "ità"}},
	"pt": {{"coes", "ções"}, {"soes", "sões"}, {"cao", "ção"}, {"sao", "são"}},
}

// Stem returns the stem of a form in a language (BCP 47; "ru-RU" is "ru"). A
// language without stems returns the form. Stems are Snowball's but for Arabic,
// and made of folded forms: of a suffix that is known by its marks only the
// commonest are found. A stem is no word; it is compared, never shown.
func Stem(lang, form string) string {
	lang = primary(lang)
	if lang == "ar" {
		return stemArabic(form)
	}
	stem, ok := snowball[lang]
	if !ok || form == "" {
		return form
	}
	env := snowballstem.NewEnv(marked(lang, form))
	stem(env)
	if s := env.Current(); s != "" {
		return s
	}
	return form
}

func marked(lang, form string) string {
	for _, s := range suffixes[lang] {
		if rest, ok := strings.CutSuffix(form, s[0]); ok {
			return rest + s[1]
		}
	}
	return form
}

// Stems reports whether Stem knows the language.
func Stems(lang string) bool {
	lang = primary(lang)
	return lang == "ar" || snowball[lang] != nil
}

// Stemmed gives the languages with stems, in order.
func Stemmed() []string {
	all := append(slices.Collect(maps.Keys(snowball)), "ar")
	slices.Sort(all)
	return all
}

func primary(lang string) string {
	lang, _, _ = strings.Cut(lang, "-")
	return strings.ToLower(lang)
}
