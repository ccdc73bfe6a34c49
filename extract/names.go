package extract

import (
	"strings"
	"unicode/utf8"

	"daylight/internal/charset"
)

// decodeNames turns file names of an archive into UTF-8. They come without a
// charset; zip's own is IBM 437, and what programs wrote is the charset of the
// computer: 866 in Russia, GBK in China.
func decodeNames(names []string) []string {
	out := make([]string, len(names))
	var all []string
	for i, name := range names {
		out[i] = name
		if !utf8.ValidString(name) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return out
	}
	label := charset.Guess([]byte(strings.Join(all, "\n")))
	if label == "windows-1252" { // the guess of no idea; in an archive that is IBM 437
		label = "ibm437"
	}
	for i, name := range out {
		if !utf8.ValidString(name) {
			out[i] = charset.As([]byte(name), label)
		}
	}
	return out
}
