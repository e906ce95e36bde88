package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/why"
)

// Explainer says why. *why.Service is one; it checks who may ask, and records it.
type Explainer interface {
	Access(ctx context.Context, c grant.Caller, req why.AccessRequest) (why.AccessAnswer, error)
	Rank(ctx context.Context, c grant.Caller, req why.RankRequest) (why.RankAnswer, error)
}

type whyView struct {
	Person, Document, Query string
	Self                    string // the administrator's own address
	MayAskForOthers         bool   // of ranks
	// The answers: nil where nothing was asked.
	Access  *accessView
	Rank    *rankView
	Problem string
	// Keep are the filters of the search that is asked about, as its page names them.
	Keep    []fieldValue
	filters []why.Filter
	// RankTab says that the question is about rank.
	RankTab bool
	Tabs    []tabView
}

type accessView struct {
	why.AccessAnswer
	Who            string
	DatasourcePath string
	Ways           []wayView
	Reasons        []reasonView
	More           int // ways that are not shown
}

// wayView is a way with its chains as the page draws them.
type wayView struct {
	Words  string
	Chains [][]stepView
}

type reasonView struct {
	Words, Mend string
	Chain       []stepView
}

type stepView struct{ Name, Icon, Kind, Broken string }

type rankView struct {
	why.RankAnswer
	Other   string // whose search it is, where not one's own
	Newest  bool
	Results []rankedView
}

type rankedView struct {
	why.Ranked
	Title  string
	URL    string
	Access string // the address of why one sees it
	Bars   []barView
	Notes  []string
}

// barView is a word's share of the score, as wide as its percentage.
type barView struct {
	Text, Words string
	Percent     int
}

// why is the page of explanations: who sees a document, and why results stand where they do.
func (c *Console) why(v *visit) error {
	form := v.r.URL.Query()
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	view := whyView{
		Person: get("person"), Document: get("document"), Query: get("query"), Self: v.admin.Email(),
		MayAskForOthers: v.admin.Role() == grant.RoleSuperAdmin, RankTab: form.Has("query"),
	}
	if a, err := readAsked(form); err == nil && view.RankTab {
		for _, f := range a.Filters {
			view.filters = append(view.filters, why.Filter{Field: f.Field, Values: f.Values})
			for _, value := range f.Values {
				view.Keep = append(view.Keep, fieldValue{"f." + f.Field, value})
			}
		}
	}
	view.Tabs = []tabView{
		{"Who sees it", whyPath(view.Person, view.Document), -1, !view.RankTab},
		{"Why it ranks there", pathWhy + "?" + url.Values{"query": {view.Query}, "document": {view.Document}}.Encode(), -1, view.RankTab},
	}
	err := view.ask(v)
	if known, ok := errors.AsType[*fault.Fault](err); ok && (known.Kind == fault.NotFound || known.Kind == fault.Invalid || known.Kind == fault.Unprocessable) {
		view.Problem, err = known.Message, nil
	}
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "why", v.frame("Why"), view)
}

func whyPath(person, document string) string {
	return pathWhy + "?" + url.Values{"person": {person}, "document": {document}}.Encode()
}

// ask puts the question that the form holds, if it holds one.
func (w *whyView) ask(v *visit) error {
	switch {
	case w.RankTab && (w.Query != "" || w.Document != ""):
		answer, err := v.c.cfg.Why.Rank(v.r.Context(), v.admin, why.RankRequest{Query: w.Query, Person: w.Person, Document: w.Document, Filters: w.filters})
		if err != nil {
			return err
		}
		w.Rank = rankOf(answer, v.admin.Person())
	case !w.RankTab && w.Document != "":
		answer, err := v.c.cfg.Why.Access(v.r.Context(), v.admin, why.AccessRequest{Person: w.Person, Document: w.Document})
		if err != nil {
			return err
		}
		w.Access = accessOf(answer)
	}
	return nil
}

func accessOf(a why.AccessAnswer) *accessView {
	view := &accessView{AccessAnswer: a, Who: cmp.Or(a.Person.Name, a.Person.Email), DatasourcePath: pathDatasources + "/" + url.PathEscape(a.Datasource), More: a.WaysInAll - len(a.Ways)}
	for _, w := range a.Ways {
		way := wayView{Words: w.Words}
		for _, chain := range w.Chains {
			way.Chains = append(way.Chains, steps(chain))
		}
		view.Ways = append(view.Ways, way)
	}
	for _, r := range a.Reasons {
		view.Reasons = append(view.Reasons, reasonView{r.Words, r.Mend, steps(r.Chain)})
	}
	return view
}

func steps(chain []why.Step) (list []stepView) {
	icons := map[string]string{"person": "person", "user": "key", "group": "people"}
	for _, s := range chain {
		list = append(list, stepView{s.Name, icons[s.Kind], s.Kind, s.Broken})
	}
	return list
}

func rankOf(a why.RankAnswer, self string) *rankView {
	view := &rankView{RankAnswer: a, Newest: a.Order == why.OrderNewest}
	if a.Person.ID != self {
		view.Other = cmp.Or(a.Person.Name, a.Person.Email)
	}
	for _, r := range a.Results {
		row := rankedView{Ranked: r, Title: cmp.Or(r.Document.Title, r.Document.Named), URL: linkable(r.Document.URL), Access: whyPath(a.Person.Email, r.Document.Named)}
		for _, f := range r.Factors {
			if f.Code == "word" || f.Code == "pair" {
				row.Bars = append(row.Bars, barView{f.Text, f.Words, f.Percent})
			} else {
				row.Notes = append(row.Notes, f.Words)
			}
		}
		view.Results = append(view.Results, row)
	}
	return view
}
