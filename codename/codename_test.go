package codename_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"daylight/codename"
	"daylight/fault"
)

// lists are the hashes that README.md names, and the names that keys are made of.
var lists = map[string]struct {
	id    string
	words int
	hash  string
}{
	"en": {"eff-large-7772", 7772, "6d557f0693958fb5e650b68b5bee585eb82cf4da32965505c789e924743bc522"},
	"es": {"daylight-es-7500", 7500, "6bdae92bfc77d59db5f8e8d7d3299a827cf5ee7abe4962ca78ccbfc743f0001a"},
	"fr": {"daylight-fr-7500", 7500, "04f5dc479031f318cb2f91239bf8dc72b21f168746843ec04cc0a4389a2b3601"},
	"ru": {"daylight-ru-7500", 7500, "028317bdf5a0e35c5f82ac5c48f92c5b1a701557987ccdfc3312da796ddb82ee"},
	"ar": {"daylight-ar-7500", 7500, "e60c583812dab9bb830a143b4261b2887a53030de56ff5b3c89819711d3dcbe4"},
	"de": {"dys2p-de-7776", 7776, "440fa02c65591328d6351435d3824c27b483a049f4eca0b13456d8c5090442e7"},
}

// list is a committed file, read here on its own.
func list(t testing.TB, lang string) []string {
	t.Helper()
	b, err := os.ReadFile("lists/" + lang + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Fields(string(b)), func(w string) bool { return strings.Contains(w, "-") })
}

// bare is a word without its marks, by other means than the package's.
func bare(word string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(word))
}

func TestTheListsAreTheseAndNoOthers(t *testing.T) {
	if got := codename.Languages(); len(got) != len(lists) || got[0] != "en" {
		t.Errorf("lists of %v", got)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range lists {
		b, err := os.ReadFile("lists/" + lang + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want.hash {
			t.Errorf("%s: another list: %s", lang, got)
		}
		if !bytes.Contains(readme, []byte(want.hash)) || !bytes.Contains(readme, []byte(want.id)) {
			t.Errorf("README.md does not name the list of %s", lang)
		}
		words := list(t, lang)
		if len(words) != want.words || float64(codename.Random)*math.Log2(float64(len(words))) < 90 {
			t.Errorf("%s: %d words; want %d, and 90 bits in a codename", lang, len(words), want.words)
		}
		for i, w := range words {
			words[i] = strings.NewReplacer("œ", "oe", "ة", "ه", "ى", "ي", "ء", "").Replace(bare(w))
		}
		slices.Sort(words)
		for i := range words[1:] {
			// What parts words that were run together rests on this, and no two are the same.
			if strings.HasPrefix(words[i+1], words[i]) {
				t.Errorf("%s: %q begins %q", lang, words[i], words[i+1])
			}
		}
	}
}

// TestOneSlipIsNoOtherWord: what the program chose in three of the lists. The place
// of a word with one slip can be named for certain there.
func TestOneSlipIsNoOtherWord(t *testing.T) {
	for _, lang := range []string{"es", "fr", "ru"} {
		gaps := map[string][]string{}
		for _, w := range list(t, lang) {
			w = strings.ReplaceAll(bare(w), "œ", "oe")
			r := []rune(w)
			gaps[w] = append(gaps[w], w)
			for i := range r {
				// One letter missing, or another in its place.
				for _, gap := range []string{string(r[:i]) + string(r[i+1:]), string(r[:i]) + "*" + string(r[i+1:])} {
					gaps[gap] = append(gaps[gap], w)
				}
				if i > 0 {
					r[i-1], r[i] = r[i], r[i-1]
					if s := string(r); s != w {
						gaps[s] = append(gaps[s], w+" swapped")
					}
					r[i-1], r[i] = r[i], r[i-1]
				}
			}
		}
		for _, w := range list(t, lang) {
			w = strings.ReplaceAll(bare(w), "œ", "oe")
			r := []rune(w)
			for _, near := range gaps[w] {
				if near != w {
					t.Errorf("%s: %s and %s", lang, w, near)
				}
			}
			for i := range r {
				for _, near := range gaps[string(r[:i])+"*"+string(r[i+1:])] {
					if near != w {
						t.Errorf("%s: %s and %s", lang, w, near)
					}
				}
			}
		}
	}
}

func text(c *codename.Codename) string {
	b, _ := c.AppendText(nil)
	return string(b)
}

func TestAsPeopleTypeIt(t *testing.T) {
	for _, lang := range slices.Repeat(codename.Languages(), 25) {
		want := text(codename.New(lang))
		for name, typed := range map[string]string{
			"as shown":          want,
			"capitals":          strings.ToUpper(want),
			"spaces":            strings.ReplaceAll(want, "-", "  "),
			"lines":             " " + strings.ReplaceAll(want, "-", "\r\n") + "\n",
			"numbered":          "1. " + strings.ReplaceAll(want, "-", ", 2) "),
			"run together":      strings.ReplaceAll(want, "-", ""),
			"long hyphens":      strings.ReplaceAll(want, "-", "–"),
			"invisible":         "\ufeff\u200e" + strings.NewReplacer("a", "a\u00ad", "о", "о\u00ad", "ا", "ا\u200c").Replace(want) + "\u200f",
			"a Turkish capital": strings.ReplaceAll(want, "i", "İ"),
			"marks apart":       norm.NFD.String(want),
			"without marks":     bare(want),
			"run together too":  strings.ReplaceAll(bare(want), "-", ""),
			"Arabic by ear":     strings.NewReplacer("ة", "ه", "ى", "ي", "أ", "ا", "إ", "ا", "ؤ", "و", "ك", "ک", "ي", "ی").Replace(want),
			"Arabic with marks": strings.NewReplacer("م", "مَـــ", "ل", "لُّ", "ا", "آ").Replace(want),
			"ё":                 strings.ReplaceAll(want, "е", "ё"),
			"œ":                 strings.ReplaceAll(want, "œ", "oe"),
		} {
			c, err := codename.Parse([]byte(typed))
			if err != nil {
				t.Errorf("%s: %s: %v", want, name, err)
			} else if got := text(c); got != want || c.Language() != lang {
				t.Errorf("%s: %s (%s); want %s (%s)", name, got, c.Language(), want, lang)
			}
		}
	}
}

// slip changes one letter of one word as hands do.
func slip(t *rapid.T, word string) string {
	w := []rune(word)
	i := rapid.IntRange(0, len(w)-1).Draw(t, "place")
	c := rapid.RuneFrom([]rune("abcdefghijklmnopqrstuvwxyzéжщаеиокнتبمنرسيوةؤ")).Draw(t, "letter")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		w[i] = c
	case 1:
		w = slices.Insert(w, i, c)
	case 2:
		w = slices.Delete(w, i, i+1)
	case 3:
		i = max(i, 1)
		w[i-1], w[i] = w[i], w[i-1]
	}
	return string(w)
}

// TestSlips holds Parse to its promise: a slip is put right, or the reading is
// refused; another codename comes of it only as rarely as the checksum lets it.
func TestSlips(t *testing.T) {
	for _, lang := range codename.Languages() {
		t.Run(lang, func(t *testing.T) { slips(t, lang) })
	}
}

func slips(t *testing.T, lang string) {
	var right, refused, wrong int
	rapid.Check(t, func(t *rapid.T) {
		want := text(codename.New(lang))
		words := strings.Split(want, "-")
		for range rapid.IntRange(1, 2).Draw(t, "slips") {
			i := rapid.IntRange(0, len(words)-1).Draw(t, "word")
			words[i] = slip(t, words[i])
		}
		c, err := codename.Parse([]byte(strings.Join(words, "-")))
		switch {
		case err != nil:
			refused++
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("kind of %v", err)
			}
		case text(c) == want:
			right++
		default:
			wrong++
		}
	})
	t.Logf("put right %d, refused %d, another codename %d", right, refused, wrong)
	if right == 0 || wrong > (right+refused)/20 {
		t.Errorf("put right %d, refused %d, another codename %d", right, refused, wrong)
	}
}

func TestWhatIsWrongIsNamedByPlace(t *testing.T) {
	for _, lang := range codename.Languages() {
		words := strings.Split(text(codename.New(lang)), "-")
		but := func(change func([]string) []string) string { return strings.Join(change(slices.Clone(words)), " ") }
		for name, c := range map[string]struct {
			typed string
			want  codename.Error
		}{
			"nothing":            {"", codename.Error{Reason: codename.Count, Words: 0}},
			"seven words":        {but(func(w []string) []string { return w[1:] }), codename.Error{Reason: codename.Count, Words: 7}},
			"nine words":         {but(func(w []string) []string { return append(w, w[0]) }), codename.Error{Reason: codename.Count, Words: 9}},
			"three unknown":      {but(func(w []string) []string { w[2], w[4], w[5] = "qqqqqq", "щщщщщ", "ظظظظظ"; return w }), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{3, 5, 6}}},
			"two unknown":        {but(func(w []string) []string { w[2], w[5] = "qqqqqq", "щщщщщ"; return w }), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{3, 6}}},
			"of no list":         {strings.Repeat("ჟ ", 8), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{1, 2, 3, 4, 5, 6, 7, 8}}},
			"another order":      {reversed(t, lang), codename.Error{Reason: codename.Mismatch, Words: 8}},
			"a word of no list":  {but(func(w []string) []string { w[7] = "qqqqqq"; return w }), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{8}}},
			"run together, less": {but(func(w []string) []string { return []string{strings.Join(w[:6], "")} }), codename.Error{Reason: codename.Count, Words: 6}},
		} {
			var got *codename.Error
			_, err := codename.Parse([]byte(c.typed))
			if !errors.As(err, &got) || !errors.Is(err, fault.Invalid) {
				t.Errorf("%s, %s: %v", lang, name, err)
			} else if got.Reason != c.want.Reason || got.Words != c.want.Words || !slices.Equal(got.Wrong, c.want.Wrong) {
				t.Errorf("%s, %s: %+v; want %+v", lang, name, *got, c.want)
			}
		}
	}
	if _, err := codename.Parse(bytes.Repeat([]byte("abacus "), 1000)); err == nil {
		t.Error("seven thousand bytes were read as a codename")
	}
}

// reversed is a codename whose words stand in another order and fit no longer.
func reversed(t *testing.T, lang string) string {
	for {
		words := strings.Split(text(codename.New(lang)), "-")
		slices.Reverse(words)
		if _, err := codename.Parse([]byte(strings.Join(words, " "))); err != nil {
			return strings.Join(words, " ")
		}
	}
}

func TestNothingPrintsTheWords(t *testing.T) {
	for lang, p := range pins {
		c, err := codename.Parse([]byte(p.words))
		if err != nil {
			t.Fatal(err)
		}
		holder := struct{ C codename.Codename }{*c}
		_, err = codename.Parse([]byte(p.words + " qqqqqq"))
		printed := fmt.Sprint(c, err) + fmt.Sprintf("%v %+v %#v %s %d %x", c, *c, holder, c, *c, holder)
		secrets := append(strings.Split(p.words, "-"), "qqqqqq", lists[lang].id)
		for _, w := range strings.Split(p.words, "-") {
			if i := slices.Index(list(t, lang), w); i > 999 { // its place
				secrets = append(secrets, fmt.Sprint(i), fmt.Sprintf("%x", i))
			}
		}
		for _, secret := range secrets {
			if strings.Contains(printed, secret) {
				t.Errorf("%q stands in %q", secret, printed)
			}
		}
	}
}

func TestInMemoryAndBack(t *testing.T) {
	for _, lang := range codename.Languages() {
		c := codename.New(lang)
		b, _ := c.AppendBinary(nil)
		again, err := codename.Load(b)
		if err != nil || text(again) != text(c) || again.Language() != lang || len(b) != codename.Size {
			t.Errorf("%v after loading", err)
		}
		for name, change := range map[string]func([]byte){
			"another checksum": func(b []byte) { b[codename.Size-1] ^= 1 },
			"another list":     func(b []byte) { b[0] = (b[0] + 1) % byte(len(lists)) },
			"no list":          func(b []byte) { b[0] = byte(len(lists)) },
		} {
			changed := bytes.Clone(b)
			change(changed)
			if c, err := codename.Load(changed); !errors.Is(err, fault.Damaged) && name != "another list" {
				t.Errorf("with %s: %v; want damage", name, err)
			} else if err == nil && text(c) == text(again) {
				t.Errorf("with %s: the same words", name)
			}
		}
	}
}

// TestOtherLanguagesGetTheEnglishList, and none is a list of nothing.
func TestOtherLanguagesGetTheEnglishList(t *testing.T) {
	for _, lang := range []string{"", "zz", "en"} {
		if got := codename.New(lang).Language(); got != "en" {
			t.Errorf("%q gets words in %s", lang, got)
		}
	}
}

// TestKeys computes the keys once more from the design's own words, and pins them:
// a change would lock out every source.
func TestKeys(t *testing.T) {
	newsroom := []byte("newsroom 16 byte")
	for lang, p := range pins {
		c, err := codename.Parse([]byte(p.words))
		if err != nil {
			t.Errorf("%s: %v", lang, err)
			continue
		}
		password := append([]byte(lists[lang].id), 0)
		for _, w := range strings.Split(p.words, "-")[:7] {
			i := slices.Index(list(t, lang), w)
			password = append(password, byte(i>>8), byte(i))
		}
		want := argon2.IDKey(password, newsroom, 3, 64<<10, 4, 32)
		seed := c.Seed(newsroom)
		if !bytes.Equal(seed[:], want) {
			t.Errorf("%s: seed %x; want %x", lang, *seed, want)
		}
		reply, mailbox := seed.Key(codename.LabelReply), codename.Mailbox(seed.Key(codename.LabelOpens))
		for name, got := range map[string][2]string{
			"reply":   {hex.EncodeToString(reply[:]), p.reply},
			"mailbox": {hex.EncodeToString(mailbox[:]), p.mailbox},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s %s; want %s", lang, name, got[0], got[1])
			}
		}
		if lang != "en" {
			continue
		}
		if other := c.Seed([]byte("another newsroom")); *other == *seed {
			t.Error("two newsrooms share a seed")
		}
		if other := codename.New("en").Seed(newsroom); *other == *seed {
			t.Error("two codenames share a seed")
		}
		seed.Wipe()
		if *seed != (codename.Seed{}) {
			t.Error("the seed is still there")
		}
	}
}

// TestTheSamePlacesInAnotherListAreOtherKeys: the first word of each, eight times.
func TestTheSamePlacesInAnotherListAreOtherKeys(t *testing.T) {
	seen := map[codename.Seed]string{}
	for i, lang := range codename.Languages() {
		b := make([]byte, codename.Size)
		b[0] = byte(i)
		for last := range lists[lang].words { // the checksum word
			b[codename.Size-2], b[codename.Size-1] = byte(last>>8), byte(last)
			if c, err := codename.Load(b); err == nil {
				seed := c.Seed([]byte("newsroom 16 byte"))
				if other := seen[*seed]; other != "" {
					t.Errorf("%s and %s share a seed", lang, other)
				}
				seen[*seed] = lang
			}
		}
	}
	if len(seen) != len(lists) {
		t.Errorf("%d seeds; want %d", len(seen), len(lists))
	}
}

// pins are a codename of each list and its keys at the newsroom of TestKeys.
var pins = map[string]struct{ words, reply, mailbox string }{
	"en": {"abacus-abdomen-afterlife-cone-pedometer-zoom-idealize-untying",
		"4b3b93809e2448e20d2392b7e44e70f101f762f26c421d46207b5fb93f455fd9", "3ef248dc9df2bb0e42c6f3b21395967f06e617836610abdc07c1f705ac3f9850"},
	"es": {"designio-pequeñez-malecón-aminorar-comodato-alocado-comida-sudor",
		"49017b29ac00b5bf2ef9464506c1a1ca183c1d0398bf0c7dc5eb8c372c162355", "ab176af8de2251259f6a14611c7cb77c844e3bfb0268cc3e524779d13e7068c1"},
	"fr": {"tordu-inutile-incarner-désert-cohérence-trias-faire-dormir",
		"40a9c93ecab9a8e87790308c76c145eab92894e510c531e28804128ed780ad37", "589cd3c009517c57216b6e0987ae6d61bb4b266bad46d21319a0d47b374f06f5"},
	"ru": {"проигрыш-затронуть-хулиган-политрук-облегчить-варвар-нагорье-здравый",
		"e61cbb89db70c6db45635466e627d2ceb10c190dadbb41dd86422a02f033dc74", "0d2c6c57e1a549f7b6626fbe5e183950ff919c8e9fd5633904d4b7db0400ca6f"},
	"ar": {"غربية-صدام-ذروة-خلايا-فخور-جادة-غمزة-طرقات",
		"48d80ba34b47e2f2ba25b6f15058bfa826ceb130d7ba115f39cb89e30b6618c8", "b42c53b683cc525107ccddf4c2f269a25759dfde9a587015a67b2de0be42468a"},
	"de": {"umgearbeitet-unzweifelhaft-bereden-futter-widmung-rufen-wucht-einsehen",
		"b4fc9b82cf44d1efee17582e6c8842d303f5bb47acd62cacdb1713e19537315a", "ebeb6bc29b56d33385081fcb7db806659c96cf934bbe0880e1c47adae71755f7"},
}

func FuzzParse(f *testing.F) {
	for _, p := range pins {
		f.Add([]byte(p.words))
		f.Add([]byte(strings.ReplaceAll(p.words, "-", "")))
	}
	f.Add([]byte("Abacus abdomen"))
	f.Add([]byte("\xff\xfe-\u202e1 2 3 4 5 6 7 8"))
	f.Add(bytes.Repeat([]byte("a "), 8))
	f.Add([]byte("ءءء ـــ ُُُ İ œæß"))
	f.Fuzz(func(t *testing.T, typed []byte) {
		before := bytes.Clone(typed)
		c, err := codename.Parse(typed)
		if !bytes.Equal(before, typed) {
			t.Fatal("what was typed has changed")
		}
		if err != nil {
			var e *codename.Error
			if !errors.As(err, &e) || e.Reason == codename.NotAWord && (len(e.Wrong) == 0 || e.Words != codename.Length) {
				t.Fatalf("error %+v", err)
			}
			return
		}
		again, err := codename.Parse([]byte(text(c)))
		if err != nil || text(again) != text(c) || again.Language() != c.Language() {
			t.Fatalf("read back: %v", err)
		}
	})
}
