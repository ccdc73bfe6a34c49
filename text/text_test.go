package text_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"daylight/text"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"ascii", "Port Authority", "port authority"},
		{"marks", "Élodie Çelik, Łódź, Ångström", "elodie celik, lodz, angstrom"},
		{"marks apart from their letter", "E\u0301lodie", "elodie"},
		{"german", "Straße STRASSE ẞ", "strasse strasse ss"},
		{"nordic", "Ærø, Øresund, Þór, Đà", "aero, oresund, thor, da"},
		{"turkish", "İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"},
		{"greek", "ΟΔΥΣΣΕΎΣ οδυσσεύς", "οδυσσευσ οδυσσευσ"},
		{"russian", "Ёлка, Йод, моро́з", "елка, йод, мороз"},
		{"russian, breve apart", "Ио\u0438\u0306", "иой"},
		{"ukrainian", "Їжак Ґанок", "їжак ґанок"},
		{"arabic alef", "أحمد إلى آخر ٱلكتاب", "احمد الي اخر الكتاب"},
		{"arabic marks", "مُحَمَّدٌ مـــحمد", "محمد محمد"},
		{"arabic ta marbuta", "وزارة", "وزاره"},
		{"arabic hamza on its seat", "مسؤول رئيس", "مسؤول رئيس"},
		{"persian", "یک کتاب", "يك كتاب"},
		{"persian joiner", "می\u200cخواهم", "ميخواهم"},
		{"arabic ligature", "ﻻ", "لا"},
		{"digits", "٢٠١١ ۲۰۱۱ २०११ ２０１１", "2011 2011 2011 2011"},
		{"ligatures and width", "ﬁle ＡＢＣ x²", "file abc x2"},
		{"hangul", "한국 \u1112\u1161\u11ab", "한국 한"},
		{"kana keep their voice", "ガ ｶﾞ か が", "ガ ガ か が"},
		{"hindi keeps its vowels", "हिन्दी", "हिन्दी"},
		{"hebrew", "שָׁלוֹם", "שלום"},
		{"invisible", "sur\u00adveil\u200blance\ufeff", "surveillance"},
		{"boundaries stay", "5½ Acme™ ﷺ", "5½ acme™ ﷺ"},
		{"no UTF-8", "a\xffb", "a\ufffdb"},
	} {
		if got := text.Fold(c.in); got != c.want {
			t.Errorf("%s: Fold(%q) = %q; want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"nothing but signs", " — … \u200d\n", ""},
		{"address", "Anna.B@mail.example", "anna b mail example"},
		{"hyphen", "wire-tap", "wire tap"},
		{"file name", "report_2011.pdf", "report 2011 pdf"},
		{"apostrophes", "minister's l’homme O'Brien мʼята", "minister s l homme o brien м ята"},
		{"han", "東京2011年", "東 京 2011 年"},
		{"kana", "カーデガｶﾞ", "カ ー デ ガ ガ"},
		{"thai", "ไทย ที่", "ไ ท ย ที่"},
		{"hangul", "한국 사람", "한국 사람"},
		{"latin beside han", "A社B", "a 社 b"},
		{"cyrillic beside latin", "файл-А.docx", "файл а docx"},
		{"marks at the end", "cafe\u0301 x", "cafe x"},
		{"mark at the start", "\u0301x", "x"},
		{"dashes", "— a — б —", "a б"},
		{"no UTF-8", "a\xffb\xc3", "a b"},
		{"emoji", "ok👍ok", "ok ok"},
		{"beyond the basic plane", "𝐀𝐛 𠀀𠀁", "ab 𠀀 𠀁"},
		{"long", strings.Repeat("Ab", 40) + " x", strings.Repeat("ab", 32) + " x"},
		{"long, cut at a character", "a" + strings.Repeat("я", 40), "a" + strings.Repeat("я", 31)},
	} {
		if got := strings.Join(text.Forms(c.in), " "); got != c.want {
			t.Errorf("%s: Forms(%q) = %q; want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestTokensKeepWhatIsWritten(t *testing.T) {
	s := "Ёж и Cafe\u0301: مُحَمَّد, x."
	var got []string
	for k := range text.Tokens(s) {
		got = append(got, s[k.Start:k.End])
	}
	want := []string{"Ёж", "и", "Cafe\u0301", "مُحَمَّد", "x"}
	if !slices.Equal(got, want) {
		t.Errorf("tokens are written %q; want %q", got, want)
	}
}

func TestTokensStop(t *testing.T) {
	n := 0
	for range text.Tokens("one два three") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d tokens seen; want 2", n)
	}
}

// pieces are the characters that do unlike things to words.
var pieces = []string{
	"a", "Z", "9", " ", "\n", "-", "'", "’", "_", ".", "\u00ad", "\u0301", "\u0308", "\u0306", "é", "ß", "ẞ", "İ", "ı", "ø",
	"и", "Й", "ё", "ї", "أ", "ة", "ی", "ـ", "\u064b", "\u0654", "ﷺ", "ﻻ", "٣", "½", "™", "²", "①", "Ⅳ", "ﬁ", "Ａ", "東", "か", "ガ", "ｶ", "ﾞ", "ﾟ",
	"\u3099", "ー", "ｰ", "ไ", "ที่", "ำ", "한", "\u1112", "\u1161", "\u11ab", "ㅎ", "क", "ि", "़", "ड़", "த", "ா", "𝐀", "𠀀", "👍", "\u200d",
	"\u200e", "\ufeff", "\xff", "\xd0", "\ufffd", "ʼ", "ŉ", "ǆ", "\u0338", "=", "ゟ", "㈱", "Σ", "ς", "\u0345", "ᾳ", "\u0f71", "\u0f72", "ꙮ", "\u1e0a\u0323",
}

func anyText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom(pieces),
		rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }),
	), 0, 24).Draw(t, "pieces"), "")
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkText(t, anyText(t)) })
}

// checkText checks what is promised of any text.
func checkText(t interface {
	Helper()
	Errorf(string, ...any)
}, s string) {
	t.Helper()
	folded := text.Fold(s)
	if again := text.Fold(folded); again != folded {
		t.Errorf("Fold(%+q) = %+q, folded again %+q", s, folded, again)
	}
	if !utf8.ValidString(folded) {
		t.Errorf("Fold(%+q) = %+q is no UTF-8", s, folded)
	}
	end := 0
	for k := range text.Tokens(s) {
		if k.Start < end || k.End <= k.Start || k.End > len(s) {
			t.Errorf("token %d to %d of %+q; the one before ends at %d", k.Start, k.End, s, end)
			return
		}
		end = k.End
		if k.Form == "" || len(k.Form) > text.MaxForm {
			t.Errorf("form %+q of %d bytes in %+q", k.Form, len(k.Form), s)
		}
		if f := text.Cut(text.Fold(s[k.Start:k.End]), text.MaxForm); f != k.Form {
			t.Errorf("form %+q of token %+q in %+q; folded it is %+q", k.Form, s[k.Start:k.End], s, f)
		}
	}
	if a, b := text.Forms(s), text.Forms(folded); !slices.Equal(a, b) {
		t.Errorf("forms of %+q are %+q, of the folded text %+q", s, a, b)
	}
}

func FuzzTokens(f *testing.F) {
	for _, p := range pieces {
		f.Add("x" + p + "y" + p)
	}
	f.Fuzz(func(t *testing.T, s string) { checkText(t, s) })
}

func TestEveryCharacter(t *testing.T) {
	// In the great ranges one character is as another; their ends are enough.
	great := [][2]rune{{0x3400, 0x4DBF}, {0x4E00, 0x9FFC}, {0xAC00, 0xD7A3}, {0xD800, 0xDFFF}, {0xE000, 0xF8FF}, {0x20000, 0xE0000}, {0xE1000, utf8.MaxRune}}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if len(great) > 0 && r == great[0][0]+2 {
			r = great[0][1] - 1
			great = great[1:]
		}
		for _, s := range []string{"a" + string(r) + "b", "東" + string(r)} {
			checkText(t, s)
		}
	}
}
