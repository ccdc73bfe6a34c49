package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
)

// waiting is what waits for a person, in the order in which it should be done.
type waiting struct {
	U       desk.User
	Waiting []desk.Conversation // new, unanswered or handed over, and nobody else's
	New     int                 // of them, with something that nobody has opened
	Others  int                 // that wait, and other handlers look after
	Aside   int                 // put aside, by the desk or by people
	Unseen  int                 // of them, with something that nobody has opened
	Cases   []caseRow

	Unopened desk.UnopenedSum
}

func (s *site) waiting(r *http.Request, u desk.User) (waiting, error) {
	all := waiting{U: u}
	if u.Is(desk.Handler) {
		talks, err := s.desk.Conversations(r.Context(), u.ID)
		if err != nil {
			return all, err
		}
		if all.Unopened, err = s.desk.Unopened(r.Context(), u.ID); err != nil {
			return all, err
		}
		for _, c := range talks {
			fresh := 0
			if c.New() > 0 {
				fresh = 1
			}
			switch {
			case c.Aside:
				all.Aside++
				all.Unseen += fresh
			case c.Queued(u.ID):
				all.Waiting = append(all.Waiting, c)
				all.New += fresh
			case c.Waits || fresh > 0:
				all.Others++
			}
		}
	}
	if u.Is(material...) {
		rows, err := s.caseRows(r, u)
		if err != nil {
			return all, err
		}
		all.Cases = slices.DeleteFunc(rows, func(c caseRow) bool { return c.Case.Status != desk.StatusOpen || c.Ready.Done })
	}
	return all, nil
}

// only is the address of the one thing that a person can do; "/" where there are none
// or several.
func (w waiting) only() string {
	var all []string
	for _, c := range w.Waiting {
		all = append(all, "/conversation/"+string(c.ID))
	}
	if w.Unseen > 0 {
		all = append(all, "/conversations")
	}
	for _, c := range w.Cases {
		if c.Mine != nil {
			all = append(all, "/case/"+string(c.Case.ID)+"/"+c.Mine.Tab)
		}
	}
	if len(all) != 1 {
		return "/"
	}
	return all[0]
}

func (s *site) home(w http.ResponseWriter, r *http.Request, u desk.User) error {
	all, err := s.waiting(r, u)
	if err != nil {
		return err
	}
	return s.show(w, r, u, "home", all)
}

// caseRow is a case in a list, with what it waits for.
type caseRow struct {
	Case  desk.Case
	Ready desk.Readiness
	Mine  *todo // what this person can do next; nil when nothing
}

func (s *site) caseRows(r *http.Request, u desk.User) ([]caseRow, error) {
	cases, err := s.desk.Cases(r.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	var rows []caseRow
	for _, c := range cases {
		ready, err := s.desk.Readiness(r.Context(), u.ID, c.ID)
		if err != nil {
			return nil, err
		}
		rows = append(rows, caseRow{c, ready, next(u, c, ready)})
	}
	return rows, nil
}

// todo is what a person can do next for a case.
type todo struct {
	Text string
	Tab  string // the page of the case where it is done
	Do   string // the form that does it from any page; "" where it needs its page
	Note string // what to know before; alone, it says what this page is for
	Else *todo  // what may be done instead
}

// on is what a page shows of it: not what is done on this page anyway.
func (t *todo) on(tab string) *todo {
	switch {
	case t == nil:
		return nil
	case t.Text == takeOut && (tab == "files" || tab == "document") && t.Else != nil:
		return &todo{Note: "Take something out, or", Else: t.Else}
	case t.Tab == tab, t.Text == takeOut && tab == "document":
		return t.Else
	case t.Else != nil && t.Else.Tab == tab:
		return &todo{Text: t.Text, Tab: t.Tab}
	}
	return t
}

const takeOut = "Open a file to take something out"

// next says what a person can do for a case, if anything.
func next(u desk.User, c desk.Case, r desk.Readiness) *todo {
	documents := r.Publish+r.Redacted()+r.Withhold > 0
	nothing := !documents && r.Authored == 0
	lacks := documents && len(c.Lacks()) > 0
	ready := !nothing && !lacks && (!r.Asked || len(c.Decision.Lacks()) == 0)
	whole := r.Redact == 0 && r.Publish > 0 // nobody has taken anything out yet
	switch {
	case c.Status != desk.StatusOpen:
	case ready && !gated(c, r) && u.Is(gate...):
		run := &todo{Text: "Run the gate", Tab: "release", Do: "release/gate"}
		switch {
		case whole && u.Is(desk.Redactor):
			return &todo{Text: takeOut, Tab: "files", Else: run}
		case whole:
			run.Note = "Before it, a redactor may take something out."
		}
		return run
	case !u.Is(desk.Editor):
		if u.Is(desk.Redactor) && r.Redact == 0 && r.Publish+r.Pending > 0 && !gated(c, r) {
			return &todo{Text: takeOut, Tab: "files"}
		}
	case len(r.WhyNot) == 0:
		return &todo{Text: "Release it", Tab: "release"}
	case nothing && r.Pending > 0:
		return &todo{Text: "Decide about its files", Tab: "files"}
	case nothing:
	case lacks:
		from := &todo{Text: "Say where it comes from", Tab: "provenance"}
		if r.Pending > 0 {
			from.Note = "with " + count(r.Pending, "file", "files") + " left undecided"
			return &todo{Text: "Decide about " + count(r.Pending, "more file", "more files"), Tab: "files", Else: from}
		}
		return from
	case !ready:
		return &todo{Text: "Answer the three questions", Tab: "questions"}
	case c.Barred[u.ID] == "" && !slices.Contains(r.Approve, u.ID):
		return &todo{Text: "Read it and approve", Tab: "release"}
	}
	return nil
}

// onward sends the browser on after a form of a case: to what is next for this person,
// or back to the form's own page, whose name says what was done.
func (s *site) onward(w http.ResponseWriter, r *http.Request, u desk.User, page string) error {
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	ready, err := s.desk.Readiness(r.Context(), u.ID, c.ID)
	if err != nil {
		return err
	}
	tab := page
	if t := next(u, c, ready); t != nil && t.Tab != "files" {
		tab = t.Tab
	}
	return back(w, r, "/case/"+string(c.ID)+"/"+tab, page)
}

// gated reports whether the gate found nothing in exactly this release.
func gated(c desk.Case, r desk.Readiness) bool {
	return c.Gate != nil && c.Gate.Manifest == r.Manifest && c.Gate.Clean()
}

func (s *site) cases(w http.ResponseWriter, r *http.Request, u desk.User) error {
	rows, err := s.caseRows(r, u)
	if err != nil {
		return err
	}
	return s.show(w, r, u, "cases", map[string]any{"Rows": rows, "Editor": u.Is(desk.Editor)})
}

func (s *site) newCase(w http.ResponseWriter, r *http.Request, u desk.User) error {
	c, err := s.desk.NewCase(r.Context(), u.ID, r.PostForm.Get("title"))
	if err != nil {
		return err
	}
	return back(w, r, "/case/"+string(c.ID), "case")
}

func caseID(r *http.Request) desk.CaseID { return desk.CaseID(r.PathValue("case")) }

// casePage is what every page of a case shows, and what it has of its own.
type casePage struct {
	U     desk.User
	C     *desk.Case
	Ready desk.Readiness
	Tab   string
	Next  *todo
	Gated bool
	X     any
}

// inCase shows a page of a case.
func (s *site) inCase(w http.ResponseWriter, r *http.Request, u desk.User, tab string, x any) error {
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	ready, err := s.desk.Readiness(r.Context(), u.ID, c.ID)
	if err != nil {
		return err
	}
	return s.show(w, r, u, tab, casePage{u, &c, ready, tab, next(u, c, ready).on(tab), gated(c, ready), x})
}

// step is one line of the way to a release.
type step struct {
	Text string
	Link string
	Done bool
	More string
}

func (s *site) caseHome(w http.ResponseWriter, r *http.Request, u desk.User) error {
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	ready, err := s.desk.Readiness(r.Context(), u.ID, c.ID)
	if err != nil {
		return err
	}
	states, err := s.desk.Count(r.Context(), u.ID, c.ID, "state")
	if err != nil {
		return err
	}
	chosen := ready.Publish + ready.Redacted() + ready.Withhold
	steps := []step{
		{"Decide about each file", "files", chosen > 0 && ready.Pending == 0, fmt.Sprintf("%d decided for this release, %d undecided", chosen, ready.Pending)},
		{"Say where it comes from", "provenance", len(c.Lacks()) == 0, lacking(len(c.Lacks()))},
		{"Answer the three questions, and whom it may harm", "questions", len(c.Decision.Lacks()) == 0, lacking(len(c.Decision.Lacks()))},
		{"Search it for what was taken out", "release", gated(c, ready), forms(ready.Forms)},
		{"Two editors approve", "release", len(ready.Approve) >= desk.ApprovalsNeeded, fmt.Sprintf("%d of %d", len(ready.Approve), desk.ApprovalsNeeded)},
	}
	return s.inCase(w, r, u, "case", map[string]any{"States": states, "Steps": steps, "Status": []desk.Status{desk.StatusOpen, desk.StatusParked, desk.StatusClosed}})
}

func forms(n int) string {
	if n == 0 {
		return "nothing is taken out"
	}
	return count(n, "form of what is taken out is listed", "forms of what is taken out are listed")
}

func lacking(n int) string {
	switch n {
	case 0:
		return "complete"
	case 1:
		return "1 thing is missing"
	}
	return fmt.Sprintf("%d things are missing", n)
}

func (s *site) status(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.SetStatus(r.Context(), u.ID, caseID(r), desk.Status(r.PostForm.Get("status"))); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r)), "status")
}

// perPage is how many files a page lists.
const perPage = 50

// listed is the list of a case's files, as a page shows it.
type listed struct {
	desk.Listing
	Query, State, Act, Language, Type, Name string
	Error                                   bool
	Page                                    int
	More                                    bool
	Fault                                   string // what is wrong with the query

	Languages, Types []facetValue
	States           []corpus.State
	Acts             []desk.Act
	Reasons          []corpus.Reason
	self             url.Values
}

type facetValue struct {
	Value string
	Count int
}

// At is the address of another page of the same list.
func (l listed) At(page int) string {
	v := maps.Clone(l.self)
	v.Set("page", strconv.Itoa(page))
	return "?" + v.Encode()
}

// filterOf reads the filter that a form or an address says.
func filterOf(v url.Values) desk.Filter {
	f := desk.Filter{Documents: true, Language: v.Get("language"), Type: v.Get("type"), Name: v.Get("name"), Error: v.Get("error") != ""}
	if s := v.Get("state"); s != "" {
		f.States = []corpus.State{corpus.State(s)}
	}
	switch a := v.Get("act"); a {
	case "":
	case "undecided":
		f.Acts, f.States = []desk.Act{desk.Undecided}, []corpus.State{corpus.Pending}
	default:
		f.Acts = []desk.Act{desk.Act(a)}
	}
	return f
}

func (s *site) files(w http.ResponseWriter, r *http.Request, u desk.User) error {
	v := r.URL.Query()
	v.Del("done")
	page, err := strconv.Atoi(cmp.Or(v.Get("page"), "1"))
	if err != nil || page < 1 {
		return fmt.Errorf("page: %w", fault.NotFound)
	}
	l := listed{Query: v.Get("q"), State: v.Get("state"), Act: v.Get("act"), Language: v.Get("language"), Type: v.Get("type"),
		Name: v.Get("name"), Error: v.Get("error") != "", Page: page, States: corpus.States, Acts: desk.Acts, Reasons: corpus.Reasons, self: v}
	l.Listing, err = s.desk.Documents(r.Context(), u.ID, caseID(r), filterOf(v), l.Query, (page-1)*perPage, perPage)
	if words := fault.Words(err); words != "" {
		l.Fault, err = words, nil // a query with a mistake is shown with its list, not instead of it
	}
	if err != nil {
		return err
	}
	l.More = page*perPage < l.Total
	for facet, to := range map[string]*[]facetValue{"language": &l.Languages, "type": &l.Types} {
		counts, err := s.desk.Count(r.Context(), u.ID, caseID(r), facet)
		if err != nil {
			return err
		}
		for value, n := range counts {
			*to = append(*to, facetValue{value, n})
		}
		slices.SortFunc(*to, func(a, b facetValue) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
	}
	return s.inCase(w, r, u, "files", l)
}

// dispositionOf reads the form that decides about files.
func dispositionOf(r *http.Request) desk.Disposition {
	act := r.PostForm.Get("do")
	if act == "undecided" {
		act = string(desk.Undecided)
	}
	d := desk.Disposition{Act: desk.Act(act), Note: strings.TrimSpace(r.PostForm.Get("note"))}
	if d.Act == desk.Withhold {
		d.Reason = corpus.Reason(r.PostForm.Get("reason"))
	}
	return d
}

// planned is what was done by deciding about files.
func planned(d desk.Disposition) string {
	if d.Act == desk.Undecided {
		return "undecided"
	}
	return "planned"
}

func (s *site) disposeMany(w http.ResponseWriter, r *http.Request, u desk.User) error {
	d, v := dispositionOf(r), r.URL.Query()
	v.Del("done")
	f, query := filterOf(v), v.Get("q")
	switch {
	case r.PostForm.Get("do") == "publish the rest":
		d.Act = desk.Publish
		f, query = desk.Filter{States: []corpus.State{corpus.Pending}, Acts: []desk.Act{desk.Undecided}}, ""
	case r.PostForm.Get("all") == "": // those that are ticked, not all that match
		f, query = desk.Filter{IDs: []corpus.DocumentID{}}, ""
		for _, id := range r.PostForm["document"] {
			doc, err := corpus.ParseDocumentID(id)
			if err != nil {
				return fmt.Errorf("document: %w", fault.Invalid)
			}
			f.IDs = append(f.IDs, doc)
		}
	}
	if _, err := s.desk.Dispose(r.Context(), u.ID, caseID(r), f, query, d); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/files?"+v.Encode(), planned(d))
}
