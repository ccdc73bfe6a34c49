package codename_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"

	"daylight/codename"
	"daylight/fault"
)

// list is the committed file, read here on its own.
func list(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("eff_large.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestTheListIsTheEFFs(t *testing.T) {
	b, err := os.ReadFile("eff_large.txt")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != "6d557f0693958fb5e650b68b5bee585eb82cf4da32965505c789e924743bc522" {
		t.Errorf("another list: %s", got)
	}
	words := slices.DeleteFunc(list(t), func(w string) bool { return strings.Contains(w, "-") })
	if len(words) != 7772 {
		t.Errorf("%d words without a hyphen; want 7,772", len(words))
	}
	slices.Sort(words)
	for i := range words[1:] {
		// What parts words that were run together rests on this.
		if strings.HasPrefix(words[i+1], words[i]) {
			t.Errorf("%q begins %q", words[i], words[i+1])
		}
	}
}

func text(c *codename.Codename) string {
	b, _ := c.AppendText(nil)
	return string(b)
}

func TestAsPeopleTypeIt(t *testing.T) {
	for range 50 {
		want := text(codename.New())
		for name, typed := range map[string]string{
			"as shown":          want,
			"capitals":          strings.ToUpper(want),
			"spaces":            strings.ReplaceAll(want, "-", "  "),
			"lines":             " " + strings.ReplaceAll(want, "-", "\r\n") + "\n",
			"numbered":          "1. " + strings.ReplaceAll(want, "-", ", 2) "),
			"run together":      strings.ReplaceAll(want, "-", ""),
			"long hyphens":      strings.ReplaceAll(want, "-", "–"),
			"invisible":         "\ufeff\u200e" + want[:2] + "\u00ad" + want[2:],
			"a Turkish capital": strings.ReplaceAll(want, "i", "İ"),
		} {
			c, err := codename.Parse([]byte(typed))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if got := text(c); got != want {
				t.Errorf("%s: %s; want %s", name, got, want)
			}
		}
	}
}

// slip changes one letter of one word as hands do.
func slip(t *rapid.T, word string) string {
	i := rapid.IntRange(0, len(word)-1).Draw(t, "place")
	c := string(rapid.RuneFrom([]rune("abcdefghijklmnopqrstuvwxyzéж")).Draw(t, "letter"))
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return word[:i] + c + word[i+1:]
	case 1:
		return word[:i] + c + word[i:]
	case 2:
		return word[:i] + word[i+1:]
	}
	if i == 0 {
		i = 1
	}
	return word[:i-1] + word[i:i+1] + word[i-1:i] + word[i+1:]
}

// TestSlips holds Parse to its promise: a slip is put right, or the reading is
// refused; another codename comes of it only as rarely as the checksum lets it.
func TestSlips(t *testing.T) {
	var right, refused, wrong int
	rapid.Check(t, func(t *rapid.T) {
		want := text(codename.New())
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
	words := strings.Split(text(codename.New()), "-")
	without := func(change func([]string) []string) string { return strings.Join(change(slices.Clone(words)), " ") }
	for name, c := range map[string]struct {
		typed string
		want  codename.Error
	}{
		"nothing":          {"", codename.Error{Reason: codename.Count, Words: 0}},
		"seven words":      {without(func(w []string) []string { return w[1:] }), codename.Error{Reason: codename.Count, Words: 7}},
		"two unknown":      {without(func(w []string) []string { w[2], w[5] = "qqqqqq", "отчёт"; return w }), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{3, 6}}},
		"no ASCII letters": {strings.Repeat("ж ", 8), codename.Error{Reason: codename.NotAWord, Words: 8, Wrong: []int{1, 2, 3, 4, 5, 6, 7, 8}}},
		"another order":    {reversed(t), codename.Error{Reason: codename.Mismatch, Words: 8}},
	} {
		var got *codename.Error
		_, err := codename.Parse([]byte(c.typed))
		if !errors.As(err, &got) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		} else if got.Reason != c.want.Reason || got.Words != c.want.Words || !slices.Equal(got.Wrong, c.want.Wrong) {
			t.Errorf("%s: %+v; want %+v", name, *got, c.want)
		}
	}
	if _, err := codename.Parse(bytes.Repeat([]byte("abacus "), 1000)); err == nil {
		t.Error("seven thousand bytes were read as a codename")
	}
}

// reversed is a codename whose words stand in another order and fit no longer.
func reversed(t *testing.T) string {
	for {
		words := strings.Split(text(codename.New()), "-")
		slices.Reverse(words)
		if _, err := codename.Parse([]byte(strings.Join(words, " "))); err != nil {
			return strings.Join(words, " ")
		}
	}
}

func TestNothingPrintsTheWords(t *testing.T) {
	c, err := codename.Parse([]byte(pinned))
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ C codename.Codename }{*c}
	_, err = codename.Parse([]byte(pinned + " qqqqqq"))
	printed := fmt.Sprint(c, err) + fmt.Sprintf("%v %+v %#v %s %d %x", c, *c, holder, c, *c, holder)
	for _, secret := range []string{"abacus", "cone", "1234", "4d2", "qqqqqq"} { // 1234, or 4d2, is the place of "cone"
		if strings.Contains(printed, secret) {
			t.Errorf("%q stands in %q", secret, printed)
		}
	}
}

func TestInMemoryAndBack(t *testing.T) {
	c := codename.New()
	b, _ := c.AppendBinary(nil)
	again, err := codename.Load(b)
	if err != nil || text(again) != text(c) {
		t.Errorf("%v after loading", err)
	}
	b[15] ^= 1
	if _, err := codename.Load(b); !errors.Is(err, fault.Damaged) {
		t.Errorf("with another checksum: %v; want damage", err)
	}
}

// TestKeys computes the keys once more from the design's own words, and pins them:
// a change would lock out every source.
func TestKeys(t *testing.T) {
	c, err := codename.Parse([]byte(pinned))
	if err != nil {
		t.Fatal(err)
	}
	newsroom := []byte("newsroom 16 byte")
	password := append([]byte("eff-large-7772"), 0)
	words := slices.DeleteFunc(list(t), func(w string) bool { return strings.Contains(w, "-") })
	for _, w := range strings.Split(pinned, "-")[:7] {
		i := slices.Index(words, w)
		password = append(password, byte(i>>8), byte(i))
	}
	want := argon2.IDKey(password, newsroom, 3, 64<<10, 4, 32)
	seed := c.Seed(newsroom)
	if !bytes.Equal(seed[:], want) {
		t.Errorf("seed %x; want %x", *seed, want)
	}
	reply, mailbox := seed.Key(codename.LabelReply), seed.Key(codename.LabelMailbox)
	for name, got := range map[string][2]string{
		"reply":   {hex.EncodeToString(reply[:]), pinnedReply},
		"mailbox": {hex.EncodeToString(mailbox[:]), pinnedMailbox},
	} {
		if got[0] != got[1] {
			t.Errorf("%s %s; want %s", name, got[0], got[1])
		}
	}
	if other := c.Seed([]byte("another newsroom")); *other == *seed {
		t.Error("two newsrooms share a seed")
	}
	if other := codename.New().Seed(newsroom); *other == *seed {
		t.Error("two codenames share a seed")
	}
	seed.Wipe()
	if *seed != (codename.Seed{}) {
		t.Error("the seed is still there")
	}
}

const (
	pinned        = "abacus-abdomen-afterlife-cone-pedometer-zoom-idealize-untying"
	pinnedReply   = "4b3b93809e2448e20d2392b7e44e70f101f762f26c421d46207b5fb93f455fd9"
	pinnedMailbox = "57fdb6e8c5ded3ae1c0ff94913f1a7c74a012d62bc61d10d989e8e9fecc920ac"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(pinned))
	f.Add([]byte("Abacus abdomen"))
	f.Add([]byte("\xff\xfe-\u202e1 2 3 4 5 6 7 8"))
	f.Add(bytes.Repeat([]byte("a "), 8))
	f.Fuzz(func(t *testing.T, typed []byte) {
		before := bytes.Clone(typed)
		c, err := codename.Parse(typed)
		if !bytes.Equal(before, typed) {
			t.Fatal("what was typed has changed")
		}
		if err != nil {
			return
		}
		again, err := codename.Parse([]byte(text(c)))
		if err != nil || text(again) != text(c) {
			t.Fatalf("read back: %v", err)
		}
	})
}
