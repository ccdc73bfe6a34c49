package httpkit

import "strings"

// noun is the form of a noun that goes with a number in a language. A message for the
// plural holds all forms of its language, apart by bars, in the order of CLDR: in
// Russian one, few and many; in Arabic zero, one, two, few, many and other; else one
// and other. {{noun .N "file" "files"}} stands after the number.
func (s *Site) noun(lang string, n int, one, other string) string {
	forms := []string{one, other}
	if m := s.Messages[lang][other]; m != "" {
		forms = strings.Split(m, "|")
	}
	return forms[min(pluralForm(lang, n), len(forms)-1)]
}

// PluralForms is how many forms a noun has after a number.
func PluralForms(lang string) int { return pluralForm(lang, 100) + 1 }

// pluralForm is which of them goes with a number of CLDR 48; the last for 100.
func pluralForm(lang string, n int) int {
	tens, ones := n%100, n%10
	switch {
	case lang == "ar":
		switch {
		case n <= 2:
			return n
		case 3 <= tens && tens <= 10:
			return 3
		case tens >= 11:
			return 4
		}
		return 5
	case lang == "ru":
		switch {
		case ones == 1 && tens != 11:
			return 0
		case 2 <= ones && ones <= 4 && (tens < 12 || tens > 14):
			return 1
		}
		return 2
	case n == 1:
		return 0
	}
	return 1
}
