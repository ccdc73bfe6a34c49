package redact

import "strings"

// alike are letters that look like one of ours, by the form that text.Fold gives
// them: a reader sees the name, whatever alphabet it was typed in, and marked copies
// are made with them. Case is folded by then, so a letter whose capital looks like a
// Latin capital (В and B) counts as well. Unicode's own list (UTS 39) is far longer;
// these are the scripts that fonts draw the same.
var alike = strings.NewReplacer(
	// Cyrillic
	"а", "a", "в", "b", "е", "e", "к", "k", "м", "m", "н", "h", "о", "o", "р", "p", "с", "c", "т", "t", "у", "y",
	"х", "x", "і", "i", "ї", "i", "ј", "j", "ѕ", "s", "ԁ", "d", "ԛ", "q", "ԝ", "w", "һ", "h", "ӏ", "l", "ү", "y",
	// Greek
	"α", "a", "β", "b", "ε", "e", "ζ", "z", "η", "h", "ι", "i", "κ", "k", "μ", "m", "ν", "n", "ο", "o", "ρ", "p",
	"τ", "t", "υ", "y", "χ", "x", "ϲ", "c", "ϳ", "j", "σ", "c", "ς", "c",
	// Armenian
	"օ", "o", "ս", "u", "ո", "n", "հ", "h",
	// Latin letters of phonetics and small capitals
	"ɑ", "a", "ɡ", "g", "ᴀ", "a", "ʙ", "b", "ᴄ", "c", "ᴅ", "d", "ᴇ", "e", "ɢ", "g", "ʜ", "h", "ɪ", "i", "ᴊ", "j",
	"ᴋ", "k", "ʟ", "l", "ᴍ", "m", "ɴ", "n", "ᴏ", "o", "ᴘ", "p", "ʀ", "r", "ꜱ", "s", "ᴛ", "t", "ᴜ", "u", "ᴠ", "v",
	"ᴡ", "w", "ʏ", "y", "ᴢ", "z",
)

// look is how a folded word looks. Forms and texts are compared by it, so a name in
// Cyrillic is still itself.
func look(form string) string {
	for i := 0; i < len(form); i++ {
		if form[i] >= 0x80 {
			return alike.Replace(form)
		}
	}
	return form
}
