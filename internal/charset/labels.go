package charset

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// aliases are labels seen in mail that the WHATWG list does not have, or that it
// maps to what browsers need and mail does not.
var aliases = map[string]string{
	"ascii": ASCII, "ansi_x3.4-1968": ASCII, "646": ASCII, "7bit": ASCII, "us": ASCII,
	"utf8": UTF8, "unicode-1-1-utf-8": UTF8, "utf-8-mac": UTF8, "cp65001": UTF8, "x-utf-8": UTF8,
	"unicode-1-1-utf-7": UTF7, "unicode-2-0-utf-7": UTF7, "x-unicode-2-0-utf-7": UTF7, "cp65000": UTF7,
	"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "gb_2312-80": "gb18030",
	"chinesebig5": "big5", "cp950": "big5", "big5-hkscs": "big5",
	"cp949": "euc-kr", "ks_c_5601-1987": "euc-kr", "5601": "euc-kr", "uhc": "euc-kr",
	"cp932": "shift_jis", "x-sjis-jp": "shift_jis", "sjis": "shift_jis",
	"win-1251": "windows-1251", "win1251": "windows-1251", "koi8r": "koi8-r", "koi-8-r": "koi8-r",
	"dos-866": "ibm866", "cp866": "ibm866",
	"iso8859-1": "windows-1252", "latin-1": "windows-1252", "ansi": "windows-1252",
	"iso-8859-8-i": "iso-8859-8", "visual": "iso-8859-8", "asmo-708": "iso-8859-6",
	"cp437": "ibm437", "cp850": "ibm850", "cp852": "ibm852", "cp855": "ibm855", "cp858": "ibm858", "cp862": "ibm862",
	"hz": "hz-gb-2312", "iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-3": "iso-2022-jp",
	"utf-16": "utf-16le", "unicode": "utf-16le", "ucs-2": "utf-16le",
}

// others are encodings that the WHATWG index leaves out.
var others = map[string]encoding.Encoding{
	"gb18030":    simplifiedchinese.GB18030,
	"hz-gb-2312": simplifiedchinese.HZGB2312,
	"big5":       traditionalchinese.Big5,
	"euc-kr":     korean.EUCKR,
	"shift_jis":  japanese.ShiftJIS,
	"ibm437":     charmap.CodePage437,
	"ibm850":     charmap.CodePage850,
	"ibm852":     charmap.CodePage852,
	"ibm855":     charmap.CodePage855,
	"ibm858":     charmap.CodePage858,
	"ibm862":     charmap.CodePage862,
	"utf-16le":   unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":   unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"utf-32le":   utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
	"utf-32be":   utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
}

// canonical brings a label to the form that lookup knows.
func canonical(label string) string {
	if label == UTF8 || label == ASCII || label == "" {
		return label
	}
	label = strings.ToLower(strings.Trim(label, " \t\r\n\"'=;"))
	// RFC 2231, 5: a label of an encoded word may carry a language, "utf-8*en".
	label, _, _ = strings.Cut(label, "*")
	label = strings.ReplaceAll(label, "_", "-")
	if name, ok := aliases[label]; ok {
		return name
	}
	if name, ok := aliases[strings.ReplaceAll(label, "-", "_")]; ok {
		return name
	}
	label = strings.TrimPrefix(label, "x-")
	if name, ok := aliases[label]; ok {
		return name
	}
	if _, ok := others[label]; ok {
		return label
	}
	for _, try := range []string{label, strings.ReplaceAll(label, "-", "_"), "x-" + label, strings.Replace(label, "cp-", "cp", 1), strings.Replace(label, "iso", "iso-", 1)} {
		enc, err := htmlindex.Get(try)
		if err != nil || enc == encoding.Replacement {
			continue
		}
		if name, err := htmlindex.Name(enc); err == nil {
			if again, ok := aliases[name]; ok {
				return again
			}
			return name
		}
	}
	return label
}

func lookup(name string) encoding.Encoding {
	if enc, ok := others[name]; ok {
		return enc
	}
	enc, err := htmlindex.Get(name)
	if err != nil || enc == encoding.Replacement {
		return nil
	}
	return enc
}
