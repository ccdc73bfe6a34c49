package mail

import (
	"bytes"
	"io"
	"strings"
)

// encrypted is what people read of a message that is closed to us.
const encrypted = "the message is encrypted: it cannot be read without the key"

// opaque reports whether a leaf is a message wrapped in CMS (RFC 8551, 3): signed,
// then its text is readable, only not by eye; or encrypted. Certificates alone
// come in the same type.
func (m *meta) opaque() bool {
	return (m.kind == "application/pkcs7-mime" || m.kind == "application/x-pkcs7-mime") &&
		!strings.EqualFold(m.params["smime-type"], "certs-only")
}

// unwrap reads the message inside of a CMS signature as if it stood in the open.
// The wrapping is handed out as a part as well, for it is the signature.
func (w *walker) unwrap(m meta, start, end int64, depth int) ([]body, error) {
	if end-start > w.limits.Text-w.text || depth >= w.limits.Depth {
		return nil, nil
	}
	// Damage of the encoding is told with the part.
	raw, _ := io.ReadAll(decoder(io.NewSectionReader(w.src, start, end-start), m.encoding))
	content := signedContent(raw)
	switch {
	case content != nil:
	case strings.EqualFold(m.params["smime-type"], "enveloped-data") || bytes.Contains(raw[:min(len(raw), 64)], []byte(idCMS+"\x03")):
		w.problems.add(encrypted)
		return nil, nil
	default:
		w.problems.add("the signed message cannot be taken out of its signature")
		return nil, nil
	}
	w.text += end - start
	inner := &walker{
		win: window{src: bytes.NewReader(content), size: int64(len(content))}, src: bytes.NewReader(content),
		limits: w.limits, part: w.part, raw: w.raw, text: w.text, again: w.again, mail: Mail{Parts: w.mail.Parts},
	}
	bodies, _, failed := inner.entity(inner.readHeader(false), "text/plain", depth+1)
	w.text, w.again, w.mail.Parts = inner.text, inner.again, inner.mail.Parts
	w.unread = append(w.unread, inner.unread...)
	for _, p := range inner.problems.list {
		w.problems.add(p)
	}
	return bodies, failed
}

// idCMS and a number are the object identifiers of CMS: 1.2.840.113549.1.7.n.
const idCMS = "\x2a\x86\x48\x86\xf7\x0d\x01\x07"

// signedContent finds the content of a CMS SignedData (RFC 5652, 5.1): in BER, as
// it is written, with lengths that may be left open and strings in pieces. It is
// nil for anything else.
func signedContent(b []byte) []byte {
	info, _ := element(b, 0x30)
	id, rest := element(info, 0x06)
	if string(id) != idCMS+"\x02" {
		return nil
	}
	wrapped, _ := element(rest, 0xa0)
	signed, _ := element(wrapped, 0x30)
	_, signed = element(signed, 0x02) // version
	_, signed = element(signed, 0x31) // digest algorithms
	encap, _ := element(signed, 0x30)
	_, encap = element(encap, 0x06) // content type
	octets, _ := element(encap, 0xa0)
	if content, _ := element(octets, 0x04); content != nil {
		return content
	}
	pieces, _ := element(octets, 0x24) // a string in pieces
	var content []byte
	for len(pieces) > 0 {
		var piece []byte
		if piece, pieces = element(pieces, 0x04); piece == nil {
			break
		}
		content = append(content, piece...)
	}
	return content
}

// element takes the BER element with a tag off b: its contents, and what comes
// after. Contents of open length run to the end of b: whoever reads them stops at
// what it does not know, such as the two zeros that close them.
func element(b []byte, tag byte) (contents, rest []byte) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil
	}
	n, b := int(b[1]), b[2:]
	switch {
	case n == 0x80:
		return b, nil
	case n > 0x80:
		size := n & 0x7f
		if size > 4 || size > len(b) {
			return nil, nil
		}
		n = 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		b = b[size:]
	}
	n = min(n, len(b)) // cut: what is there
	return b[:n:n], b[n:]
}
