package search

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/query"
)

// Limits of a completion.
const (
	maxCompletions = 200  // also where resultSize is absent
	maxTyped       = 1000 // bytes of what stands in the box
	// fewOf is how many places each kind but documents and words has at most, where several kinds are wanted.
	fewOf = 5
	// emptyBox is how many earlier searches an empty box offers.
	emptyBox = 10
)

// Autocomplete completes what is typed. Where the last word is an operator with its colon, it offers values for it; else earlier
// searches of the caller, people, datasources, titles of documents, operators, and words. The console calls it too.
func (s *Service) Autocomplete(ctx context.Context, c grant.Caller, req AutocompleteRequest) (AutocompleteResponse, error) {
	begun := s.now()
	if req.ResultSize < 0 {
		return AutocompleteResponse{}, fault.New(fault.Invalid, "resultSize is negative.").WithField("resultSize")
	}
	if len(req.Query) > maxTyped {
		return AutocompleteResponse{}, fault.Newf(fault.Invalid, "The query is longer than %d bytes.", maxTyped).WithField("query")
	}
	t := &typing{service: s, caller: c, req: &req, size: cmpOr(req.ResultSize, maxCompletions, maxCompletions), now: begun}
	if err := t.understand(ctx); err != nil {
		return AutocompleteResponse{}, err
	}
	if err := t.complete(ctx); err != nil {
		return AutocompleteResponse{}, err
	}
	resp, err := t.answer()
	resp.BackendMillis = s.now().Sub(begun).Milliseconds()
	return resp, err
}

// understand takes what is typed apart: what is done, and the last word, which is being typed. Operators that are done narrow
// the completions.
func (t *typing) understand(ctx context.Context) error {
	text := strings.TrimLeft(t.req.Query, " ")
	t.before, t.last = plan.Split(text)
	if open := openQuote(text); open >= 0 {
		t.before, t.last = text[:open], text[open:]
	}
	t.words = text
	o := &Options{DatasourceFilter: t.req.Datasource, DatasourcesFilter: t.req.DatasourcesFilter}
	var done query.Query
	if strings.Contains(t.before, ":") {
		done = query.Parse(t.before)
	}
	var err error
	if t.question, err = t.service.narrowing(ctx, t.caller, o, done.Root); err != nil {
		return err
	}
	name, value, isField := strings.Cut(t.last, ":")
	if isField || t.wants(typeOperator) || t.wants(typeDatasource) {
		if err := t.question.know(ctx, t.service); err != nil {
			return err
		}
	}
	if isField && t.question.known.isOperator(strings.ToLower(name)) {
		t.operator, t.value = strings.ToLower(name), strings.Trim(value, `"`)
	}
	clauses, rest := done.Extract(t.question.known.isOperator)
	if len(clauses) > 0 {
		t.words = query.Print(rest.Root) + " " + t.last
	}
	t.filter, err = t.service.narrowed(ctx, t.question, clauses, t.now)
	return err
}

// openQuote returns where a word begins whose value stands in a quote that is still open, and -1 without one.
func openQuote(text string) int {
	if strings.Count(text, `"`)%2 == 0 {
		return -1
	}
	quote := strings.LastIndexByte(text, '"')
	if quote == 0 || text[quote-1] != ':' {
		return -1
	}
	return strings.LastIndexByte(text[:quote], ' ') + 1
}

// wants reports whether a type of completion is asked for.
func (t *typing) wants(kind string) bool {
	return len(t.req.ResultTypes) == 0 || slices.Contains(t.req.ResultTypes, kind)
}

// places is how many completions a kind may have at most.
func (t *typing) places(kind string) int {
	switch {
	case !t.wants(kind):
		return 0
	case len(t.req.ResultTypes) == 1:
		return t.size
	}
	return min(fewOf, max(1, t.size/3))
}

// isNarrowed reports whether the request names datasources, to which neither people nor earlier searches belong.
func (t *typing) isNarrowed() bool { return t.req.Datasource != "" || len(t.req.DatasourcesFilter) > 0 }

// complete collects the completions of each kind.
func (t *typing) complete(ctx context.Context) error {
	if t.operator != "" {
		return t.completeValue(ctx)
	}
	if err := t.completeHistory(ctx); err != nil {
		return err
	}
	if strings.TrimSpace(t.words) == "" && t.last == "" {
		t.completeOperators()
		return nil
	}
	t.completePeople()
	t.completeDatasources()
	t.completeOperators()
	return t.completeText(ctx)
}

// completeText adds documents whose titles have the words, and words that documents have.
func (t *typing) completeText(ctx context.Context) error {
	q := index.SuggestQuery{
		Text: t.words, Languages: languages(t.req.Locale, t.req.Accepts), Filter: t.filter, Now: t.now.Unix(),
	}
	if t.wants(typeDocument) {
		q.Titles = t.size
	}
	if t.wants(typeSuggestion) {
		q.Words = t.size
	}
	if q.Titles+q.Words == 0 {
		return nil
	}
	found, err := t.service.index.Suggest(ctx, t.caller, q)
	if err != nil {
		return err
	}
	keys := make([]string, len(found.Titles))
	for i, title := range found.Titles {
		keys[i] = title.Key
	}
	documents, err := t.service.documents.Show(ctx, t.caller, keys)
	if err != nil {
		return err
	}
	for _, title := range found.Titles {
		// The truth may have moved on since the index was written.
		if doc, ok := documents[title.Key]; ok {
			t.documents = append(t.documents, Completion{
				Result: title.Title.Text, ResultType: typeDocument, Document: &doc, URL: doc.URL, Ranges: ranges(title.Title), key: title.Key,
			})
		}
	}
	for _, word := range found.Words {
		t.searches = append(t.searches, Completion{Result: t.before + word.Word, ResultType: typeSuggestion})
	}
	return nil
}

// answer puts the kinds in their order and shares out the places: the small kinds a third of them, words at least three where there are
// more than a few, and titles the rest.
func (t *typing) answer() (AutocompleteResponse, error) {
	resp := AutocompleteResponse{Results: []Completion{}}
	small := t.size / 3
	if len(t.documents)+len(t.searches) == 0 {
		small = t.size
	}
	take := func(list []Completion) []Completion {
		list = list[:min(len(list), small)]
		small -= len(list)
		return list
	}
	values, history, people, sources, operators := take(t.values), take(t.history), take(t.people), take(t.sources), take(t.operators)
	left := t.size - len(values) - len(history) - len(people) - len(sources) - len(operators)
	documents := t.documents[:max(0, min(len(t.documents), left-min(len(t.searches), 3, left/2)))]
	searches := t.searches[:min(len(t.searches), left-len(documents))]
	for _, group := range []struct {
		title string
		list  []Completion
	}{
		{"Values", values},
		{"Recent searches", history},
		{"People", people},
		{"Apps", sources},
		{"Documents", documents},
		{"Filters", operators},
		{"Searches", searches},
	} {
		if err := t.track(group.list, len(resp.Results)); err != nil {
			return resp, err
		}
		resp.add(group.title, group.list)
	}
	var err error
	resp.TrackingToken, err = t.service.track(t.caller, Tracked{Query: t.req.Query})
	return resp, err
}

// maxTrackedCompletions bounds the tokens of an answer that is made at every key: no box shows more completions at once.
const maxTrackedCompletions = 10

// track gives the first completions that lead to a document or a person their tokens. The others say all that they are.
func (t *typing) track(list []Completion, from int) (err error) {
	for i := range list {
		if c := &list[i]; (c.key != "" || c.person != "") && from+i < maxTrackedCompletions {
			c.TrackingToken, err = t.service.track(t.caller, Tracked{Query: t.req.Query, Document: c.key, Person: c.person, Position: from + i})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *AutocompleteResponse) add(title string, list []Completion) {
	if len(list) > 0 {
		r.Groups = append(r.Groups, Group{StartIndex: len(r.Results), EndIndex: len(r.Results) + len(list), Title: title})
		r.Results = append(r.Results, list...)
	}
}
