package text_test

import (
	"strings"
	"testing"

	"daylight/text"
)

const (
	english = "The Ministry asked for a demonstration on 14 March 2011, and our engineers, who had " +
		"not been told whose mailboxes these were, connected the probe at the Port Authority's exchange. " +
		"Please send the revised offer (see rev-3.pdf) to n.haddad@ministry.example before Thursday.\n"
	russian = "Министерство попросило показать систему 14 марта 2011 года, и наши инженеры, которым никто не " +
		"сказал, чьи это ящики, подключили зонд на узле портового управления. Пришлите новое предложение до четверга.\n"
	arabic = "طلبت الوزارة عرض النظام في ١٤ آذار ٢٠١١، وقام مهندسونا الذين لم يخبرهم أحد لمن هذه الصناديق بتوصيل " +
		"المسبار في مقسم هيئة الميناء. الرجاء إرسال العرض المعدل قبل يوم الخميس.\n"
	chinese = "该部要求在二〇一一年三月十四日演示系统，我们的工程师在港务局的交换机上连接了探针。\n"
)

func benchmarkTokens(b *testing.B, s string) {
	s = strings.Repeat(s, 1+(64<<10)/len(s))
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range text.Tokens(s) {
			n++
		}
	}
}

func BenchmarkTokensEnglish(b *testing.B) { benchmarkTokens(b, english) }
func BenchmarkTokensRussian(b *testing.B) { benchmarkTokens(b, russian) }
func BenchmarkTokensArabic(b *testing.B)  { benchmarkTokens(b, arabic) }
func BenchmarkTokensChinese(b *testing.B) { benchmarkTokens(b, chinese) }

func BenchmarkFold(b *testing.B) {
	s := strings.Repeat(english+russian+arabic, 64)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		text.Fold(s)
	}
}

func BenchmarkStem(b *testing.B) {
	forms := map[string][]string{"en": text.Forms(english), "ru": text.Forms(russian), "ar": text.Forms(arabic)}
	for lang, forms := range forms {
		b.Run(lang, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				text.Stem(lang, forms[i%len(forms)])
			}
		})
	}
}

// BenchmarkFirstUse is what the first character beyond ASCII costs a process: the
// table. It says something with -benchtime 1x only.
func BenchmarkFirstUse(b *testing.B) {
	for b.Loop() {
		text.Fold("я")
	}
}
