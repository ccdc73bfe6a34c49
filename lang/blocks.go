package lang

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"daylight/text"
)

const (
	wholeText = 32 << 10 // bytes up to which all of a text is read
	windows   = 8        // samples of a longer one
	maxBlock  = 1 << 10  // bytes of a block; more does not change the answer
	minBlock  = 160      // bytes below which paragraphs are joined
	minText   = 2        // letters of a text that is in a language at all
	maxWord   = 48       // bytes of a word with spaces around it; longer ones are data
)

// block is a stretch of text that is taken to be in one language.
type block struct {
	text    string // its words, apart by a space
	count   [scripts]float64
	letters float64 // how much text that is; a Han character counts for two
}

// blocks cuts a text where a paragraph ends and where the script changes from one
// line to the next; short paragraphs of one script are joined. Of a long text it
// cuts samples.
func blocks(s string) iter.Seq[block] {
	return func(yield func(block) bool) {
		for sample := range samples(s) {
			var b builder
			for line := range strings.Lines(sample) {
				for part := range pieces(line) {
					if b.parts(part) && !b.flush(yield) {
						return
					}
					b.add(part)
				}
			}
			if !b.flush(yield) {
				return
			}
		}
	}
}

// samples gives s, or windows of a long one at equal distances.
func samples(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(s) <= wholeText {
			yield(s)
			return
		}
		const size = wholeText / windows
		for i := range windows {
			at := (len(s) - size) / (windows - 1) * i
			window := s[at:]
			for len(window) > 0 && !utf8.RuneStart(window[0]) {
				window = window[1:]
			}
			if !yield(text.Cut(window, size)) {
				return
			}
		}
	}
}

// pieces gives a line, cut at a space where it is longer than a block.
func pieces(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(line) > maxBlock {
			cut := text.Cut(line, maxBlock)
			if i := strings.LastIndexAny(cut, " \t"); i > 0 {
				cut = cut[:i]
			}
			if !yield(cut) {
				return
			}
			line = line[len(cut):]
		}
		yield(line)
	}
}

// builder collects the words of a block.
type builder struct {
	words    strings.Builder
	count    [scripts]float64 // letters
	capitals float64
	closed   bool // an empty line came after the last word
}

// parts reports whether a new block begins with this line.
func (b *builder) parts(line string) bool {
	if strings.TrimSpace(line) == "" {
		b.closed = true
		return false
	}
	size := b.words.Len()
	if size == 0 {
		return false
	}
	if size+len(line) > maxBlock || b.closed && size >= minBlock {
		return true
	}
	var count [scripts]float64
	for _, r := range line {
		count[scriptOf(r)]++
	}
	script := most(count)
	return script != none && script != most(b.count)
}

// add takes in the words of a line that are language, without marks of quotation.
func (b *builder) add(line string) {
	written := strings.TrimLeft(line, "> \t")
	weight := 1.0
	if strings.HasPrefix(strings.TrimLeft(line, " \t"), ">") {
		weight = 0.5 // what an e-mail answers to says less of its language than the answer
	}
	for word := range strings.FieldsSeq(written) {
		var count [scripts]float64
		digits, capitals := false, 0.0
		for _, r := range word {
			count[scriptOf(r)]++
			if unicode.IsUpper(r) {
				capitals++
			}
			digits = digits || unicode.IsDigit(r)
		}
		script := most(count)
		spaced := script != han && script != kana
		if script == none || spaced && (digits || len(word) > maxWord || strings.ContainsAny(word, "@/\\_")) {
			continue
		}
		for s := range count {
			if s != none {
				b.count[s] += weight * count[s]
			}
		}
		b.capitals += weight * capitals
		b.words.WriteString(word)
		b.words.WriteByte(' ')
		b.closed = false
	}
}

func (b *builder) flush(yield func(block) bool) bool {
	done := block{text: b.words.String(), count: b.count}
	for s, n := range b.count {
		if s == han {
			n *= 2
		}
		done.letters += n
	}
	// The model has hardly seen capitals.
	if b.capitals > done.letters/2 {
		done.text = strings.ToLower(done.text)
	}
	*b = builder{}
	return done.letters < minText || yield(done)
}

// The scripts that are told apart; the model does the rest.
const (
	none = iota
	latin
	cyrillic
	arabic
	han
	kana
	other
	scripts
)

func scriptOf(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return latin
		}
		return none
	case !unicode.IsLetter(r):
		return none
	case r < 0x250, 0x1E00 <= r && r < 0x1F00:
		return latin
	case 0x400 <= r && r < 0x530:
		return cyrillic
	case 0x600 <= r && r < 0x780, 0xFB50 <= r && r < 0xFEFF:
		return arabic
	case 0x3040 <= r && r < 0x3100, 0x31F0 <= r && r < 0x3200, 0xFF66 <= r && r < 0xFFA0:
		return kana
	case 0x3400 <= r && r < 0xA000, 0xF900 <= r && r < 0xFB00, 0x20000 <= r && r < 0x32000:
		return han
	}
	return other
}

// most returns the script of most letters, or none.
func most(count [scripts]float64) int {
	best := none
	for s := latin; s < scripts; s++ {
		if count[s] > 0 && (best == none || count[s] > count[best]) {
			best = s
		}
	}
	return best
}
