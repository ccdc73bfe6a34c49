package redact_test

import (
	"strings"
	"testing"

	"daylight/redact"
)

// disguises are ways to write a name that a person reads without noticing. Text must
// take them out, and the gate must find them.
var disguises = map[string]string{
	"Cyrillic letters within":   "M\u0456riam K\u043ew\u0430lczyk",
	"small capitals":            "K\u1d0f\u1d21\u1d00\u029f\u1d04\u1d22\u028f\u1d0b",
	"Greek capitals":            "\u039a\u039fWALCZY\u039a",
	"en dash at a break":        "Kowal\u2013\nczyk",
	"dash for a hyphen":         "Kowal\u2012czyk",
	"minus for a hyphen":        "Kowal\u2212czyk",
	"hyphenation point":         "Ko\u2027wal\u2027czyk",
	"end of a page":             "Kowal-\n\fczyk",
	"a column far to the right": "Kowal-\n" + strings.Repeat(" ", 60) + "czyk",
	"paragraph separator":       "Kowal-\u2029czyk",
	"letters apart, thin space": "K\u2009o\u2009w\u2009a\u2009l\u2009c\u2009z\u2009y\u2009k",
	"tatweel and joiners":       "Kow\u0640al\u200d\u2060czyk",
}

// hidden is what only machines read; the gate must find it.
var hidden = map[string]string{
	"a sign > in an attribute": `Kow<i title="a>b">al</i>czyk`,
	"a sign > in a comment":    "Kow<!-- x > y -->alczyk",
	"CDATA sections":           "<![CDATA[Kowal]]><![CDATA[czyk]]>",
	"CDATA with markup":        "<p><![CDATA[Ko<b>wal</b>]]><i>czyk</i>",
	"an open comment before":   "<!-- never closed <p>Ko<b a='>'>wal</b>czyk",
	"a parameter in pieces":    "Content-Disposition: attachment; filename*0*=utf-8''Miriam%20Kowal;\r\n filename*1*=czyk.pdf",
	"quoted pieces":            `Content-Disposition: attachment; filename*0="Miriam Kowal"; filename*1="czyk.pdf"`,
	"escapes of eight digits":  `\U0000004bowal\U00000063zyk`,
}

func TestDisguises(t *testing.T) {
	forms := []string{"Miriam Kowalczyk", "Kowalczyk"}
	for what, s := range disguises {
		if out, n := redact.Text("before "+s+" after", forms); n == 0 || !strings.HasPrefix(out, "before ") || !strings.HasSuffix(out, " after") {
			t.Errorf("%s: redaction leaves %q", what, out)
		}
	}
	for _, all := range []map[string]string{disguises, hidden} {
		for what, s := range all {
			if found, err := redact.Check(t.Context(), what, strings.NewReader(s), forms); err != nil || len(found) == 0 {
				t.Errorf("%s: the gate finds nothing, %v", what, err)
			}
		}
	}
}

// TestNoFalseDisguise: what looks like a form must not be made of what does not.
func TestNoFalseDisguise(t *testing.T) {
	for _, s := range []string{"Kowal czyk", "Kowal, czyk", "kowal (czyk)", "<Kowal> (czyk)", "a*1=b; Kowal; c*2=d"} {
		if out, n := redact.Text(s, []string{"Kowalczyk"}); n > 0 {
			t.Errorf("%q becomes %q", s, out)
		}
	}
	if _, n := redact.Text("\u041e\u043b\u0435\u0433 \u0418\u0432\u0430\u043d\u043e\u0432", []string{"\u0418\u0432\u0430\u043d\u043e\u0432"}); n != 1 {
		t.Error("a name in Cyrillic is no longer itself")
	}
}
