package mail

import (
	"bytes"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"daylight/corpus"
)

// describe fills what the outermost header says.
func (w *walker) describe(h header) {
	m := &w.mail
	m.Header = make([]corpus.Fact, 0, len(h))
	for _, f := range h {
		value := unfold(f.value)
		fact := corpus.Fact{Name: f.name}
		if strings.HasPrefix(f.key, "content-") {
			fact.Value = oneLine(plainWords(value, w.raw)) // a parameter's encoding is its own
		} else {
			fact.Value = oneLine(decodeWords(value, w.raw))
		}
		m.Header = append(m.Header, fact)
		switch f.key {
		case "subject":
			if m.Subject == "" {
				m.Subject = fact.Value
			}
		case "from":
			m.From = append(m.From, addresses(value, w.raw)...)
		case "to":
			m.To = append(m.To, addresses(value, w.raw)...)
		case "cc":
			m.Cc = append(m.Cc, addresses(value, w.raw)...)
		case "bcc":
			m.Bcc = append(m.Bcc, addresses(value, w.raw)...)
		case "message-id":
			if ids := messageIDs(value); m.ID == "" && len(ids) > 0 {
				m.ID = ids[0]
			}
		case "in-reply-to":
			m.InReplyTo = append(m.InReplyTo, bracketedIDs(value)...)
		case "references":
			m.References = append(m.References, messageIDs(value)...)
		}
	}
	if len(m.From) > 0 {
		m.Domain = Domain(m.From[0].Addr)
	}
	m.Bulk = bulk(h)
	m.Date = date(h)
}

// Domain is the registrable domain of an address in punycode and lower case, by
// the public suffix list: "a@mail.example.co.uk" gives "example.co.uk". It is ""
// where there is none, as of a number or a host without a dot.
func Domain(addr string) string {
	host := addr[strings.LastIndexByte(addr, '@')+1:]
	host = strings.Trim(strings.ToLower(strings.TrimSpace(host)), ".>")
	if len(host) == len(addr) || !strings.Contains(host, ".") || strings.ContainsAny(host, "[]: \t<(\"") {
		return ""
	}
	for i := range len(host) {
		if host[i] >= 0x80 {
			name, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return ""
			}
			host = name
			break
		}
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return "" // an IP address
	}
	name, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return name
}

// bulk reports whether a header says that a machine sent the message to many, or
// without anybody asking: a list (RFC 2369, 2919), Precedence, or Auto-Submitted
// (RFC 3834). It is a fact of one message, so it stays with it in a release: unlike
// threads and copies it tells nothing of other documents.
func bulk(h header) bool {
	for _, f := range h {
		switch f.key {
		case "list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-archive", "list-owner",
			"mailing-list", "x-mailing-list", "x-mailman-version", "feedback-id":
			return true
		case "precedence":
			switch strings.ToLower(string(unfold(f.value))) {
			case "bulk", "list", "junk":
				return true
			}
		case "auto-submitted":
			value, _, _ := bytes.Cut(unfold(f.value), []byte{';'})
			if v := strings.ToLower(string(bytes.TrimSpace(value))); v != "" && v != "no" {
				return true
			}
		}
	}
	return false
}

// messageIDs reads ids, with or without their angle brackets.
func messageIDs(value []byte) []string {
	if ids := bracketedIDs(value); len(ids) > 0 {
		return ids
	}
	var ids []string
	for _, word := range strings.Fields(strings.ToValidUTF8(string(value), "\uFFFD")) {
		if word = strings.Trim(word, "<>,;\""); word != "" {
			ids = append(ids, word)
		}
	}
	return ids
}

// bracketedIDs reads only ids in brackets: In-Reply-To of old programs holds
// prose, "Your message of Tuesday <id>".
func bracketedIDs(value []byte) []string {
	var ids []string
	for len(ids) < 1000 {
		_, rest, ok := bytes.Cut(value, []byte{'<'})
		if !ok {
			break
		}
		id, after, ok := bytes.Cut(rest, []byte{'>'})
		if !ok {
			break
		}
		// QUIRK: ids are folded in the middle.
		if s := strings.Join(strings.Fields(strings.ToValidUTF8(string(id), "\uFFFD")), ""); s != "" {
			ids = append(ids, s)
		}
		value = after
	}
	return ids
}
