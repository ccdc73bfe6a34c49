package web_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/desk/sqlite"
	"daylight/desk/web"
	"daylight/envelope"
	"daylight/internal/sqlkit"
	"daylight/release"
)

// newsroom is a desk with its pages served.
type newsroom struct {
	*desktest.World
	t   *testing.T
	srv *httptest.Server
}

func open(t *testing.T) *newsroom {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), &sqlkit.Key{1})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	w := desktest.NewWorld(t, db.Stores())
	h, err := web.New(w.Desk, web.Options{Banner: "Demonstration", Archive: "https://archive.example"})
	must(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &newsroom{w, t, srv}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person is a browser of somebody.
type person struct {
	n *newsroom
	c *http.Client
}

// as signs somebody in by their link, as a person does.
func (n *newsroom) as(id desk.EditorID) *person {
	n.t.Helper()
	p := n.nobody()
	secret, err := n.Link(n.t.Context(), "admin", id)
	must(n.t, err)
	if status, page := p.get("/sign-in/" + secret); status != 200 || !strings.Contains(page, "Sign in to the desk") {
		n.t.Fatalf("sign-in page %d", status)
	}
	if status, _ := p.post("/sign-in", url.Values{"link": {secret}}); status != 200 {
		n.t.Fatalf("sign in as %s: %d", id, status)
	}
	return p
}

func (n *newsroom) nobody() *person {
	jar, err := cookiejar.New(nil)
	must(n.t, err)
	return &person{n, &http.Client{Jar: jar}}
}

func (p *person) get(path string) (int, string) {
	p.n.t.Helper()
	res, err := p.c.Get(p.n.srv.URL + path)
	return p.read(res, err)
}

func (p *person) post(path string, v url.Values) (int, string) {
	p.n.t.Helper()
	res, err := p.c.PostForm(p.n.srv.URL+path, v)
	return p.read(res, err)
}

func (p *person) read(res *http.Response, err error) (int, string) {
	p.n.t.Helper()
	must(p.n.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(p.n.t, err)
	return res.StatusCode, string(b)
}

// see gets a page and fails unless it holds the words.
func (p *person) see(path string, words ...string) string {
	p.n.t.Helper()
	status, page := p.get(path)
	if status != 200 {
		p.n.t.Fatalf("GET %s: %d: %s", path, status, page)
	}
	for _, w := range words {
		if !strings.Contains(page, w) {
			p.n.t.Fatalf("GET %s: no %q in:\n%s", path, w, page)
		}
	}
	return page
}

// do sends a form and fails unless it is taken.
func (p *person) do(path string, pairs ...string) string {
	p.n.t.Helper()
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	status, page := p.post(path, v)
	if status != 200 {
		p.n.t.Fatalf("POST %s: %d: %s", path, status, page)
	}
	return page
}

// received makes a case of what a source sends, through the pages.
func received(n *newsroom, files ...string) (talk string, id desk.CaseID) {
	n.t.Helper()
	n.NewSource().Send("Please look at these.", files...)
	if _, err := n.Fetch(n.t.Context(), n.Intake); err != nil {
		n.t.Fatal(err)
	}
	h := n.as("handler")
	talk = find(n.t, h.see("/conversations"), `href="(/conversation/[0-9a-f]+)"`)
	h.see(talk, "Please look at these.")
	page := h.see(talk + "/case")
	h.do(talk+"/case", "message", find(n.t, page, `name="message" value="([0-9a-f]+)"`), "title", "Harbour papers")
	cases, err := n.Cases(n.t.Context(), "editor-a")
	must(n.t, err)
	return talk, cases[0].ID
}

func find(t testing.TB, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no %s in:\n%s", pattern, page)
	}
	return m[1]
}

// document finds the address of a file's page by its title.
func document(t testing.TB, page, title string) string {
	t.Helper()
	return find(t, page, `href="(/case/[0-9a-f]+/file/[0-9a-z]+)"[^>]*>`+regexp.QuoteMeta(title)+`<`)
}

// answers are a whole record of the three questions and of harm.
var answers = []string{"for0", "Two letters agree.", "against0", "One date is odd.", "public0", "We think so.",
	"for1", "Public money.", "against1", "It is old.", "public1", "Yes.", "for2", "Who paid.", "against2", "A name.", "public2", "Yes.",
	"notes2", "Ask again.", "intrusion", "2", "interest", "3", "affected", "Clerks, in their function."}

// TestLinesOfTwoDirections: in an Arabic document, a line that begins with a name in Latin
// letters is shown from right to left; one that has no other letters is not.
func TestLinesOfTwoDirections(t *testing.T) {
	n := open(t)
	_, id := received(n, "minutes.ar.txt", "محضر اجتماع اللجنة في الميناء يوم الأحد.\nIvan Petrov: بعد أسبوعين، إن شاء الله.\nbefore noon\n")
	const shows = " dir=\"rtl\" lang=\"ar\" tabindex=\"0\" role=\"region\" aria-label=\"Text\">محضر اجتماع اللجنة في الميناء يوم الأحد.\n<span dir=\"rtl\">Ivan Petrov: بعد أسبوعين، إن شاء الله.\n</span>before noon"
	red := n.as("redactor")
	file := document(t, red.see("/case/"+string(id)+"/files"), "minutes.ar.txt")
	red.see(file, shows)
	red.see(file+"/redact", shows)
	if page := red.do(file+"/redact/try", "forms", "Petrov"); !strings.Contains(page, "<span dir=\"rtl\">Ivan ") {
		t.Errorf("a trial shows\n%s", page)
	}
}

func TestStoryThroughThePages(t *testing.T) {
	n := open(t)
	talk, id := received(n, "letter.txt", "The tender was bent.", "memo.txt", "Ask Mira Velen about it.", "private.txt", "A home address")
	h, red, a, b := n.as("handler"), n.as("redactor"), n.as("editor-a"), n.as("editor-b")
	base := "/case/" + string(id)

	file := find(t, h.see(talk), `href="(/conversation/[0-9a-f]+/[0-9a-f]+/0)"`)
	h.see(file, "The tender was bent.")
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	must(t, m.WriteField("text", "Thank you."))
	must(t, m.Close())
	res, err := h.c.Post(n.srv.URL+talk+"/reply", m.FormDataContentType(), &form)
	if status, page := h.read(res, err); status != 200 || !strings.Contains(page, "Your answer is sealed") {
		t.Fatalf("reply %d: %s", status, page)
	}

	files := a.see(base+"/files", "letter.txt", "memo.txt", "3 files", "Plan to publish all 3 that are undecided")
	a.do(base+"/files", "do", "publish the rest")
	private := document(t, files, "private.txt")
	if status, page := a.post(private, url.Values{"do": {"withhold"}, "note": {"n"}}); status != 400 || !strings.Contains(page, "five reasons") {
		t.Errorf("withheld without a reason: %d: %s", status, page)
	}
	a.do(private, "do", "withhold", "reason", "harm to a person", "note", "A private home.")

	memo := document(t, files, "memo.txt")
	if page := red.do(memo+"/redact/try", "forms", "Mira Velen"); !strings.Contains(page, "Would take out 1 place of") {
		t.Errorf("trial: %s", page)
	}
	if page := red.do(memo+"/redact", "forms", "Mira Velen"); !strings.Contains(page, "Redacted:") || !strings.Contains(page, "Takes out 1 place of") {
		t.Errorf("redacted: %s", page)
	}

	a.do(base+"/provenance", "title", "Harbour papers", "summary", "Papers of a harbour.", "route", "submission", "unknown", "All before us.", "checked", "Read in full.")
	b.do(base+"/questions", answers...)
	red.do(base + "/release/gate")
	a.see(base, "not public yet", "0 undecided")
	a.see(base+"/release", "The 1 listed form was not found", "2 editors must still approve")

	manifest := func(p *person) string {
		return find(t, p.see(base+"/release"), `name="manifest" value="([0-9a-f]{64})"`)
	}
	approve := []string{"manifest", manifest(a), "answer0", "yes", "answer1", "yes", "answer2", "yes"}
	for who, p := range map[string]*person{"handler": h, "redactor": red} {
		v := url.Values{"manifest": {approve[1]}, "answer0": {"yes"}, "answer1": {"yes"}, "answer2": {"yes"}}
		if status, page := p.post(base+"/release/approve", v); status != 403 || !strings.Contains(page, "Only an editor can approve") {
			t.Errorf("%s approves: %d: %s", who, status, page)
		}
	}
	a.do(base+"/release/approve", approve...)
	if status, page := a.post(base+"/release", nil); status != 409 || !strings.Contains(page, "1 editor must still approve") {
		t.Errorf("release with one approval: %d: %s", status, page)
	}
	a.see(base+"/preview/", "letter.txt", "redacted: memo.txt")
	b.see(base+"/release", "approves</span> Ana, <time>")
	b.do(base+"/release/approve", approve...)
	if page := b.do(base + "/release"); !strings.Contains(page, "Released. Nothing waits.") || !strings.Contains(page, `https://archive.example/collections/harbour-papers`) {
		t.Errorf("released: %s", page)
	}
	page := b.see("/releases", "release-000001.daylight", "<td>Ana, Bo</td>")
	for path, gone := range map[string]string{"/": "Harbour papers", base: "Nothing is chosen", base + "/release": "0 of 2", private: "planned"} {
		if strings.Contains(a.see(path), gone) {
			t.Errorf("after the release %s still says %q", path, gone)
		}
	}
	a.see(base+"/ledger", "Withheld for: harm to a person 1.")
	n.as("admin").see("/audit", "follow from each other")
	if status, page := a.get(find(t, page, `href="(/release/1)"`)); status != 200 || strings.Contains(page, "Velen") || strings.Contains(page, "home address") {
		t.Errorf("release file %d holds what was taken out or withheld", status)
	}
}

// TestNextLeadsPastNobody: as long as nothing is taken out, a redactor comes before the
// gate, which an edit would void; files that are undecided, before what comes after them.
func TestNextLeadsPastNobody(t *testing.T) {
	n := open(t)
	_, id := received(n, "letter.txt", "The tender was bent.", "memo.txt", "Ask Mira Velen about it.")
	base := "/case/" + string(id)
	a, red := n.as("editor-a"), n.as("redactor")
	next := func(p *person, path string) string {
		t.Helper()
		page := p.see(path)
		at := regexp.MustCompile(`(?s)<div class="next row">(.*?)</div>`).FindStringSubmatch(page)
		if at == nil {
			return ""
		}
		return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(at[1], " ")), " ")
	}
	want := func(p *person, path, words string) {
		t.Helper()
		if got := next(p, path); got != words {
			t.Errorf("%s says %q is next; want %q", path, got, words)
		}
	}
	want(a, base, "Next: Decide about its files")
	memo := document(t, a.see(base+"/files"), "memo.txt")
	a.do(memo, "do", "publish")
	want(a, memo, "Next: Decide about 1 more file or Say where it comes from with 1 file left undecided")
	a.do(base+"/files", "do", "publish the rest")
	want(a, memo, "Next: Say where it comes from")
	want(red, base, "Next: Open a file to take something out")
	if page := a.do(base+"/provenance", "title", "Harbour papers", "summary", "Papers of a harbour.", "route", "submission"); !strings.Contains(page, "does not say how it was checked") {
		t.Error("saving half of where it comes from does not say what is missing")
	}
	if page := a.do(base+"/provenance", "title", "Harbour papers", "summary", "Papers of a harbour.", "route", "submission", "unknown", "All before us.", "checked", "Read in full."); !strings.Contains(page, "Is it accurate?") || !strings.Contains(page, "Provenance saved.") {
		t.Error("saving where it comes from does not lead to the three questions, or does not say there what was saved")
	}
	if page := a.do(base+"/questions", answers...); !strings.Contains(page, "Before it, a redactor may take something out.") || !strings.Contains(page, "Questions saved.") {
		t.Error("saving the questions does not lead to the gate, or past the redactor, or does not say what was saved")
	}
	want(a, base, "Next: Run the gate Before it, a redactor may take something out.")
	want(red, base, "Next: Open a file to take something out or Run the gate")
	want(red, base+"/files", "Next: Take something out, or Run the gate")
	want(red, memo, "Next: Take something out, or Run the gate")
	if page := red.do(memo+"/redact", "forms", "Mira Velen", "public", "A person’s name."); !strings.Contains(page, `action="`+base+`/release/gate"`) {
		t.Error("after a redaction there is no button for the gate")
	}
	if page := a.do("/cases", "title", "Another"); !strings.Contains(page, "The case is made.") {
		t.Error("the page of a new case does not say that it is made")
	}
	red.do(base + "/release/gate")
	want(red, base, "")
	want(a, base, "Next: Read it and approve")
}

// TestMatrix asks for every route in every role and as nobody.
func TestMatrix(t *testing.T) {
	n := open(t)
	talk, id := received(n, "letter.txt", "The tender was bent.", "other.txt", "Another text.")
	base := "/case/" + string(id)
	file := document(t, n.as("editor-a").see(base+"/files"), "letter.txt")
	message := find(t, n.as("handler").see(talk), `href="(/conversation/[0-9a-f]+/[0-9a-f]+/0)"`)

	const H, R, E, A = "handler", "redactor", "editor-a", "admin"
	people := map[string]*person{H: n.as(H), R: n.as(R), E: n.as(E), A: n.as(A), "": n.nobody()}
	for _, c := range []struct {
		route string
		may   string
	}{
		{"GET /", H + R + E + A}, {"GET /about", H + R + E + A}, {"GET /account", H + R + E + A},
		{"GET /conversations", H}, {"GET " + talk, H}, {"POST " + talk + "/reply", H}, {"GET " + talk + "/case", H}, {"POST " + talk + "/case", H},
		{"POST " + talk + "/join", H}, {"POST " + talk + "/aside", H}, {"POST " + talk + "/handover", H}, {"POST " + talk + "/insert", H},
		{"GET /saved", H}, {"POST /saved", H}, {"POST /saved/delete", H},
		{"GET " + message, H}, {"GET " + message + "/download", H}, {"POST " + message + "/destroy", H},
		{"GET /cases", H + R + E}, {"POST /cases", E},
		{"GET " + base, H + R + E}, {"POST " + base + "/status", E},
		{"GET " + base + "/files", H + R + E}, {"POST " + base + "/files", E},
		{"GET " + file, H + R + E}, {"POST " + file, E}, {"GET " + file + "/original", H + R + E}, {"POST " + file + "/destroy", H},
		{"GET " + file + "/redact", R + E}, {"POST " + file + "/redact", R}, {"POST " + file + "/redact/try", R + E},
		{"GET " + base + "/provenance", H + R + E}, {"POST " + base + "/provenance", E},
		{"GET " + base + "/questions", H + R + E}, {"POST " + base + "/questions", E},
		{"GET " + base + "/release", H + R + E}, {"POST " + base + "/release/gate", R + E}, {"POST " + base + "/release/exception", E}, {"POST " + base + "/release/condition", E},
		{"POST " + base + "/release/approve", E}, {"POST " + base + "/release", E},
		{"GET " + base + "/ledger", H + R + E}, {"GET " + base + "/preview/", H + R + E},
		{"GET /releases", H + R + E}, {"GET /release/1", H + R + E}, {"GET /audit", E + A},
		{"GET /people", A}, {"POST /people", A}, {"POST /people/editor-b/link", A},
	} {
		for who, p := range people {
			method, path, _ := strings.Cut(c.route, " ")
			var status int
			if method == "GET" {
				status, _ = p.get(path)
			} else {
				status, _ = p.post(path, url.Values{"manifest": {strings.Repeat("0", 64)}})
			}
			// Whoever may gets an answer to the question itself: a page, or what is wrong
			// with an empty form.
			want := "let in"
			got := fmt.Sprint(status)
			switch {
			case who == "":
				want = "401"
			case !strings.Contains(c.may, who):
				want = "403"
			case status != 401 && status != 403 && status < 500:
				got = "let in"
			}
			if got != want {
				t.Errorf("%s as %q: %s; want %s", c.route, who, got, want)
			}
		}
	}
}

// TestPagesKnowChannels: with two teams, a handler reads to whom a source wrote, and
// an administrator says who reads what; with one, nobody is asked.
func TestPagesKnowChannels(t *testing.T) {
	n := open(t)
	talk, _ := received(n, "letter.txt", "The tender was bent.")
	if page := n.as("admin").see("/people"); strings.Contains(page, `name="channel"`) {
		t.Error("a choice between no teams")
	}
	key := n.Private[0].Public()
	n.List = envelope.KeyList{Serial: 1, Channels: []envelope.Channel{
		{ID: "politics", Names: []envelope.Words{{Language: "ru", Text: "Политика"}, {Language: "en", Text: "Politics desk"}}, Keys: []envelope.PublicKey{key}},
		{ID: "harbour", Names: []envelope.Words{{Language: "en", Text: "The harbour"}}, Keys: []envelope.PublicKey{key}}}}
	n.NewSource().SendTo("harbour", "The sluice is open.")
	_, err := n.Fetch(t.Context(), n.Intake)
	must(t, err)
	h := n.as("handler")
	page := h.see("/conversations", `<span class="tag">The harbour</span>`)
	for _, link := range regexp.MustCompile(`/conversation/[0-9a-f]+`).FindAllString(page, -1) {
		if link != talk {
			h.see(link, "The source wrote to The harbour")
		}
	}
	a := n.as("admin")
	a.see("/people", "A handler sees what is sent to", "Politics desk") // of somebody new
	a.do("/people", "id", "handler", "name", "Hana", "role", "handler", "channel", "politics")
	a.see("/people?of=handler", `value="politics" checked`)
	if page := h.see("/conversations"); strings.Contains(page, "The harbour") || strings.Contains(page, talk) {
		t.Error("a handler of politics sees what was sent to others")
	}
	n.List.Channels = n.List.Channels[1:]
	a.see("/people?of=handler", `value="politics" checked> politics <span class="soft">given up</span>`)
	if status, _ := a.post("/people", url.Values{"id": {"handler"}, "name": {"Hana"}, "role": {"handler"}, "channel": {"nobody"}}); status != 400 {
		t.Errorf("a channel that is not there: %d; want 400", status)
	}
}

// TestTheNewsroomsWordsAndKeys: whoever works here can read the words aloud, and sees
// what of the keys is about to become public.
func TestTheNewsroomsWordsAndKeys(t *testing.T) {
	n := open(t)
	must(t, n.NoteKeys(t.Context(), []release.Key{{Event: release.KeyRetired, Use: release.KeyOpens, Name: "harbour 2026", Public: "p", Channels: []string{"harbour"}, Date: "2026-11-27"}}))
	n.as("handler").see("/about", "<li>clergyman</li><li>rupture</li>")
	e := n.as("editor-a")
	id := find(t, e.see("/cases", desk.KeysTitle), `href="/case/([0-9a-f]+)"`)
	e.see("/case/"+id, "Events of keys")
	e.see("/case/"+id+"/release", "<strong>harbour 2026</strong>, which opens <code>harbour</code>, was retired.")
	e.see("/", "Run the gate")
}

func TestEditorsNeverSeeTheConversation(t *testing.T) {
	n := open(t)
	talk, id := received(n, "letter.txt", "The tender was bent.")
	all, err := n.Conversations(t.Context(), "handler")
	must(t, err)
	a := n.as("editor-a")
	base := "/case/" + string(id)
	file := document(t, a.see(base+"/files"), "letter.txt")
	for _, path := range []string{"/", "/cases", base, base + "/files", file, base + "/provenance", base + "/questions", base + "/release", base + "/ledger", "/audit"} {
		page := a.see(path)
		for _, secret := range []string{strings.TrimPrefix(talk, "/conversation/")[:12], all[0].Pseudonym, string(all[0].Mailbox), "Please look at these."} {
			if strings.Contains(page, secret) {
				t.Errorf("%s shows an editor %q", path, secret)
			}
		}
	}
}

// TestSignInLeadsToTheOnlyThing: whoever has one thing to do comes to it at once; whoever
// has several, or none, to what waits.
func TestSignInLeadsToTheOnlyThing(t *testing.T) {
	n := open(t)
	where := func(id desk.EditorID) string {
		t.Helper()
		p := n.nobody()
		secret, err := n.Link(t.Context(), "admin", id)
		must(t, err)
		res, err := p.c.PostForm(n.srv.URL+"/sign-in", url.Values{"link": {secret}})
		must(t, err)
		res.Body.Close()
		return res.Request.URL.Path
	}
	if at := where("editor-a"); at != "/" {
		t.Errorf("with nothing to do: %s", at)
	}
	talk, id := received(n, "letter.txt", "The tender was bent.")
	for who, want := range map[desk.EditorID]string{"handler": talk, "redactor": "/case/" + string(id) + "/files", "editor-a": "/case/" + string(id) + "/files", "admin": "/"} {
		if at := where(who); at != want {
			t.Errorf("%s comes to %s; want %s", who, at, want)
		}
	}
	n.NewSource().Send("Another.", "b.txt", "Another text.")
	if _, err := n.Fetch(t.Context(), n.Intake); err != nil {
		t.Fatal(err)
	}
	if at := where("handler"); at != "/" {
		t.Errorf("with two sources that wait: %s", at)
	}
}

func TestSessions(t *testing.T) {
	n := open(t)
	secret, err := n.Link(t.Context(), "admin", "editor-a")
	must(t, err)
	p := n.nobody()
	p.get("/sign-in/" + secret) // looking does not use it up
	if status, _ := p.post("/sign-in", url.Values{"link": {secret}}); status != 200 {
		t.Fatalf("sign in: %d", status)
	}
	if status, page := n.nobody().post("/sign-in", url.Values{"link": {secret}}); status != 401 || !strings.Contains(page, "used already") {
		t.Errorf("second use: %d: %s", status, page)
	}
	n.Clock = n.Clock.Add(desk.SessionIdle - 2*time.Second)
	p.see("/")
	n.Clock = n.Clock.Add(desk.SessionIdle - 2*time.Second)
	p.see("/") // use has kept it alive
	n.Clock = n.Clock.Add(desk.SessionIdle)
	if status, _ := p.get("/"); status != 401 {
		t.Errorf("after thirty idle minutes: %d; want 401", status)
	}
	p = n.as("editor-a")
	p.do("/sign-out")
	if status, _ := p.get("/"); status != 401 {
		t.Errorf("after signing out: %d; want 401", status)
	}
	p = n.as("editor-a")
	must(t, n.PutUser(t.Context(), "admin", desk.User{ID: "editor-a", Name: "Ana", Roles: []desk.Role{desk.Editor}, Closed: true}))
	if status, _ := p.get("/"); status != 401 {
		t.Errorf("with a closed account: %d; want 401", status)
	}
}

func TestHostileNamesAreText(t *testing.T) {
	n := open(t)
	_, id := received(n, `<script>alert(1)</script>.txt`, `<img src=x onerror=alert(1)> "quoted" 'text'`)
	a := n.as("editor-a")
	page := a.see("/case/" + string(id) + "/files")
	if strings.Contains(page, "<script>") {
		t.Error("a file's name is markup")
	}
	d, err := n.Documents(t.Context(), "editor-a", id, desk.Filter{}, "", 0, 10)
	must(t, err)
	path := "/case/" + string(id) + "/file/" + d.Items[0].ID().String()
	if strings.Contains(a.see(path), "<img") {
		t.Error("a file's text is markup")
	}
	res, err := a.c.Get(n.srv.URL + path + "/original")
	must(t, err)
	defer res.Body.Close()
	if kind, how := res.Header.Get("Content-Type"), res.Header.Get("Content-Disposition"); kind != "application/octet-stream" || !strings.HasPrefix(how, "attachment") {
		t.Errorf("original as %q, %q; want bytes to be saved", kind, how)
	}
}

func TestWrongAddresses(t *testing.T) {
	n := open(t)
	_, id := received(n, "letter.txt", "The tender was bent.")
	a, h := n.as("editor-a"), n.as("handler")
	for _, path := range []string{"/nothing", "/case/none", "/case/none/files", "/case/" + string(id) + "/file/none",
		"/case/" + string(id) + "/file/" + corpus.NewDocumentID().String(), "/release/9", "/release/x", "/case/" + string(id) + "/files?page=0"} {
		if status, _ := a.get(path); status != 404 {
			t.Errorf("%s: %d; want 404", path, status)
		}
	}
	if status, _ := h.get("/conversation/none"); status != 404 {
		t.Errorf("conversation: %d; want 404", status)
	}
	a.see("/case/"+string(id)+"/files?q=%22open", "note bad") // a mistake in the query is shown with the list
}

func TestFormsFromOtherSitesAreRefused(t *testing.T) {
	n := open(t)
	a := n.as("editor-a")
	req, err := http.NewRequest("POST", n.srv.URL+"/cases", strings.NewReader("title=x"))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := a.c.Do(req)
	if status, _ := a.read(res, err); status != 403 {
		t.Errorf("form of another site: %d; want 403", status)
	}
}

// TestLargeFormsTouchNoDisk: only the answer to a source may have files.
func TestLargeFormsTouchNoDisk(t *testing.T) {
	n := open(t)
	a := n.as("editor-a")
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	must(t, w.WriteField("title", "Large"))
	f, err := w.CreateFormFile("files", "large")
	must(t, err)
	f.Write(make([]byte, 40<<20)) // more than the standard library keeps in memory
	must(t, w.Close())
	res, err := a.c.Post(n.srv.URL+"/cases", w.FormDataContentType(), &b)
	if err == nil { // the connection may be closed before all is sent
		if status, _ := a.read(res, err); status < 400 {
			t.Errorf("a form of 40 MiB: %d; want it refused", status)
		}
	}
	if all, err := n.Cases(t.Context(), "editor-a"); err != nil || len(all) != 0 {
		t.Errorf("%d cases, %v; want none", len(all), err)
	}
}

func TestNoNameOfADownloadMisleads(t *testing.T) {
	n := open(t)
	talk, id := received(n, "pay\u202efdp.exe", "MZ", "..hidden", "x")
	d, err := n.Documents(t.Context(), "editor-a", id, desk.Filter{}, "", 0, 10)
	must(t, err)
	h := n.as("handler")
	paths := []string{find(t, h.see(talk), `href="(/conversation/[0-9a-f]+/[0-9a-f]+/0)"`) + "/download"}
	for _, i := range d.Items {
		paths = append(paths, "/case/"+string(id)+"/file/"+i.ID().String()+"/original")
	}
	for _, path := range paths {
		res, err := h.c.Get(n.srv.URL + path)
		must(t, err)
		res.Body.Close()
		_, p, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		must(t, err)
		if name := p["filename"]; name == "" || strings.ContainsRune(name, 0x202e) || name[0] == '.' {
			t.Errorf("%s is offered as %q", path, name)
		}
	}
}
