package codename

import (
	"unicode"
	"unicode/utf8"
)

// fold appends the letters of a word as they are looked up: small, without accents
// and other marks, and without what the writers of a language leave out or mix up.
// Whether a letter comes with its mark or as two characters makes no difference. It
// makes no strings, which nobody can wipe.
func fold(b, word []byte) []byte {
	for len(word) > 0 {
		r, n := utf8.DecodeRune(word)
		word = word[n:]
		switch r = unicode.ToLower(r); r {
		case 'œ':
			b = append(b, 'o', 'e')
		case 'æ':
			b = append(b, 'a', 'e')
		case 'ß':
			b = append(b, 's', 's')
		case 'ء', 'ـ': // hamza by itself; a stroke that only makes words longer
		default:
			if r = plain(r); !unicode.Is(unicode.Mn, r) {
				b = utf8.AppendRune(b, r)
			}
		}
	}
	return b
}

// plain is a letter without its mark.
func plain(r rune) rune {
	switch r {
	case 'à', 'á', 'â', 'ã', 'ä', 'å':
		return 'a'
	case 'ç':
		return 'c'
	case 'è', 'é', 'ê', 'ë':
		return 'e'
	case 'ì', 'í', 'î', 'ï':
		return 'i'
	case 'ñ':
		return 'n'
	case 'ò', 'ó', 'ô', 'õ', 'ö':
		return 'o'
	case 'ù', 'ú', 'û', 'ü':
		return 'u'
	case 'ý', 'ÿ':
		return 'y'
	case 'ё':
		return 'е'
	case 'й': // the same letter with a mark, as some systems write it
		return 'и'
	case 'آ', 'أ', 'إ', 'ٱ':
		return 'ا'
	case 'ؤ':
		return 'و'
	case 'ئ', 'ى', 'ی': // the last is the Persian keyboard's
		return 'ي'
	case 'ة':
		return 'ه'
	case 'ک':
		return 'ك'
	}
	return r
}
