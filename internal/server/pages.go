package server

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// pageSearch lets the search page ask the search room, so that a person finds here what programs find over the API.
type pageSearch struct {
	room   *search.Service
	corpus *corpus.Corpus
}

// facetTitles are the names of facets on the page, in the order to show them. Others follow under their own names.
var facetTitles = []struct{ field, title string }{
	{"datasource", "Source"}, {"type", "Type"}, {"from", "Author"}, {"status", "Status"}, {"tag", "Tag"},
}

// Search answers the page.
func (p pageSearch) Search(ctx context.Context, c grant.Caller, q console.SearchQuery) (console.SearchResult, error) {
	req := search.Request{Query: q.Text, Cursor: q.Cursor, PageSize: &q.PageSize, Options: &search.Options{
		FacetBucketSize: 12, ResponseHints: []string{"RESULTS", "FACET_RESULTS", "ALL_RESULT_COUNTS"},
	}}
	for _, f := range q.Filters {
		filter := wire.FacetFilter{FieldName: f.Field}
		for _, v := range f.Values {
			filter.Values = append(filter.Values, wire.FacetFilterValue{Value: v})
		}
		req.Options.FacetFilters = append(req.Options.FacetFilters, filter)
	}
	found, err := p.room.Search(ctx, c, req)
	if err != nil {
		return console.SearchResult{}, err
	}
	sources, err := p.sources(ctx, c)
	if err != nil {
		return console.SearchResult{}, err
	}
	result := console.SearchResult{Total: found.Total, Next: found.Cursor}
	for i := range found.Results {
		result.Hits = append(result.Hits, pageHit(&found.Results[i], sources))
	}
	result.Facets = pageFacets(found.FacetResults, sources)
	return result, nil
}

// sources maps the names of the datasources that the caller may see to what people call them.
func (p pageSearch) sources(ctx context.Context, c grant.Caller) (map[string]string, error) {
	visible, err := p.corpus.Visible(ctx, c)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(visible))
	for _, d := range visible {
		names[d.Name] = d.DisplayName
	}
	return names, nil
}

func pageHit(r *search.Result, sources map[string]string) console.SearchHit {
	m := &r.Document.Metadata
	hit := console.SearchHit{
		Title: r.Title, URL: r.URL, Source: sources[r.Document.Datasource], Kind: r.Document.DocType, Updated: m.UpdateTime,
	}
	if hit.Source == "" {
		hit.Source = r.Document.Datasource
	}
	for part := range strings.SplitSeq(m.Container, "/") {
		if part = strings.TrimSpace(part); part != "" {
			hit.Path = append(hit.Path, part)
		}
	}
	if m.Author != nil {
		hit.Author = m.Author.Name
	}
	if len(r.Snippets) > 0 {
		hit.Snippet = runs(r.Snippets[0])
	}
	return hit
}

// runs cuts a snippet into its marked and unmarked parts. Ranges count UTF-16 units.
func runs(s search.Snippet) (list []console.Run) {
	units := utf16.Encode([]rune(s.Text))
	at := 0
	add := func(end int, marked bool) {
		if end = min(end, len(units)); end > at {
			list = append(list, console.Run{Text: string(utf16.Decode(units[at:end])), Marked: marked})
			at = end
		}
	}
	for _, r := range s.Ranges {
		add(r.StartIndex, false)
		add(r.EndIndex, true)
	}
	add(len(units), false)
	return list
}

func pageFacets(facets []wire.FacetResult, sources map[string]string) (list []console.SearchFacet) {
	for _, wanted := range facetTitles {
		for _, f := range facets {
			if f.SourceName != wanted.field {
				continue
			}
			facet := console.SearchFacet{Field: f.SourceName, Name: wanted.title}
			for _, b := range f.Buckets {
				name := b.Value.StringValue
				switch {
				case f.SourceName == "datasource" && sources[name] != "":
					name = sources[name]
				case b.Value.DisplayLabel != "":
					name = b.Value.DisplayLabel
				}
				facet.Values = append(facet.Values, console.SearchValue{Value: b.Value.StringValue, Name: name, Count: b.Count})
			}
			list = append(list, facet)
		}
	}
	return list
}

// pageDatasources lets the datasource pages ask the corpus.
type pageDatasources struct {
	corpus *corpus.Corpus
	audit  *audit.Log
}

// Datasources lists all of them, by name.
func (p pageDatasources) Datasources(ctx context.Context, c grant.Caller) ([]console.Datasource, error) {
	list, err := p.corpus.Datasources(ctx, c)
	if err != nil {
		return nil, err
	}
	counts, err := p.corpus.Counts(ctx, c)
	if err != nil {
		return nil, err
	}
	pages := make([]console.Datasource, 0, len(list))
	for i := range list {
		pages = append(pages, pageDatasource(&list[i], counts))
	}
	return pages, nil
}

func pageDatasource(d *corpus.Datasource, counts map[string]int64) console.Datasource {
	return console.Datasource{
		Name: d.Name, Title: d.DisplayName, Category: d.Category, HomeURL: d.HomeURL, URLRegex: d.URLRegex,
		Documents: int(counts[d.Name]), Visible: d.Realm.Visible, OpenToAnonymousTokens: d.Realm.OpenToAnonymous, Test: d.Realm.Test,
	}
}

// Datasource returns one; fault.NotFound where there is none.
func (p pageDatasources) Datasource(ctx context.Context, c grant.Caller, name string) (console.Datasource, error) {
	d, err := p.corpus.Datasource(ctx, c, name)
	if fault.KindOf(err) == fault.Invalid {
		err = fault.New(fault.NotFound, "There is no datasource of this name.").Wrap(err)
	}
	if err != nil {
		return console.Datasource{}, err
	}
	counts, err := p.corpus.Counts(ctx, c)
	if err != nil {
		return console.Datasource{}, err
	}
	return pageDatasource(d, counts), nil
}

// SetDatasource changes who may find what is in one, and records it.
func (p pageDatasources) SetDatasource(ctx context.Context, c grant.Caller, name string, visible, open bool) error {
	if _, err := p.corpus.SetVisibility(ctx, c, name, directory.Visibility{Visible: &visible, OpenToAnonymous: &open}); err != nil {
		return err
	}
	entry := audit.By(c)
	entry.Action, entry.Subject = "datasource.update", name
	entry.Detail = "visible " + strconv.FormatBool(visible) + ", open to anonymous tokens " + strconv.FormatBool(open)
	return p.audit.Record(ctx, entry)
}
