package archivetest

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/release"
)

// Documents of the fixture that tests name.
var (
	Tender     = ID(1)  // an e-mail in English with an attachment
	Reply      = ID(2)  // the answer to it
	Again      = ID(3)  // Tender once more, in another mailbox: the same message
	Newsletter = ID(4)  // bulk mail
	Russian    = ID(5)  // an e-mail in Russian
	Arabic     = ID(6)  // an e-mail in Arabic, redacted
	Annex      = ID(7)  // the attachment of Tender, a PDF with a page image and safe HTML
	Minutes    = ID(8)  // a text without date and language
	Bundle     = ID(9)  // a zip, redacted: released as a listing
	Inside     = ID(10) // a text in it
	Lonely     = ID(11) // in a collection of its own; the same bytes as Minutes
)

// ID is the n-th id of the fixture.
func ID(n int) corpus.DocumentID {
	var id corpus.DocumentID
	for i := range id {
		id[i] = byte(n*37 + i*11)
	}
	id[0] = byte(n)
	return id
}

// Text of Tender, for proofs and snippets.
const TenderText = `Dear Anna,

The tender for the harbour cameras closes on Friday. I was asked again to leave the
retention period out of the specification. With ninety days of faces in the system,
the port can say who met whom on the quay, and I do not think the council knows it.

Please look at the annex before you sign anything.

Ilya Voronin`

// First is a release with a little of everything: two collections, e-mails in three
// languages, a container, renditions, entities, a topic, origins, an answer with
// claims of each kind.
func First(t testing.TB, w *release.Writer) {
	t.Helper()
	Add(t, w, Harbour())
	Add(t, w, corpus.Collection{ID: "council-minutes", Title: "Minutes of the Belmar council", Summary: "What the council wrote down itself.",
		Route: corpus.RoutePublicRecord, Checked: "Compared with the printed minutes.", Version: 1,
		First: &corpus.Publication{By: "The council of Belmar", Date: "2012-03", URL: "https://council.example/minutes"}})
	for _, o := range []corpus.Origin{
		{ID: "port-authority", Title: "Belmar Port Authority", Description: "Runs the harbour.", Domains: []string{"port.example"}},
		{ID: "argus", Title: "Argus Optics", Domains: []string{"argus.example"}},
		{ID: "ministry", Title: "Ministry of Harbours", Domains: []string{"ministry.example"}},
	} {
		Add(t, w, o)
	}
	for _, d := range documents(t) {
		Add(t, w, d.Document)
		for _, r := range d.renditions {
			AddRendition(t, w, release.Rendition{Document: d.ID, Name: r.name, Label: r.label, Type: r.media}, r.bytes)
		}
	}
	Add(t, w, corpus.Entity{ID: "voronin", Kind: "person", Title: "Ilya Voronin", Names: []string{"Ilya Voronin", "Илья Воронин", "إيليا فورونين"},
		Description: "Engineer at the port authority.", Sampled: 20, Right: 19})
	Add(t, w, corpus.Entity{ID: "nobody", Kind: "person", Title: "Nobody", Names: []string{"—"}})
	Add(t, w, corpus.Topic{ID: "cameras", Title: "The harbour cameras", Query: "camera OR cameras OR камеры OR الكاميرات", Version: 1,
		Description: "Words for the cameras in three languages. Leaves out documents that speak of them only by their model."})
	answers(t, w)
	ledger := release.Ledger{Collection: "harbour"}
	for range 8 {
		ledger.Receive(0, corpus.Published, "", 1000)
	}
	ledger.Receive(0, corpus.Redacted, "", 900)
	ledger.Receive(0, corpus.Withheld, corpus.ReasonHarm, 500)
	ledger.Receive(1, corpus.Redacted, "", 400)
	ledger.Receive(1, corpus.Duplicate, "", 300)
	Add(t, w, ledger)
	Add(t, w, release.Decision{ID: "harbour-1", Collection: "harbour", Date: "2026-11-20",
		Questions: []release.Question{
			{Ask: release.AskAccurate, Answer: "Yes, as far as we could check.", For: []string{"Signatures of 41 e-mails hold.", "Two people named in them confirmed their parts."}, Against: []string{"Nine e-mails carry no signature."}},
			{Ask: release.AskNewsworthy, Answer: "Yes: the tender was never discussed in public.", For: []string{"The council's minutes do not mention it."}},
			{Ask: release.AskPublicInterest, Answer: "Yes: it concerns everybody who walks on the quay."},
		},
		Harm: "A clerk's phone number was taken out. The officials named acted in office.", Approved: []string{"editor", "editor"},
		Exceptions: []release.Exception{{State: corpus.Withheld, Reason: corpus.ReasonHarm, Files: 1, Text: "A medical certificate."}}})
}

// Harbour is the larger collection.
func Harbour() corpus.Collection {
	return corpus.Collection{ID: "harbour", Title: "The harbour papers",
		Summary:     "E-mails and documents on the cameras of Belmar harbour, from the tender to the first complaint.",
		Description: "In 2011 the port of Belmar asked for cameras.\n\nThese are the letters in which it was decided what they would see.",
		From:        "2011-02", To: "2013-07", Route: corpus.RouteSubmission,
		Hands:   "Sent to us through the submission system.",
		Unknown: "Whether it passed through other hands before.",
		Checked: "Signatures of e-mails, dates against the tender's public register, two people named.",
		Missing: "Attachments of the e-mails of March 2012 were not in what we received.", Version: 1}
}

func answers(t testing.TB, w *release.Writer) {
	Add(t, w, corpus.Answer{ID: "how-many-voronin", Question: "How many files mention Ilya Voronin?", Short: corpus.ShortCount, Version: 1,
		Claims: []corpus.Claim{{Kind: corpus.ClaimCount, Text: "%d files mention him by one of his names in three scripts.",
			Query: `"Ilya Voronin" OR "Илья Воронин" OR "إيليا فورونين"`, Measure: corpus.MeasureFiles}}})
	Add(t, w, corpus.Answer{ID: "critical-of-the-port", Question: "Has it released anything critical of the port authority?", Short: corpus.ShortYes, Version: 1,
		Text: "Yes. The harbour papers are mostly letters of its own engineers who object.",
		Claims: []corpus.Claim{
			{Kind: corpus.ClaimCount, Text: "%d distinct e-mails speak of the cameras.", Query: "camera OR cameras OR камеры OR الكاميرات", Measure: corpus.MeasureMessages},
			{Kind: corpus.ClaimCount, Text: "They come from %d bodies.", Query: "camera OR cameras OR камеры OR الكاميرات", Measure: corpus.MeasureOrigins},
			{Kind: corpus.ClaimDocument, Text: "An engineer objects in writing.", Document: Tender, Quote: "I do not think the council knows it"},
			{Kind: corpus.ClaimOnRecord, Text: "The port's spokesman confirmed the letter.", Who: "R. Halloran, spokesman", Where: "Belmar Courier", When: "2013-07-02", Quote: "The letter is genuine.", KeptCopy: Minutes},
			{Kind: corpus.ClaimReport, Text: "A second engineer is said to have left over it.", Who: "Radio Belmar", When: "2013-08", Basis: "one colleague, not named"},
			{Kind: corpus.ClaimStatement, Text: "We did not know of the tender before we received the papers."},
		}})
}

type fixtureDocument struct {
	release.Document
	renditions []fixtureRendition
}

type fixtureRendition struct {
	name, label, media string
	bytes              []byte
}

func documents(t testing.TB) []fixtureDocument {
	published := func(d corpus.Document, original string) fixtureDocument {
		return fixtureDocument{release.Document{Document: d, State: corpus.Published},
			[]fixtureRendition{{"original", "original bytes, as received", d.Type, []byte(original)}}}
	}
	redacted := func(d corpus.Document) fixtureDocument {
		return fixtureDocument{release.Document{Document: d, State: corpus.Redacted},
			[]fixtureRendition{{"text", "text, with passages taken out", "text/plain", []byte(d.Text)}}}
	}
	ilya := corpus.Address{Name: "Ilya Voronin", Addr: "i.voronin@port.example"}
	anna := corpus.Address{Name: "Anna Lund", Addr: "anna.lund@argus.example"}
	tender := mail(Tender, "Harbour cameras: the specification", "2011-03-04T09:12:00Z", "en", "port-authority", "port.example", "m1@port.example", nil, ilya, anna, TenderText)
	again := tender
	again.ID, again.Paths, again.Name = Again, []string{"lund/inbox/17.eml"}, "17.eml"
	newsletter := mail(Newsletter, "Optics today: cameras for every quay", "2012-01-09T06:00:00Z", "en", "argus", "argus.example", "n1@argus.example", nil,
		corpus.Address{Name: "Argus Optics", Addr: "news@argus.example"}, ilya, "This month: cameras that never blink. Unsubscribe at any time.")
	newsletter.Message = withBulk(newsletter.Message)
	annex := corpus.Document{ID: Annex, Collection: "harbour", Parent: Tender, Title: "Annex C: retention", Name: "annex-c.pdf", Paths: []string{"voronin/1.eml/annex-c.pdf"},
		Type: "application/pdf", Size: 48213, Date: at("2011-03-03T00:00:00Z"), Languages: []string{"en"}, Origin: "port-authority",
		Text: "Annex C. Images of persons are kept for ninety days and may be searched by face.", Facts: []corpus.Fact{{Name: "Producer", Value: "Office 9"}, {Name: "Pages", Value: "1"}}}
	a := published(annex, "%PDF-1.4 not really")
	a.renditions = append(a.renditions,
		fixtureRendition{"html", "safe HTML made by the desk", "text/html", []byte("<h1>Annex C</h1><p>Images of persons are kept for ninety days.</p>")},
		fixtureRendition{"page-0001", "page image made by the desk", "image/png", picture(t)})
	minutes := corpus.Document{ID: Minutes, Collection: "harbour", Title: "minutes.txt", Name: "minutes.txt", Paths: []string{"minutes.txt", "copy/minutes.txt"},
		Type: "text/plain", Size: 61, Text: "The quay. The cameras were not on the agenda.", Error: "the last line could not be read"}
	lonely := minutes
	lonely.ID, lonely.Collection, lonely.Title, lonely.Error, lonely.Date, lonely.Languages = Lonely, "council-minutes", "Minutes of 12 March", "", at("2012-03-12T00:00:00Z"), []string{"en"}
	return []fixtureDocument{
		published(tender, "From: Ilya Voronin <i.voronin@port.example>\r\nSubject: Harbour cameras: the specification\r\n\r\n"+TenderText),
		a,
		published(mail(Reply, "Re: Harbour cameras: the specification", "2011-03-04T16:40:00Z", "en", "argus", "argus.example", "m2@argus.example", []string{"m1@port.example"}, anna, ilya,
			"Ilya, the period stays out. It is what the ministry wants, and the ministry pays.\n\n> The tender for the harbour cameras closes on Friday."), "reply"),
		published(again, "another copy"),
		published(newsletter, "newsletter"),
		published(mail(Russian, "Камеры в порту", "2012-05-20T11:03:00Z", "ru", "ministry", "ministry.example", "r1@ministry.example", nil,
			corpus.Address{Name: "О. Седова", Addr: "sedova@ministry.example"}, ilya,
			"Уважаемый Илья Воронин!\n\nМинистерство настаивает: камеры должны хранить изображения девяносто дней. О совете города не беспокойтесь."), "russian"),
		redacted(mail(Arabic, "الكاميرات في الميناء", "2013-07-01T08:30:00Z", "ar", "port-authority", "port.example", "a1@port.example", []string{"r1@ministry.example"},
			corpus.Address{Name: "سلمى حداد", Addr: "s.haddad@port.example"}, ilya,
			"إلى إيليا فورونين،\n\nوصلت أول شكوى بشأن الكاميرات على الرصيف. اتصل بي على ████████ قبل أن تجيب المجلس.")),
		published(minutes, "The quay. The cameras were not on the agenda. ???"),
		redacted(corpus.Document{ID: Bundle, Collection: "harbour", Title: "offers.zip", Name: "offers.zip", Paths: []string{"offers.zip"}, Type: "application/zip", Size: 9000,
			Date: at("2011-04-01T00:00:00Z"), Text: "offer-a.txt\n████████"}),
		published(corpus.Document{ID: Inside, Collection: "harbour", Parent: Bundle, Title: "offer-a.txt", Name: "offer-a.txt", Paths: []string{"offers.zip/offer-a.txt"},
			Type: "text/plain", Size: 30, Languages: []string{"en"}, Text: "Offer A: forty cameras."}, "Offer A: forty cameras."),
		published(lonely, "The quay. The cameras were not on the agenda. ???"),
	}
}

func mail(id corpus.DocumentID, subject, date, lang string, origin corpus.OriginID, domain, mid string, refs []string, from, to corpus.Address, body string) corpus.Document {
	return corpus.Document{ID: id, Collection: "harbour", Title: subject, Name: strings.ToLower(id.String()[:4]) + ".eml", Paths: []string{"voronin/" + id.String()[:4] + ".eml"},
		Type: "message/rfc822", Size: int64(len(body) + 400), Date: at(date), Languages: []string{lang}, Origin: origin, Text: body,
		Facts:   []corpus.Fact{{Name: "From", Value: from.String()}, {Name: "To", Value: to.String()}, {Name: "X-Mailer", Value: "Post 3.1"}},
		Message: &corpus.Message{ID: mid, References: refs, From: []corpus.Address{from}, To: []corpus.Address{to}, Subject: subject, Domain: domain}}
}

func withBulk(m *corpus.Message) *corpus.Message {
	b := *m
	b.Bulk = true
	return &b
}

func at(s string) time.Time {
	d, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(fmt.Sprintf("fixture: %v", err))
	}
	return d
}

// picture is a small grey page.
func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 80))))
	return b.Bytes()
}
