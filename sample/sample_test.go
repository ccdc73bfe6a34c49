package sample_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"daylight/corpus"
	"daylight/entity"
	"daylight/lang"
	reader "daylight/mail"
	"daylight/sample"
	"daylight/search"
	"daylight/text"
)

// The digests of all paths and bytes. They change when a text does, and then only.
const (
	filesDigest = "7b2511c1779e1b271e1f1b5dcf4e924e"
	storyDigest = "7bdacf398d2ea8228569f7325e20d8c9"
)

func digest(files func(func(string, []byte) bool)) string {
	h := sha256.New()
	for name, body := range files {
		io.WriteString(h, name+"\x00")
		sum := sha256.Sum256(body)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func TestTheSameBytesEveryTime(t *testing.T) {
	if a, b := digest(sample.Files()), digest(sample.Files()); a != b {
		t.Fatalf("two runs differ: %s, %s", a, b)
	}
	if got := digest(sample.Files()); got != filesDigest {
		t.Errorf("files have digest %s; pinned is %s", got, filesDigest)
	}
	if got := digest(sample.Story()); got != storyDigest {
		t.Errorf("the story has digest %s; pinned is %s", got, storyDigest)
	}
}

// message is an e-mail of the sample, read back by the standard library.
type message struct {
	path    string
	id      string
	subject string
	from    []*mail.Address
	text    string // its plain text
	parts   []string
	header  mail.Header
	bulk    bool // as the program sees it
}

// messages reads every .eml and the mbox.
func messages(t *testing.T) []message {
	t.Helper()
	var all []message
	for name, body := range sample.Files() {
		switch path.Ext(name) {
		case ".eml":
			all = append(all, read(t, name, body))
		case ".mbox":
			for _, entry := range strings.Split("\n"+string(body), "\nFrom ")[1:] {
				_, m, _ := strings.Cut(entry, "\n")
				all = append(all, read(t, name, []byte(m)))
			}
		}
	}
	return all
}

var words = &mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Reader(r), nil
}}

func read(t *testing.T, name string, body []byte) message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ours, err := reader.Read(bytes.NewReader(body), int64(len(body)), reader.Limits{}, nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	got := message{path: name, id: m.Header.Get("Message-ID"), header: m.Header, bulk: ours.Bulk}
	if got.subject, err = words.DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Errorf("%s: subject: %v", name, err)
	}
	addresses := &mail.AddressParser{WordDecoder: words}
	for _, h := range []string{"From", "To", "Cc"} {
		if h == "Cc" && m.Header.Get(h) == "" {
			continue
		}
		list, err := addresses.ParseList(m.Header.Get(h))
		if err != nil {
			t.Errorf("%s: %s: %v", name, h, err)
		}
		if h == "From" {
			got.from = list
		}
	}
	if _, err := m.Header.Date(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	got.walk(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	return got
}

func (m *message) walk(t *testing.T, kind, encoding string, body io.Reader) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatalf("%s: %q: %v", m.path, kind, err)
	}
	m.parts = append(m.parts, media)
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", m.path, err)
			}
			m.walk(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
		}
	}
	switch encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	if params["charset"] != "" {
		if body, err = words.CharsetReader(params["charset"], body); err != nil {
			t.Fatalf("%s: %v", m.path, err)
		}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("%s: %s: %v", m.path, media, err)
	}
	if strings.HasPrefix(media, "text/") && !utf8.Valid(b) {
		t.Errorf("%s: %s is not the charset it says", m.path, media)
	}
	if media == "text/plain" && m.text == "" {
		m.text = string(b)
	}
}

func TestMail(t *testing.T) {
	all := messages(t)
	languages, years, senders := map[string]int{}, map[string]int{}, map[string]int{}
	ids := map[string]string{}
	copies, bulk, attachments := 0, 0, 0
	for _, m := range all {
		if before, ok := ids[m.id]; ok {
			copies++
			if !slices.Equal(text.Forms(before), text.Forms(m.text)) { // line ends differ in the mbox
				t.Errorf("%s: a copy with another text", m.path)
			}
			continue
		}
		ids[m.id] = m.text
		languages[lang.Detect(m.text)]++
		date, _ := m.header.Date()
		years[date.UTC().Format("2006")]++
		senders[m.from[0].Address]++
		if slices.Contains(m.parts, "multipart/mixed") {
			attachments++
		}
		if m.bulk {
			bulk++
		}
		for _, a := range m.from {
			if !strings.HasSuffix(a.Address, ".example") {
				t.Errorf("%s: %s is somebody's address", m.path, a.Address)
			}
		}
	}
	t.Logf("%d messages, %d copies, %d bulk, %d with attachments; %v; %v; %d senders", len(ids), copies, bulk, attachments, languages, years, len(senders))
	if len(ids) < 280 || languages["en"] < 100 || languages["ru"] < 55 || languages["ar"] < 70 || len(languages) != 3 {
		t.Errorf("%d messages: %v; want about 300 in English, Russian, Arabic and nothing else", len(ids), languages)
	}
	for _, year := range []string{"2009", "2010", "2011", "2012", "2013", "2014"} {
		if years[year] < 10 {
			t.Errorf("%d messages of %s", years[year], year)
		}
	}
	if copies < 10 || bulk < 15 || attachments < 8 || len(senders) < 14 {
		t.Errorf("%d copies, %d bulk, %d with attachments, %d senders", copies, bulk, attachments, len(senders))
	}
}

// No two messages but copies say the same.
func TestMessagesVary(t *testing.T) {
	seen := map[string]string{}
	for _, m := range messages(t) {
		if other, ok := seen[m.text]; ok && other != m.id {
			t.Errorf("%s says what another message says:\n%s", m.path, m.text)
		}
		seen[m.text] = m.id
	}
}

func TestOtherFiles(t *testing.T) {
	kinds := map[string]int{}
	bodies := map[[32]byte]string{}
	duplicates, damaged := 0, 0
	for name, body := range sample.Files() {
		if !fs.ValidPath(name) {
			t.Errorf("path %q", name)
		}
		kinds[path.Ext(name)]++
		if sum := sha256.Sum256(body); bodies[sum] != "" {
			duplicates++
		} else {
			bodies[sum] = name
		}
		switch path.Ext(name) {
		case ".docx", ".zip":
			if _, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err != nil {
				damaged++
			}
		case ".pdf":
			if !bytes.HasPrefix(body, []byte("%PDF-")) || !bytes.Contains(body, []byte("/ToUnicode")) {
				t.Errorf("%s: no PDF with text", name)
			}
		}
	}
	for _, kind := range []string{".eml", ".mbox", ".pdf", ".docx", ".zip", ".txt", ".html", ".csv"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among the files", kind)
		}
	}
	if duplicates != 1 || damaged != 2 {
		t.Errorf("%d duplicates, %d damaged; want one and two", duplicates, damaged)
	}
}

func TestStory(t *testing.T) {
	var names []string
	for name, body := range sample.Story() {
		names = append(names, name)
		switch path.Ext(name) {
		case ".eml":
			m := read(t, name, body)
			if !slices.Contains(m.parts, "multipart/mixed") || !strings.Contains(m.text, "thermometer") {
				t.Errorf("%s: parts %q", name, m.parts)
			}
		case ".zip":
			if z, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err != nil || len(z.File) != 3 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if len(names) != 3 {
		t.Errorf("files of the story: %q; want three", names)
	}
}

// has reports whether a phrase of forms is in a text.
func has(forms []string, phrase string) bool {
	want := text.Forms(phrase)
	for i := 0; i+len(want) <= len(forms); i++ {
		if slices.Equal(forms[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func TestSite(t *testing.T) {
	site, err := sample.ReadSite()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string][]byte{}
	for name, body := range sample.Files() {
		paths[name] = body
	}
	for _, slug := range append([]string{string(site.Collection.ID)}, slugs(site)...) {
		if err := corpus.CheckSlug(slug); err != nil {
			t.Error(err)
		}
	}
	kinds := map[corpus.ClaimKind]int{}
	for _, a := range site.Answers {
		if len(a.Claims) == 0 || a.Claims[0].Kind != corpus.ClaimCount || a.Version != 1 {
			t.Errorf("%s: the first claim is no count", a.ID)
		}
		for _, c := range a.Claims {
			kinds[c.Kind]++
			if c.Kind == corpus.ClaimCount {
				if _, err := search.Parse(c.Query); err != nil || c.Query == "" || !strings.Contains(c.Text, "%d") {
					t.Errorf("%s: %q: %v", a.ID, c.Query, err)
				}
			}
			for _, p := range []string{c.DocumentPath, c.KeptCopyPath} {
				if p != "" {
					quoted(t, paths, p, c.Quote)
				}
			}
		}
	}
	for _, kind := range []corpus.ClaimKind{corpus.ClaimCount, corpus.ClaimDocument, corpus.ClaimOnRecord, corpus.ClaimReport, corpus.ClaimStatement} {
		if kinds[kind] == 0 {
			t.Errorf("no claim is %q", kind)
		}
	}
	for _, topic := range site.Topics {
		if _, err := search.Parse(topic.Query); err != nil {
			t.Errorf("%s: %v", topic.ID, err)
		}
	}
	for _, w := range site.Editing.Withheld {
		if paths[w.Path] == nil || !w.Reason.Valid() {
			t.Errorf("withheld: %+v", w)
		}
	}
	if len(site.Editing.Questions) != 3 {
		t.Errorf("%d questions; want 3", len(site.Editing.Questions))
	}
}

func slugs(s sample.Site) (all []string) {
	for _, o := range s.Origins {
		all = append(all, string(o.ID))
	}
	for _, e := range s.Entities {
		all = append(all, string(e.ID))
	}
	for _, t := range s.Topics {
		all = append(all, string(t.ID))
	}
	for _, a := range s.Answers {
		all = append(all, string(a.ID))
	}
	return all
}

// quoted checks that a path leads somewhere, and that what is quoted stands there
// where that can be read without a parser.
func quoted(t *testing.T, paths map[string][]byte, name, quote string) {
	t.Helper()
	if outer, inner, ok := strings.Cut(name, ".zip/"); ok {
		for found := true; found; {
			z, err := zip.NewReader(bytes.NewReader(paths[outer+".zip"]), int64(len(paths[outer+".zip"])))
			if err != nil {
				t.Fatalf("%s: %v", outer, err)
			}
			var member string
			member, inner, found = strings.Cut(inner, ".zip/")
			if found {
				member += ".zip"
			}
			f, err := z.Open(member)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			b, _ := io.ReadAll(f)
			outer = strings.TrimSuffix(member, ".zip")
			paths[member], paths[name] = b, b
		}
	}
	body, ok := paths[name]
	if !ok {
		t.Errorf("nothing at %s", name)
	}
	content := string(body)
	switch path.Ext(name) {
	case ".pdf":
		return
	case ".eml":
		content = read(t, name, body).text
	}
	if !has(text.Forms(content), quote) {
		t.Errorf("%s does not say %q", name, quote)
	}
}

// What the redactor takes out stands in one message and nowhere else, so that the
// gate can find it gone.
func TestRedactedNameIsInOneMessage(t *testing.T) {
	site, err := sample.ReadSite()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range site.Editing.Redacted {
		var in []string
		for _, m := range messages(t) {
			forms := text.Forms(m.subject + "\n" + m.text)
			if slices.ContainsFunc(r.Forms, func(f string) bool { return has(forms, f) }) {
				in = append(in, m.path)
			}
		}
		if !slices.Equal(in, []string{r.Path}) {
			t.Errorf("forms of %s are in %q", r.Path, in)
		}
	}
}

// The minister is named in three scripts, and every body has mail.
func TestPromisedCounts(t *testing.T) {
	site, err := sample.ReadSite()
	if err != nil {
		t.Fatal(err)
	}
	minister := site.Entities[0]
	origins := entity.NewOrigins(site.Origins)
	mentions, bodies, russian := 0, map[corpus.OriginID]bool{}, 0
	inScript := map[string]int{}
	for _, m := range messages(t) {
		msg := &corpus.Message{}
		for _, a := range m.from {
			msg.From = append(msg.From, corpus.Address{Name: a.Name, Addr: a.Address})
		}
		origin := origins.Of(msg, m.path)
		if origin == "" {
			t.Errorf("%s comes from nowhere", m.path)
		}
		bodies[origin] = true
		tongue := lang.Detect(m.text)
		if tongue == "ru" {
			russian++
		}
		forms := text.Forms(m.subject + "\n\n" + m.text)
		if slices.ContainsFunc(minister.Names, func(name string) bool { return has(forms, name) }) {
			mentions++
			inScript[tongue]++
		}
	}
	// What pages and tests elsewhere may count on. Who changes a letter changes them,
	// and sees it here first.
	if mentions != 41 || russian != 66 {
		t.Errorf("%d e-mail files mention the minister, %d are in Russian; want 41 and 66", mentions, russian)
	}
	if inScript["en"] == 0 || inScript["ru"] == 0 || inScript["ar"] == 0 {
		t.Errorf("the minister is named in %v", inScript)
	}
	if len(bodies) != len(site.Origins) {
		t.Errorf("mail of %d bodies; %d are described", len(bodies), len(site.Origins))
	}
}

// A larger sample holds the same letters, and ids that are each used once.
func TestAnySize(t *testing.T) {
	for _, size := range []sample.Size{{}, {Routine: 1}, {Routine: 700}} {
		files, entries := 0, 0
		for name, body := range sample.Generate(size) {
			files++
			if path.Ext(name) == ".mbox" {
				entries = strings.Count("\n"+string(body), "\nFrom ")
			}
		}
		if files+entries < 92+size.Routine {
			t.Errorf("%+v: %d files, %d entries of the mbox", size, files, entries)
		}
	}
}
