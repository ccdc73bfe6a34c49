package lang

import "strings"

// RightToLeft reports whether a language (BCP 47) is written from right to left.
func RightToLeft(tag string) bool {
	tag, _, _ = strings.Cut(tag, "-")
	switch tag {
	case "ar", "arc", "azb", "ckb", "dv", "fa", "glk", "he", "ks", "lrc", "mzn", "pnb", "ps", "sd", "syr", "ug", "ur", "yi":
		return true
	}
	return false
}
