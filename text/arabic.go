package text

import "strings"

// stemArabic takes one prefix and the suffixes off a folded form: the light
// stemming of Larkey, Ballesteros and Connell (2007), which finds more of what
// people look for than root extraction does, and than Snowball's rules, which
// leave the commonest prefix of all, "and the", on the word.
//
// One thing is added. Light stemming takes a first و for "and", so that وزارة
// loses the letter and الوزارة keeps it, and the two no longer meet. Here it goes
// after the article as well.
func stemArabic(form string) string {
	for _, prefix := range []string{"وال", "بال", "كال", "فال", "ال", "لل"} {
		if rest, ok := strings.CutPrefix(form, prefix); ok && letters(rest) >= 2 {
			form = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(form, "و"); ok && letters(rest) >= 3 {
		form = rest
	}
	for _, suffix := range []string{"ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"} {
		if rest, ok := strings.CutSuffix(form, suffix); ok && letters(rest) >= 2 {
			form = rest
		}
	}
	return form
}

// letters is the number of letters of a form in Arabic, of two bytes each.
func letters(form string) int { return len(form) / 2 }
