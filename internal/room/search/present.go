package search

import (
	"context"
	"slices"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// present turns what the index found into an answer.
func (s *Service) present(ctx context.Context, q *question, found index.Result) (Response, error) {
	hits := q.unshown(found.Hits)
	resp := Response{Results: make([]Result, 0, len(hits)), Total: found.Total}
	resp.FacetResults, resp.Tabs = q.facetResults(found.Facets)
	if resp.Tabs != nil {
		resp.TabIDs = q.tabIDs()
	}
	documents, err := s.documents.Show(ctx, q.caller, index.KeysOf(hits))
	if err != nil {
		return Response{}, err
	}
	for _, hit := range hits {
		// The truth may have moved on since the index was written: what is gone from it is no result.
		doc, ok := documents[hit.Key]
		if !ok {
			continue
		}
		token, err := s.track(q.caller, Tracked{Query: q.req.Query, Document: hit.Key, Position: q.seen + len(resp.Results)})
		if err != nil {
			return Response{}, err
		}
		resp.Results = append(resp.Results, Result{
			Title: doc.Title, URL: doc.URL, Document: doc, Snippets: q.snippets(hit), TrackingToken: token,
		})
	}
	if resp.Structured, err = s.structured(q); err != nil {
		return Response{}, err
	}
	resp.Metadata = q.metadata(len(found.Hits) + found.Total)
	if q.first() {
		resp.RewrittenFilters = q.rewrittenFilters()
	}
	if found.Next != nil && q.ask.Size > 0 {
		if resp.Cursor, err = s.sealCursor(q, found.Next, hits); err != nil {
			return Response{}, err
		}
		resp.HasMore = true
	}
	resp.TrackingToken, err = s.track(q.caller, Tracked{Query: q.req.Query})
	return resp, err
}

// snippets shows what the index cut from a document: the best first, each with its place in reading order. A language model reads text
// without marks.
func (q *question) snippets(hit index.Hit) []Snippet {
	order := make([]int, 0, len(hit.Snippets))
	for _, s := range hit.Snippets {
		order = append(order, s.Offset)
	}
	slices.Sort(order)
	list := make([]Snippet, 0, len(hit.Snippets))
	for _, s := range hit.Snippets {
		place, _ := slices.BinarySearch(order, s.Offset)
		snippet := Snippet{Text: s.Text, MimeType: "text/plain", Order: place}
		if !q.options.LongText {
			snippet.Ranges = ranges(s.Marked)
		}
		list = append(list, snippet)
	}
	return list
}

func ranges(m index.Marked) []wire.TextRange {
	if len(m.Ranges) == 0 {
		return nil
	}
	list := make([]wire.TextRange, 0, len(m.Ranges))
	for _, r := range m.UTF16() {
		list = append(list, wire.TextRange{StartIndex: r.Start, EndIndex: r.End, Type: wire.Bold})
	}
	return list
}
