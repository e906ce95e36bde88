package search

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plan"
)

// Limits of a completion.
const (
	maxCompletions = 200  // also where resultSize is absent
	maxTyped       = 1000 // bytes of what stands in the box
)

// Autocomplete completes what is typed: titles of documents first, then words. The console calls it too.
func (s *Service) Autocomplete(ctx context.Context, c grant.Caller, req AutocompleteRequest) (AutocompleteResponse, error) {
	begun := s.now()
	if req.ResultSize < 0 {
		return AutocompleteResponse{}, fault.New(fault.Invalid, "resultSize is negative.").WithField("resultSize")
	}
	if len(req.Query) > maxTyped {
		return AutocompleteResponse{}, fault.Newf(fault.Invalid, "The query is longer than %d bytes.", maxTyped).WithField("query")
	}
	resp := AutocompleteResponse{Results: []Completion{}}
	wants := func(kind string) bool { return len(req.ResultTypes) == 0 || slices.Contains(req.ResultTypes, kind) }
	size := cmpOr(req.ResultSize, maxCompletions, maxCompletions)
	q := index.SuggestQuery{Text: req.Query, Languages: languages(req.Locale), Now: begun.Unix()}
	if wants(typeDocument) {
		q.Titles = size
	}
	if wants(typeSuggestion) {
		q.Words = size
	}
	narrowed := Options{DatasourceFilter: req.Datasource, DatasourcesFilter: req.DatasourcesFilter}
	f := filters{ctx: ctx, service: s, question: &question{caller: c, options: &narrowed, known: &catalog{}}, now: begun}
	f.options(&Request{Options: &narrowed})
	var err error
	if q.Filter, err = f.result(); err != nil {
		return resp, err
	}
	found, err := s.index.Suggest(ctx, c, q)
	if err != nil {
		return resp, err
	}
	keys := make([]string, len(found.Titles))
	for i, title := range found.Titles {
		keys[i] = title.Key
	}
	documents, err := s.documents.Show(ctx, c, keys)
	if err != nil {
		return resp, err
	}
	var titles, words []Completion
	for _, title := range found.Titles {
		if doc, ok := documents[title.Key]; ok {
			titles = append(titles, Completion{
				Result: title.Title.Text, ResultType: typeDocument, Document: &doc, URL: doc.URL, Ranges: ranges(title.Title),
			})
		}
	}
	for _, word := range found.Words {
		words = append(words, Completion{Result: completed(req.Query, word.Word), ResultType: typeSuggestion})
	}
	// Words take what titles leave, and at least three places, so that one kind never hides the other.
	titles = titles[:min(len(titles), size-min(len(words), 3, size/2))]
	words = words[:min(len(words), size-len(titles))]
	resp.add("Documents", titles)
	resp.add("Searches", words)
	resp.TrackingToken, err = s.track(c, Tracked{Query: req.Query})
	resp.BackendMillis = s.now().Sub(begun).Milliseconds()
	return resp, err
}

func (r *AutocompleteResponse) add(title string, list []Completion) {
	if len(list) > 0 {
		r.Groups = append(r.Groups, Group{StartIndex: len(r.Results), EndIndex: len(r.Results) + len(list), Title: title})
		r.Results = append(r.Results, list...)
	}
}

// completed puts word in the place of the last, half typed one.
func completed(typed, word string) string {
	before, _ := plan.Split(strings.TrimLeft(typed, " "))
	return before + word
}
