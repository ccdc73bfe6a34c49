package charset

import (
	"bytes"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// candidates are what a guess chooses from. Where two score the same the earlier
// one wins, so the commoner stands first.
var candidates = []string{
	"windows-1252", "windows-1251", "koi8-r", "iso-8859-5", "ibm866",
	"windows-1256", "iso-8859-6", "gb18030", "big5", "euc-kr", "shift_jis", "euc-jp",
	"windows-1250", "windows-1254", "windows-1253", "windows-1255", "windows-874",
}

// guess names the candidate as which the sample makes most sense, and how much.
func guess(sample []byte) (name string, best float64) {
	name, best = candidates[0], math.Inf(-1)
	// The ideographic space of the three EUC charsets is two bytes that are letters
	// elsewhere; it says nothing about which.
	spaces := len(sample)
	sample = bytes.ReplaceAll(sample, []byte("\xa1\xa1"), []byte(" "))
	if len(sample) < spaces && isASCII(sample) {
		return "gb18030", 0.5
	}
	alone := lonely(sample)
	for _, c := range candidates {
		if alone && !latin(c) {
			continue
		}
		s := score(decodeAs(sample, c)) + 0.4*common(sample, c)
		if s > best+0.001 {
			name, best = c, s
		}
	}
	return name, best
}

// common is the part of the pairs of bytes that stand in the rows where GB 2312,
// Big5 and KS X 1001 have the characters in common use. It is 0 for other charsets.
func common(sample []byte, name string) float64 {
	var low, high byte
	switch name {
	case "gb18030":
		low, high = 0xb0, 0xd7
	case "big5":
		low, high = 0xa4, 0xc6
	case "euc-kr":
		low, high = 0xb0, 0xc8
	default:
		return 0
	}
	pairs, in := 0, 0
	for i := 0; i+1 < len(sample); i++ {
		if lead := sample[i]; lead > 0x80 && lead < 0xff {
			i++
			// GB 2312 has high bytes only; what it extends is rare.
			if pairs++; lead >= low && lead <= high && (name == "big5" || sample[i] >= 0xa1) {
				in++
			}
		}
	}
	return float64(in) / float64(max(pairs, 1))
}

// lonely reports whether most bytes above ASCII stand by themselves, as marks and
// accents of Latin text do. Words in another script are made of nothing else.
func lonely(sample []byte) bool {
	var high, pairs int
	for i, c := range sample {
		if c >= utf8.RuneSelf {
			high++
			if i > 0 && sample[i-1] >= utf8.RuneSelf || i+1 < len(sample) && sample[i+1] >= utf8.RuneSelf {
				pairs++
			}
		}
	}
	return pairs*3 < high
}

// highWords returns up to 2 KiB of the words that have a byte above ASCII: the
// rest says nothing about the charset. It splits at spaces and controls only,
// because below them no charset has a second byte.
func highWords(b []byte) []byte {
	const enough = 2 << 10
	out := make([]byte, 0, enough)
	for i := 0; i < len(b) && len(out) < enough; {
		start, high := i, false
		for i < len(b) && b[i] > ' ' && i-start < 256 {
			high = high || b[i] >= utf8.RuneSelf
			i++
		}
		if high {
			out = append(append(out, b[start:i]...), ' ')
		}
		for i < len(b) && b[i] <= ' ' {
			i++
		}
	}
	return out
}

// Letters by how common they are where their script is used for mail: the first
// string of a pair weighs 1, the second 0.3. Whatever a table does not have
// weighs against the guess.
var letters = func() map[rune]float32 {
	weigh := map[rune]float32{}
	for _, t := range []struct {
		weight float32
		runes  string
	}{
		// Cyrillic: order of frequency in Russian; the rest of Russian; Ukrainian and Belarusian.
		{1, "оеаинтсрвл"}, {0.8, "кмдпу"}, {0.55, "яыьгзбчі"}, {0.3, "йхжшюцщэфёїєґ"}, {0.1, "ъў"},
		{0.75, "ОЕАИНТСРВЛ"}, {0.65, "КМДПУ"}, {0.4, "ЯГЗБЧЙХЖШЮЦЩЭФЫЬЁІЇЄҐ"}, {0, "Ъ"},
		// Arabic and Persian.
		{1, "اليمونرتب"}, {0.7, "عدسفهكقأحجة"}, {0.4, "خصشضذثطظغئءىآز"}, {0.25, "ؤإپچژگکی"}, {0, "ًٌٍَُِّْـ،؟؛"},
		// Greek, Hebrew.
		{1, "αοιετσνη"}, {0.7, "υρπκμλςάίόέήύώ"}, {0.5, "δωγθΑΟΙΕΤΣΝΗΥΡΠΚΜΛ"}, {0.3, "χφβξζψΔΩΓΘΧΦΒΞΖΨΆΈΉΊΌΎΏ"}, {0.1, "ϊϋΐΰ"},
		{0.8, "יוהלאתשרבמ"}, {0.55, "נכדחעקפטםן"}, {0.3, "גסזצךףץ"},
		// Thai: what half of a text is made of, the rest, what nobody writes any more.
		{0.65, "านรกเงมยวลอดทสตะปคหแจพชขใไ่้ัีิ"}, {0.5, "บถผภณซศษธโุู็ึืำ์"}, {0.2, "ฎฐญฏฒฬฮฉฟฝๆๅ๊๋ฯฆฌฑ"}, {-2, "ฃฅ"},
		// Latin with marks. Those of windows-1250 and 1254 weigh less than their twins of 1252.
		{0.8, "éèàêâçùûôîïëüöäßñóíáúãõåøæ"}, {0.6, "ÉÈÀÊÂÇÔÎÜÖÄÑÓÍÁÚÅØÆœòì"}, {0.4, "ÃÕÙÛËÏÒÌ"},
		{0.7, "ěščřžłąęśćżńůőűďťňğışİ"}, {0.4, "ŠČŘŽŁĄĘŚĆŻŃŹźŐŰĞŞĎŤŇĚĽľĺăţÞþðýÿÝÐ"},
		// Marks of print that text has in any of these.
		{0.5, "£€"}, {0.2, "«»“”„‘’–—…№§©®°·•、。，！？：；（）《》「」『』・ー\u00a0\u200c\u200e\u200f¿¡"},
		// Han, simplified and traditional: the characters that make up half of any text.
		{1, "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔谢请您吗网址邮箱欢迎"},
		{1, "這個們來為國說時會對過發後裡種經麼學當沒動還進樣開從實軍無與長機關點業將兩間問應戰頭體見產話給門兒東聲員論處義幾認條係氣題爾別變總電數報結務場計資許統區隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領傳師觀讓識候帶導爭運筆謝請您嗎網郵歡優費訂購買賣價錢"},
		{0.9, "のにはをたがでてとしれさいるなこもあまだすりかっらせそんよくきちえおうけつどわほめやばみげべずごぎむろへびぶ"},
		{0.7, "ンスルトーイアラリクシドッジテレタマロコカフオプサィムバグメナダエニチョハキセミウデキャパブ"},
		{1, "이다는에의가을고하한지를기도은사로자어서해리시나인그일대아니라부있과스정상전보제수원만들동여주성구면신장화세조안공게러소유우연간내마선경해것할합치미으비진회분되체위국무용문"},
	} {
		for _, r := range t.runes {
			if _, ok := weigh[r]; !ok {
				weigh[r] = t.weight
			}
		}
	}
	return weigh
}()

// score says how much decoded text looks like text: about 0.5 to 1 for words in a
// script that we know, below 0.3 for what came of a wrong charset. ASCII does not
// count, but what stands next to it does.
func score(s string) float64 {
	var sum float64
	var n, run, greek, accents int
	var prev rune = ' '
	for _, r := range s {
		if r < utf8.RuneSelf {
			if asciiLetter(r) && prev >= utf8.RuneSelf && unicode.IsLetter(prev) && !unicode.Is(unicode.Latin, prev) {
				sum -= 0.5
			}
			prev, run = r, 0
			continue
		}
		n++
		if r >= 'ά' && r <= 'ώ' {
			greek++
			if strings.ContainsRune("άέήίόύώ", r) {
				accents++
			}
		}
		sum += weight(r) + joint(prev, r, &run)
		prev = r
	}
	if n == 0 {
		return 0
	}
	if greek >= 6 && accents*30 < greek {
		sum -= 0.3 * float64(greek) // no word of Greek is without its accent
	}
	return sum / float64(n)
}

func weight(r rune) float64 {
	if w, ok := letters[r]; ok {
		return float64(w)
	}
	switch {
	case r == utf8.RuneError:
		return -6
	case r < 0xa0 || unicode.Is(unicode.Co, r):
		return -4
	case unicode.Is(unicode.Han, r):
		return -0.05
	case unicode.Is(unicode.Hangul, r):
		return 0.3
	case unicode.In(r, unicode.Hiragana, unicode.Katakana):
		if r >= 0xff00 {
			return -0.5 // half-width katakana: what Shift JIS makes of Cyrillic
		}
		return 0.3
	case r >= 0x2500 && r < 0x25a0: // box drawing: what KOI8 and IBM make of others
		return -1.5
	case unicode.IsLetter(r):
		return -0.4
	}
	return -0.2
}

// joint weighs a character by the one before it.
func joint(prev, r rune, run *int) float64 {
	latin := unicode.Is(unicode.Latin, r)
	if latin {
		*run++
	} else {
		*run = 0
	}
	switch {
	case latin && *run >= 3:
		return -1.5 // no language writes three marked letters in a row
	case unicode.IsUpper(r) && unicode.IsLower(prev):
		return -1.5 // KOI8 and windows-1251 have each other's letters in the other case
	case latin:
		return 0
	case strings.ContainsRune("ъыьЪЫЬ", r) && !unicode.IsLetter(prev), strings.ContainsRune("ъЪ", prev) && unicode.IsLetter(r) && !strings.ContainsRune("еёюяЕЁЮЯ", r):
		return -1.5 // no Russian word begins so, or goes on so
	case (r == 'й' || r == 'Й') && strings.ContainsRune("бвгджзклмнпрстфхцчшщБВГДЖЗКЛМНПРСТФХЦЧШЩ", prev):
		return -1
	case strings.ContainsRune("ךםןףץςةى", prev) && unicode.IsLetter(r):
		return -1 // a final form inside a word
	case asciiLetter(prev) && unicode.IsLetter(r) && !unicode.Is(unicode.Han, r):
		return -0.5
	case asciiLetter(prev) && !strings.ContainsRune("’“”–—…«»", r) && !unicode.IsLetter(r):
		return -0.5 // a sign inside a word
	case unicode.Is(unicode.Han, r) && unicode.Is(unicode.Hangul, prev), unicode.Is(unicode.Hangul, r) && unicode.Is(unicode.Han, prev):
		return -0.8
	}
	return 0
}

func asciiLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }
