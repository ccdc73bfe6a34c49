package httpkit

import "testing"

// Numbers are the samples of CLDR for whole numbers, and those around them.
func TestNounsGoWithNumbers(t *testing.T) {
	s := &Site{Messages: map[string]map[string]string{
		"ru": {"files": "файл|файла|файлов"},
		"ar": {"files": "0|1|2|few|many|other"},
	}}
	for lang, want := range map[string]map[string][]int{
		"en": {"file": {1}, "files": {0, 2, 11, 21, 101, 344}},
		"xx": {"file": {1}, "files": {0, 2}}, // without messages it is English
		"ru": {"файл": {1, 21, 31, 101, 1001}, "файла": {2, 3, 4, 22, 54, 102, 344, 1002}, "файлов": {0, 5, 11, 12, 13, 14, 19, 20, 100, 111, 112, 114, 338, 1000}},
		"ar": {"0": {0}, "1": {1}, "2": {2}, "few": {3, 10, 103, 110, 1003}, "many": {11, 26, 66, 99, 111, 344, 1011}, "other": {100, 101, 102, 200, 202, 1000}},
	} {
		for form, numbers := range want {
			for _, n := range numbers {
				if got := s.noun(lang, n, "file", "files"); got != form {
					t.Errorf("%s: %d %s; want %s", lang, n, got, form)
				}
			}
		}
	}
}
