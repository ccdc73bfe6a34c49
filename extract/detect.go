package extract

import (
	"archive/zip"
	"bytes"
	"errors"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"

	"daylight/mail"
)

const (
	unknownType = "application/octet-stream"
	messageType = "message/rfc822"
	mboxType    = "application/mbox"
	emlxType    = "message/x-emlx" // of Apple Mail: a length, the message, a property list
	textType    = "text/plain"
	htmlType    = "text/html"
	xhtmlType   = "application/xhtml+xml"
	pdfType     = "application/pdf"
	docxType    = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	zipType     = "application/zip"
	gzipType    = "application/gzip"
	tarType     = "application/x-tar"
	pstType     = "application/vnd.ms-outlook-pst"
	tnefType    = "application/ms-tnef"
)

// headSize is how much of a file decides its type.
const headSize = 32 << 10

// detect names the type of a file: by its bytes first, because names and
// declarations lie, then by what the container declared and by the name, where
// bytes cannot tell e-mail from text.
func detect(f File) (string, error) {
	b, err := head(f, headSize)
	if len(b) == 0 {
		if err == nil && f.Size == 0 {
			return "application/x-empty", nil
		}
		return unknownType, errors.Join(err)
	}
	ext := strings.ToLower(path.Ext(f.Name))
	switch {
	case bytes.HasPrefix(b, []byte("From ")) && beginsMailbox(b):
		return mailboxOrMessage(f, ext), nil
	case isEmlx(b):
		return emlxType, nil
	case f.Type == messageType || f.Type == "message/global" || ext == ".eml":
		if textual(b) {
			return messageType, nil
		}
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return pdfType, nil
	case bytes.HasPrefix(b, []byte("!BDN")): // [MS-PST] 2.2.2.6
		return pstType, nil
	case bytes.HasPrefix(b, []byte("\x78\x9f\x3e\x22")): // [MS-OXTNEF] 2.1.3.1
		return tnefType, nil
	case bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return zipped(f, b), nil
	}
	kind := byMagic(b)
	switch kind {
	case unknownType:
		if i := bytes.Index(b[:min(len(b), 1024)], []byte("%PDF-")); i > 0 {
			return pdfType, nil // QUIRK: bytes before the header; every viewer opens it
		}
		if textual(b) {
			return plainOrMail(b, ext), nil
		}
		if endsAsZip(f) { // QUIRK: a program in front of the archive, or its first bytes lost
			return zipType, nil
		}
	case textType:
		return plainOrMail(b, ext), nil
	}
	if isPlain(kind) && looksMail(b) {
		return messageType, nil
	}
	return kind, nil
}

// byMagic asks the library, without parameters and with one name for each type.
func byMagic(b []byte) string {
	kind, _, _ := strings.Cut(mimetype.Detect(b).String(), ";")
	switch kind {
	case "text/x-shellscript", "text/x-python", "text/x-perl", "text/x-ruby", "text/x-lua", "text/x-php", "text/x-tcl":
		return textType // guesses at prose that begins like a program
	}
	return kind
}

// isClosed reports whether a type holds files that cannot be taken out yet.
func isClosed(kind string) bool {
	switch kind {
	case pstType, tnefType, "application/vnd.ms-outlook", "application/x-7z-compressed", "application/vnd.rar", "application/x-xz", "application/lzip",
		"application/zlib", "application/vnd.ms-cab-compressed", "application/x-cpio", "application/x-archive", "application/x-rpm", "application/x-xar":
		return true
	}
	return false
}

// isPlain reports whether a type is text that is read as it stands.
func isPlain(kind string) bool {
	switch kind {
	case "application/json", "application/x-ndjson", "application/geo+json", "application/x-subrip", "text/calendar", "text/vcard", "message/delivery-status":
		return true
	case htmlType, "text/rtf":
		return false
	}
	return strings.HasPrefix(kind, "text/")
}

// beginsMailbox reports whether the first line is a separator of messages, with a
// header after it.
func beginsMailbox(b []byte) bool {
	line, rest, _ := bytes.Cut(b, []byte{'\n'})
	return mail.IsFromLine(line) || len(bytes.Fields(line)) == 2 && looksMail(rest)
}

// isEmlx reports whether a file begins with a number on a line of its own and then
// a header of e-mail.
func isEmlx(b []byte) bool {
	line, rest, _ := bytes.Cut(b, []byte{'\n'})
	_, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 32)
	return err == nil && looksMail(rest)
}

// mailboxOrMessage decides about a file that begins with a From_ line: single
// messages that were cut from a mailbox keep theirs.
func mailboxOrMessage(f File, ext string) string {
	switch {
	case ext == ".eml" || f.Type == messageType:
		return messageType
	case ext == ".mbox" || ext == ".mbx" || f.Type == mboxType:
		return mboxType
	}
	n, errEnough := 0, errors.New("enough")
	err := mail.Mbox(f.Body, f.Size, func(mail.Envelope) error {
		if n++; n > 1 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return mboxType
	}
	return messageType
}

func plainOrMail(b []byte, ext string) string {
	switch {
	case looksMail(b):
		return messageType
	case looksHTML(b):
		return htmlType
	case ext == ".html" || ext == ".htm":
		return htmlType
	case ext == ".csv":
		return "text/csv"
	}
	return textType
}

// looksMail reports whether text begins with a header of e-mail: field after
// field, and among them two that only mail has. A file of settings has fields too.
func looksMail(b []byte) bool {
	var fields, known int
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(bytes.TrimLeft(b, "\r\n")) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if fields == 0 {
				return false
			}
			continue
		}
		name, _, ok := bytes.Cut(line, []byte{':'})
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t<>{}\"") {
			if bytes.HasPrefix(line, []byte(">From ")) {
				continue
			}
			break
		}
		fields++
		switch strings.ToLower(string(name)) {
		case "received", "return-path", "message-id", "mime-version", "delivered-to", "x-mailer", "dkim-signature",
			"content-transfer-encoding", "x-mozilla-status", "reply-to", "in-reply-to", "references", "x-original-to":
			known += 2
		case "from", "to", "date", "subject", "cc", "bcc", "sender", "content-type":
			known++
		}
	}
	return known >= 3
}

// looksHTML finds pages that the library misses for a comment or text before them.
func looksHTML(b []byte) bool {
	b = bytes.ToLower(b[:min(len(b), 4096)])
	return bytes.Contains(b, []byte("<html")) || bytes.Contains(b, []byte("<!doctype html"))
}

// textual reports whether bytes are text in some charset: no zeros, and hardly a
// control that text has not. UTF-16 has a byte order mark or is taken for data.
func textual(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	odd := 0
	for _, c := range b {
		switch {
		case c == 0:
			odd += 8
		case c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b && c != 0x0e && c != 0x0f && c != '\b':
			odd++
		}
	}
	if odd > len(b)/100 {
		return false
	}
	if utf8.Valid(b[:max(0, len(b)-utf8.UTFMax)]) {
		return true
	}
	// Legacy text has more letters and spaces than anything else; compressed data
	// has every byte alike.
	low := 0
	for _, c := range b {
		if c >= 0x80 && c < 0xa0 {
			low++
		}
	}
	return bytes.ContainsAny(b, " \n") && (low < len(b)/3 || bytes.Count(b, []byte{' '}) > len(b)/20)
}

// zipped tells the formats apart that are zip files inside.
func zipped(f File, b []byte) string {
	r, err := zip.NewReader(f.Body, f.Size)
	if err != nil {
		if kind := byMagic(b); kind == docxType {
			return kind
		}
		return zipType
	}
	for _, m := range r.File {
		if m.Name == "word/document.xml" {
			return docxType
		}
	}
	kind := byMagic(b)
	if kind == docxType || kind == unknownType || isPlain(kind) {
		return zipType
	}
	return kind
}

// endsAsZip looks for the end of a central directory.
func endsAsZip(f File) bool {
	n := min(f.Size, 64<<10+22)
	tail := make([]byte, n)
	if _, err := f.Body.ReadAt(tail, f.Size-n); err != nil && int64(len(tail)) != n {
		return false
	}
	if !bytes.Contains(tail, []byte("PK\x05\x06")) {
		return false
	}
	_, err := zip.NewReader(f.Body, f.Size)
	return err == nil
}
