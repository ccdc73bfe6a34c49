package lang_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"daylight/lang"
)

const (
	english = "We were told that the port wanted cameras. Nobody said that it wanted the letters of the people who work there as well.\n"
	russian = "Нам сказали, что порту нужны камеры. Никто не говорил, что ему нужны ещё и письма тех, кто там работает.\n"
	arabic  = "قيل لنا إن الميناء يريد كاميرات. لم يقل أحد إنه يريد أيضا رسائل الذين يعملون هناك.\n"
	chinese = "有人告诉我们港口需要摄像头。没有人说它还想要那里工作的人的信件。\n"
	german  = "Man sagte uns, der Hafen wolle Kameras. Von den Briefen derer, die dort arbeiten, sprach niemand.\n"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"english", english, "en"},
		{"russian", russian, "ru"},
		{"arabic", arabic, "ar"},
		{"chinese", chinese, "zh"},
		{"german", german, "de"},
		{"one word of Han", "港口", "zh"},
		{"kana among Han", "港にカメラが必要です", "ja"},
		{"capitals", strings.ToUpper(russian), "ru"},
		{"subject", "Re: отчёт за третий квартал", "ru"},
		{"short Arabic", "السلام عليكم ورحمة الله", "ar"},
		{"addresses left out", "anna@mail.example https://www.mail.example/english/words/here\n" + russian, "ru"},
		{"nothing", "", ""},
		{"signs", "--- *** 2011-03-14 12:00 +7 (495)", ""},
		{"data", strings.Repeat("QmFzZSA2NCBpcyBubyBsYW5ndWFnZSwgYW5kIHNob3VsZCBub3QgYmUgdGFrZW4gZm9yIG9uZQ0K\n", 20), ""},
		{"no UTF-8", "\xff\xfe\x00", ""},
	} {
		if got := lang.Detect(c.text); got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func TestDetectAll(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"one", english + "\n" + english, []string{"en"}},
		{"a reply above what it answers", russian + "\n> " + english, []string{"ru", "en"}},
		{"two scripts without an empty line", russian + russian + english, []string{"ru", "en"}},
		{"one script, paragraphs", strings.Repeat(english, 4) + "\n" + strings.Repeat(german, 2), []string{"en", "de"}},
		{"a signature is no language", strings.Repeat(russian, 4) + "\nBest regards,\nAnna", []string{"ru"}},
		{"three", arabic + arabic + arabic + russian + russian + english, []string{"ar", "ru", "en"}},
		{"nothing", "12", nil},
	} {
		if got := lang.DetectAll(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func TestLongTextIsSampledFromEndToEnd(t *testing.T) {
	long := strings.Repeat(english+"\n", 300) + strings.Repeat(russian+"\n", 700)
	if got := lang.DetectAll(long); !slices.Equal(got, []string{"ru", "en"}) {
		t.Errorf("%q; want ru, en", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := lang.Detect(russian); got != "ru" {
					t.Errorf("%q; want ru", got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzDetect(f *testing.F) {
	for _, s := range []string{"", english, russian, arabic, chinese, "\xff", "> > >", "a\n\n\nb", strings.Repeat("я", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all := lang.DetectAll(s)
		for i, tag := range all {
			if tag == "" || !utf8.ValidString(tag) || slices.Contains(all[:i], tag) {
				t.Errorf("languages of %+q are %q", s, all)
			}
		}
	})
}

func benchmark(b *testing.B, text string, size int) {
	text = strings.Repeat(text+"\n", 1+size/len(text))[:size]
	lang.Detect(text)
	b.SetBytes(int64(size))
	for b.Loop() {
		lang.Detect(text)
	}
}

func BenchmarkEnglish2kB(b *testing.B) { benchmark(b, english, 2<<10) }
func BenchmarkRussian2kB(b *testing.B) { benchmark(b, russian, 2<<10) }
func BenchmarkLong10MB(b *testing.B)   { benchmark(b, english, 10<<20) }

func TestRightToLeft(t *testing.T) {
	for tag, want := range map[string]bool{"ar": true, "fa-IR": true, "he": true, "en": false, "ru": false, "": false} {
		if got := lang.RightToLeft(tag); got != want {
			t.Errorf("RightToLeft(%q) is %v", tag, got)
		}
	}
}
