package sample

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"path"
	"strings"
	"time"
)

// paper is one of the documents of papers/ as its owner has it. A .docx is written
// down as text (name.docx.txt): the day, the title, then a line a paragraph.
func paper(name string) []byte {
	if path.Ext(name) == ".docx" {
		return docx(string(paperText(name + ".txt")))
	}
	return paperText(name)
}

func paperText(name string) []byte {
	b, err := texts.ReadFile("papers/" + name)
	if err != nil {
		panic("sample: " + err.Error()) // a mistake in our own letters
	}
	return b
}

// zipped makes a zip. Nothing in it is compressed: the same bytes must come of
// every version of Go.
func zipped(members ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store, NonUTF8: false, Modified: zipTime})
		if err != nil {
			panic(err) // a buffer does not fail
		}
		f.Write(m.body)
	}
	w.Close()
	return b.Bytes()
}

var zipTime = time.Date(2014, 6, 30, 18, 0, 0, 0, time.UTC)

// docx makes the least that is a WordprocessingML document (ECMA-376, part 1).
func docx(text string) []byte {
	day, text, _ := strings.Cut(text, "\n")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	var body strings.Builder
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		body.WriteString("<w:p>")
		if i == 0 {
			body.WriteString(`<w:pPr><w:pStyle w:val="Title"/></w:pPr>`)
		}
		body.WriteString(`<w:r><w:t xml:space="preserve">`)
		xml.EscapeText(&body, []byte(line))
		body.WriteString("</w:t></w:r></w:p>")
	}
	var title strings.Builder
	xml.EscapeText(&title, []byte(lines[0]))
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	return zipped(
		file{"[Content_Types].xml", []byte(head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>` +
			`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`)},
		file{"_rels/.rels", []byte(head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>` +
			`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`)},
		file{"docProps/core.xml", []byte(head + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
			`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
			`<dc:title>` + title.String() + `</dc:title><dcterms:created xsi:type="dcterms:W3CDTF">` + day + `T09:00:00Z</dcterms:created></cp:coreProperties>`)},
		file{"word/document.xml", []byte(head + `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` +
			body.String() + `</w:body></w:document>`)},
	)
}

// standing are the files that are no e-mail.
func standing() *fileSet {
	s := &fileSet{byName: map[string][]byte{}}
	put := func(folder string, names ...string) {
		for _, name := range names {
			s.put(folder+"/"+name, paper(name))
		}
	}
	put("corvane/contracts", "framework-2010.pdf", "lantern-price-list.docx", "annex-c.docx")
	put("exports", "licence-file-C-2291.pdf", "memo-to-file.docx")
	put("uzel", "Акт приёмки.pdf", "список ключевых слов.txt", "Заметки к отчёту.docx")
	put("port/docs", "camera-list.csv", "موقف قسم الشبكات.docx", "notice-board.html", "press-statement.html", "محضر اجتماع.txt")
	put("union", "leaflet.txt", "بيان النقابة.txt")
	s.put(withheldPath, paper("crane-roster-medical.txt"))

	// What a broker keeps: the contract once more (a duplicate), his own papers, and
	// a zip in the zip.
	s.put("meridian/bridge-backup.zip", zipped(
		file{"contracts/framework-2010.pdf", paper("framework-2010.pdf")},
		file{"invoices/invoice-0417.pdf", paper("invoice-0417.pdf")},
		file{"notes/dinner.txt", paper("dinner.txt")},
		file{"older/2009.zip", zipped(
			file{"introductions.docx", paper("introductions.docx")},
			file{"ledger-2009.csv", paper("ledger-2009.csv")},
		)},
	))
	s.put("corvane/contracts/signed copy.pdf", paper("framework-2010.pdf"))

	// A file that was copied while the disk failed: the end of the zip is missing. Of
	// another, the disk gave back the first bytes and zeros; nobody can read that.
	minutes := paper("board-minutes.docx")
	s.put("corvane/board/minutes-2012-06.docx", minutes[:len(minutes)/2])
	s.put("uzel/копия 2 из 3.zip", append([]byte("PK\x03\x04"), make([]byte, 4092)...))
	return s
}

// withheldPath is the file that the desk holds back; see site/editing.json.
const withheldPath = "port/docs/crane-roster-medical.txt"

// storyFiles are made with the same means, of people who write once.
func storyFiles() []file {
	porter := who("bachour")
	m := &mail{
		id: "story-letter", from: porter, to: []person{who("attal-en")},
		date: time.Date(2014, 6, 29, 22, 41, 0, 0, zarhan), subject: "What the cameras were for",
		text: strings.TrimSpace(string(paperText("story-letter.txt"))), attached: []string{"camera-47.docx"},
	}
	return []file{
		{"letter-from-the-port.eml", m.eml("union")},
		{"Протокол испытаний.pdf", paper("Протокол испытаний.pdf")},
		{"minutes.zip", zipped(
			file{"محضر اجتماع اللجنة.txt", paper("محضر اجتماع اللجنة.txt")},
			file{"committee/decision.docx", paper("decision.docx")},
			file{"committee/read-me-first.txt", paper("read-me-first.txt")},
		)},
	}
}
