package mail

import (
	"bytes"
	"strings"
)

// meta is what the header of an entity says about its bytes.
type meta struct {
	kind     string // media type
	declared bool
	params   map[string]string
	encoding string
	name     string
	attached bool // Content-Disposition: attachment
	inline   bool
	id       string
	problem  string
	forced   bool // a part, whatever the type says
}

func (w *walker) meta(h header, kind string) meta {
	m := meta{kind: kind}
	if value := h.get("content-type"); value != nil {
		m.kind, m.params = params(value, w.raw)
		m.declared = true
		// RFC 2045, 5.2, and what is written instead of a type: "text", "", "plain".
		switch {
		case !strings.Contains(m.kind, "/") && strings.Contains(m.kind, "html"):
			m.kind = "text/html"
		case strings.Count(m.kind, "/") != 1 || strings.HasPrefix(m.kind, "/") || strings.HasSuffix(m.kind, "/"):
			m.kind, m.declared = kind, false
		}
		if i := strings.IndexAny(m.kind, " \t("); i > 0 {
			m.kind = m.kind[:i]
		}
		m.name = m.params["name"]
	}
	m.encoding = strings.ToLower(strings.Trim(string(bytes.TrimSpace(h.get("content-transfer-encoding"))), "\"'; \t"))
	if i := strings.IndexAny(m.encoding, "; ("); i > 0 {
		m.encoding = m.encoding[:i]
	}
	if value := h.get("content-disposition"); value != nil {
		disposition, p := params(value, w.raw)
		m.attached, m.inline = disposition == "attachment", disposition == "inline"
		if p["filename"] != "" {
			m.name = p["filename"]
		}
	}
	if strings.HasPrefix(m.name, "=?") && strings.HasSuffix(m.name, "?=") {
		m.name = decodeWords([]byte(m.name), w.raw) // QUIRK: encoded twice
	}
	m.name = oneLine(m.name)
	m.id = strings.Trim(string(bytes.TrimSpace(h.get("content-id"))), "<> ")
	return m
}

// isText decides whether a leaf is text of the message itself. root says that it
// is the whole message.
func (m *meta) isText(root bool) bool {
	switch {
	case m.forced || m.attached || m.name != "" && !root:
		return false
	case m.kind == "message/delivery-status", m.kind == "message/disposition-notification":
		return true // what a report says, for machines
	case m.kind == "text/calendar", m.kind == "text/vcard", m.kind == "text/x-vcard",
		m.kind == "text/directory", m.kind == "text/rfc822-headers", m.kind == "text/rtf":
		return false
	}
	return strings.HasPrefix(m.kind, "text/")
}

func (m *meta) typeOfPart() string {
	if !m.declared && m.kind == "text/plain" {
		return ""
	}
	return m.kind
}
