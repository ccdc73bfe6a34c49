package charset_test

import (
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"daylight/internal/charset"
)

// sentences of a subject's length, with the charsets that their countries used.
var sentences = []struct {
	text string
	sets map[string]encoding.Encoding
}{
	{"Отчёт о встрече с подрядчиками", map[string]encoding.Encoding{
		"windows-1251": charmap.Windows1251, "koi8-r": charmap.KOI8R, "iso-8859-5": charmap.ISO8859_5, "ibm866": charmap.CodePage866}},
	{"ЗДЕСЬ ДЕЛАЮТСЯ ДЕНЬГИ", map[string]encoding.Encoding{"windows-1251": charmap.Windows1251, "koi8-r": charmap.KOI8R}},
	{"СРОЧНО: договор не подписан", map[string]encoding.Encoding{
		"windows-1251": charmap.Windows1251, "koi8-r": charmap.KOI8R}},
	{"تقرير عن اجتماع اللجنة المالية", map[string]encoding.Encoding{
		"windows-1256": charmap.Windows1256, "iso-8859-6": charmap.ISO8859_6}},
	{"Η συνάντηση της επιτροπής", map[string]encoding.Encoding{"windows-1253": charmap.Windows1253}},
	{"פגישה עם הוועדה ביום שני", map[string]encoding.Encoding{"windows-1255": charmap.Windows1255}},
	{"关于会议的报告和付款", map[string]encoding.Encoding{"gb18030": simplifiedchinese.GBK}},
	{"如果你是AB型血型，请看", map[string]encoding.Encoding{"gb18030": simplifiedchinese.GBK}},
	{"手机短信息包月卡和软件", map[string]encoding.Encoding{"gb18030": simplifiedchinese.GBK}},
	{"改善掉髮，預防禿頭的最佳選擇", map[string]encoding.Encoding{"big5": traditionalchinese.Big5}},
	{"รายงานการประชุมคณะกรรมการ", map[string]encoding.Encoding{"windows-874": charmap.Windows874}},
	{"關於會議的報告和付款", map[string]encoding.Encoding{"big5": traditionalchinese.Big5}},
	{"会議についての報告です", map[string]encoding.Encoding{"shift_jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "iso-2022-jp": japanese.ISO2022JP}},
	{"명품향수와 명품화장품", map[string]encoding.Encoding{"euc-kr": korean.EUCKR}},
	{"สำหรับคุณ", map[string]encoding.Encoding{"windows-874": charmap.Windows874}},
	{"　a space of two bytes", map[string]encoding.Encoding{"gb18030": simplifiedchinese.GBK}},
	{"회의에 대한 보고서입니다", map[string]encoding.Encoding{"euc-kr": korean.EUCKR}},
	{"Réunion du comité à l'été", map[string]encoding.Encoding{"windows-1252": charmap.Windows1252}},
	{"Übersicht über die Beschlüsse", map[string]encoding.Encoding{"windows-1252": charmap.Windows1252}},
	{"a bill of £1,200 – “paid”", map[string]encoding.Encoding{"windows-1252": charmap.Windows1252}},
	{"Şirketin ödemeleri için değişiklik", map[string]encoding.Encoding{"windows-1254": charmap.Windows1254}},
	{"Příliš žluťoučký kůň úpěl ďábelské ódy", map[string]encoding.Encoding{"windows-1250": charmap.Windows1250}},
	{"two words and a line\n", map[string]encoding.Encoding{
		"utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}},
}

func TestDecode(t *testing.T) {
	for _, s := range sentences {
		for name, set := range s.sets {
			raw, err := set.NewEncoder().Bytes([]byte(s.text))
			if err != nil {
				t.Fatalf("%s in %s: %v", s.text, name, err)
			}
			for _, label := range []string{name, "", "us-ascii", "x-unknown"} {
				if got, used := charset.Decode(raw, label); got != s.text {
					t.Errorf("%s labelled %q: %q as %s; want %q", name, label, got, used, s.text)
				}
			}
		}
		for _, label := range []string{"", "utf-8", "iso-8859-1"} {
			if got, used := charset.Decode([]byte(s.text), label); got != s.text {
				t.Errorf("utf-8 labelled %q: %q as %s; want %q", label, got, used, s.text)
			}
		}
	}
}

// TestMislabelled decodes a text under the label of another charset of its script.
func TestMislabelled(t *testing.T) {
	const text = "Отчёт о встрече с подрядчиками, как и было обещано вчера вечером"
	for _, c := range []struct {
		set   encoding.Encoding
		label string
	}{
		{charmap.Windows1251, "koi8-r"}, {charmap.KOI8R, "windows-1251"}, {charmap.Windows1251, "iso-8859-1"}, {charmap.KOI8R, "utf-8"},
	} {
		raw, err := c.set.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, used := charset.Decode(raw, c.label); got != text {
			t.Errorf("%v labelled %s: %q as %s", c.set, c.label, got, used)
		}
	}
}

func TestLabels(t *testing.T) {
	for _, c := range []struct{ raw, label, want string }{
		{"Hi Mom -+Jjo--!", "UTF-7", "Hi Mom -☺-!"}, // RFC 2152
		{"1 +- 1", "unicode-1-1-utf-7", "1 + 1"},
		{"a+b", "utf-7", "a+b"},
		{"~{<:Ky2;S{#,NpJ)l6HK!#~}", "hz-gb-2312", "己所不欲，勿施於人。"}, // RFC 1843
		{"\x1b$)C\x0eGQ1[\x0f", "iso-2022-kr", "한글"},
		{"\xc4\xe3\xba\xc3", "\"GB2312\"", "你好"},
		{"\xc4\xe3\xba\xc3", "gb_2312-80*zh", "你好"},
		{"na\xefve", "ISO8859-1", "naïve"},
		{"\x80uro", "iso-8859-1", "€uro"},
		{"\xef\xbb\xbfmark", "windows-1251", "mark"},
		{"cut in a character \xd0\xb0\xd0", "utf-8", "cut in a character а\uFFFD"},
		{"plain", "no-such-charset", "plain"},
		{"", "koi8-r", ""},
	} {
		if got, used := charset.Decode([]byte(c.raw), c.label); got != c.want {
			t.Errorf("%q labelled %q: %q as %s; want %q", c.raw, c.label, got, used, c.want)
		}
	}
}

func TestKnown(t *testing.T) {
	for label, want := range map[string]bool{"KOI8-R": true, "utf7": false, "utf-7": true, "": false, "gb2312": true, "x-user": false} {
		if got := charset.Known(label); got != want {
			t.Errorf("%q: %v; want %v", label, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range sentences {
		for name, set := range s.sets {
			if raw, err := set.NewEncoder().Bytes([]byte(s.text)); err == nil {
				f.Add(raw, name)
				f.Add(raw, "")
			}
		}
	}
	f.Add([]byte("+AGE-\x1b$B\x0e~{"), "utf-7")
	f.Add([]byte("\x1b$)C\x0e"), "iso-2022-kr")
	f.Fuzz(func(t *testing.T, raw []byte, label string) {
		text, _ := charset.Decode(raw, label)
		if !utf8.ValidString(text) {
			t.Errorf("%q labelled %q: not UTF-8", raw, label)
		}
		if _, again := charset.Decode(raw, label); again == "" && len(raw) > 0 {
			t.Errorf("%q: no charset", raw)
		}
	})
}
