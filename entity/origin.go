package entity

import (
	"strings"

	"daylight/corpus"
)

// Origins says which body a document comes from. It is safe for concurrent use.
type Origins struct {
	mailboxes, domains, folders map[string]corpus.OriginID
}

// NewOrigins makes the rules ready. Where two origins claim the same mailbox,
// domain or folder, the first has it.
func NewOrigins(origins []corpus.Origin) *Origins {
	o := &Origins{map[string]corpus.OriginID{}, map[string]corpus.OriginID{}, map[string]corpus.OriginID{}}
	for _, origin := range origins {
		claim(o.mailboxes, origin.Mailboxes, origin.ID, strings.ToLower)
		claim(o.domains, origin.Domains, origin.ID, strings.ToLower)
		claim(o.folders, origin.Folders, origin.ID, func(s string) string { return strings.Trim(s, "/") })
	}
	return o
}

func claim(m map[string]corpus.OriginID, keys []string, id corpus.OriginID, clean func(string) string) {
	for _, key := range keys {
		key = clean(strings.TrimSpace(key))
		if _, taken := m[key]; key != "" && !taken {
			m[key] = id
		}
	}
}

// Of returns the origin of a document: by the mailbox of the first From that has
// an origin, else by its domain or the domains above, else by the folders of its
// path, the innermost first. "" is none. For an attachment, m is the message that
// it was found in: it comes from whom the message comes from.
func (o *Origins) Of(m *corpus.Message, path string) corpus.OriginID {
	if m != nil {
		for _, from := range m.From {
			if id, ok := o.mailboxes[strings.ToLower(from.Addr)]; ok {
				return id
			}
		}
		for _, from := range m.From {
			addr := strings.ToLower(from.Addr)
			domain := addr[strings.LastIndexByte(addr, '@')+1:]
			for ok := true; ok; _, domain, ok = strings.Cut(domain, ".") {
				if id, found := o.domains[domain]; found {
					return id
				}
			}
		}
	}
	for path = strings.Trim(path, "/"); path != ""; {
		if id, ok := o.folders[path]; ok {
			return id
		}
		path = path[:max(0, strings.LastIndexByte(path, '/'))]
	}
	return ""
}

// OriginOf is NewOrigins and Of in one, for a single document.
func OriginOf(origins []corpus.Origin, m *corpus.Message, path string) corpus.OriginID {
	return NewOrigins(origins).Of(m, path)
}
