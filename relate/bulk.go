package relate

import (
	"strings"

	"daylight/corpus"
)

// Bulk is why a message counts as sent to many, or by a machine.
type Bulk string

const (
	NotBulk    Bulk = ""
	Newsletter Bulk = "newsletter" // one body to many who subscribed
	List       Bulk = "list"       // people writing to a list
	Automatic  Bulk = "automatic"  // answered, reported or bounced by a machine
)

// BulkOf reads the class from the headers of a message, by their names in any case.
//
//   - RFC 3834: Auto-Submitted other than "no" is a machine; RFC 3464: so is a
//     report without a sender.
//   - RFC 2369, 2919: a list has List-Post (people may write to it) or List-Id; with
//     List-Unsubscribe alone it is a newsletter.
//   - Precedence: bulk, list, junk is older than any RFC, and still the commonest.
func BulkOf(headers []corpus.Fact) Bulk {
	var class Bulk
	for _, h := range headers {
		value := strings.ToLower(strings.TrimSpace(h.Value))
		switch strings.ToLower(h.Name) {
		case "auto-submitted":
			if value != "" && value != "no" {
				return Automatic
			}
		case "x-auto-response-suppress", "x-autoreply", "x-autorespond":
			class = stronger(class, Automatic)
		case "return-path":
			if value == "<>" {
				class = stronger(class, Automatic)
			}
		case "list-post", "list-id":
			if value != "no" { // RFC 2369, 3.4: "NO" is a list that nobody may write to
				class = stronger(class, List)
			}
		case "list-unsubscribe", "feedback-id":
			class = stronger(class, Newsletter)
		case "precedence":
			switch value {
			case "list":
				class = stronger(class, List)
			case "bulk", "junk":
				class = stronger(class, Newsletter)
			}
		}
	}
	return class
}

func stronger(a, b Bulk) Bulk {
	for _, class := range []Bulk{Automatic, List, Newsletter} {
		if a == class || b == class {
			return class
		}
	}
	return NotBulk
}
