// Package lang says which language a text is written in. It knows the 176
// languages of fastText's lid.176 model, by inference of its own over the model
// file (MODEL.md), which gives the labels and probabilities that fastText gives.
//
// It answers "" rather than guess: for a text with almost no letters, and where
// the model itself is in doubt. What is not language is left out before asking:
// addresses, links, numbers, words of signs.
//
// # How far to trust it
//
// TestAccuracy measures it on labelled text where that is present; the figures
// stand in MODEL.md. Whole e-mails and pages are hardly ever wrong. Three words
// are often not enough to tell Spanish from Portuguese; a list of English file
// names is "English".
package lang

import (
	"slices"
	"strings"
)

const (
	leastShare = 0.1 // of the letters, for a language beside the main one
	leastSure  = 0.6 // mean probability, likewise
	leastMain  = 0.3 // mean probability of the main one
)

// Detect returns the main language of a text as a BCP 47 tag, or "" when it is
// unknown. Of a long text it reads samples.
func Detect(text string) string {
	if all := DetectAll(text); len(all) > 0 {
		return all[0]
	}
	return ""
}

// DetectAll returns the languages that a text has paragraphs in, the main one
// first; nothing when the main one is unknown. A few words of another language
// inside a paragraph do not count.
func DetectAll(text string) []string {
	m := loaded()
	found := map[string]*tally{}
	var letters float64
	for b := range blocks(text) {
		label, p := m.predict(b.text)
		if label == "" {
			continue
		}
		label, p = byScript(tag(label), p, b)
		t := found[label]
		if t == nil {
			t = &tally{tag: label}
			found[label] = t
		}
		t.letters += b.letters
		t.sure += p * b.letters
		letters += b.letters
	}
	return rank(found, letters)
}

// tally is what was found of one language.
type tally struct {
	tag     string
	letters float64
	sure    float64 // sum of letters times probability
}

func rank(found map[string]*tally, letters float64) []string {
	var all []*tally
	for _, t := range found {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *tally) int {
		switch {
		case a.sure > b.sure:
			return -1
		case a.sure < b.sure:
			return 1
		}
		return strings.Compare(a.tag, b.tag)
	})
	var tags []string
	for i, t := range all {
		if i == 0 && t.sure < leastMain*t.letters {
			return nil
		}
		if i == 0 || t.letters >= leastShare*letters && t.sure >= leastSure*t.letters {
			tags = append(tags, t.tag)
		}
	}
	return tags
}

// tag turns a label of the model into the BCP 47 tag that the archive uses. The
// model was trained on Wikipedias, whose names for some languages are their own.
// Egyptian Arabic is filed with Arabic: the model calls short standard Arabic so.
func tag(label string) string {
	switch label {
	case "als":
		return "gsw"
	case "arz":
		return "ar"
	case "bh":
		return "bho"
	}
	return label
}

// byScript puts right what the script decides: the model takes a short line of
// Chinese for almost anything, having learned from words with spaces.
func byScript(label string, p float64, b block) (string, float64) {
	switch most(b.count) {
	case kana:
		return "ja", 1
	case han:
		switch {
		case b.count[kana] > b.count[han]/20:
			return "ja", 1
		case label != "zh" && label != "yue":
			return "zh", max(p, leastSure)
		}
	}
	return label, p
}
