package search

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// question is a request on its way: what it was understood as, and what was learnt on the way.
type question struct {
	caller  grant.Caller
	req     *Request
	options *Options
	people  *directory.Roster
	known   *catalog

	ask    index.Query  // for the index
	facets []facetAsked // as ask.Facets
	parsed query.Query  // all that was typed
	words  query.All    // what is sought in documents
	shown  []uint64     // marks of what earlier pages showed
	seen   int          // how many results those had

	named     []*directory.Person // whom the query names
	nameAlone bool                // and nothing else
	nameWords []string            // by which words, folded

	clauses []query.Clause     // operators that could be used
	filters []wire.FacetFilter // filters that hold beside them
	ignored []string           // operators that could not

	corrected      query.All // words with their spelling mended; nil where there is nothing to mend
	mended         []string
	instead        string // the corrected words that earlier pages searched for
	usedCorrection bool
}

// understand makes a request ready for the index.
func (s *Service) understand(ctx context.Context, c grant.Caller, req *Request, now time.Time) (*question, error) {
	size, err := sizeOf(req)
	if err != nil {
		return nil, err
	}
	if req.MaxSnippet < 0 || req.MaxSnippet > index.MaxSnippet {
		return nil, fault.Newf(fault.Invalid, "maxSnippetSize is from 1 to %d.", index.MaxSnippet).WithField("maxSnippetSize")
	}
	if !utf8.ValidString(req.Query) { // the edge refuses it, other callers may not
		req.Query = strings.ToValidUTF8(req.Query, " ")
	}
	q := &question{caller: c, req: req, options: req.Options}
	if q.people, err = s.people.Roster(ctx); err != nil {
		return nil, err
	}
	q.ask = index.Query{Languages: languages(req.Locale, req.Accepts), Now: now.Unix(), Size: size, Total: q.hints(hintCounts, hintMetadata), Sort: req.Sort, Highlight: highlight(req)}
	if req.Cursor != "" {
		if err := s.resume(q); err != nil {
			return nil, err
		}
		now = time.Unix(q.ask.After.Now, 0) // "past_week" is the same week on every page
	}
	q.parsed = query.Parse(req.Query)
	if q.known, err = s.catalog(ctx, c, q); err != nil {
		return nil, err
	}
	clauses, rest := q.parsed.Extract(q.known.isOperator)
	q.words, q.ask.Text = rest.Root, rest.Root
	for _, ignored := range rest.Ignored {
		if ignored.Reason == query.Mixed {
			q.ignored = append(q.ignored, ignored.Text)
		}
	}
	f := filters{ctx: ctx, service: s, question: q, now: now.In(zone(req.Options.TimezoneOffset))}
	f.clauses(clauses)
	f.options(req)
	if q.ask.Filter, err = f.result(); err != nil {
		return nil, err
	}
	if q.instead != "" {
		q.corrected, q.usedCorrection = query.Parse(q.instead).Root, true
		q.ask.Text = q.corrected
	}
	if q.first() {
		s.findPeople(q)
	}
	return q, q.chooseFacets()
}

// hints reports whether the request names one of the hints.
func (q *question) hints(names ...string) bool {
	return slices.ContainsFunc(q.options.ResponseHints, func(h string) bool { return slices.Contains(names, h) })
}

// first reports whether this is the first page.
func (q *question) first() bool { return q.req.Cursor == "" }

// sizeOf is the number of results to return: none where the hints do not name them, and none where facets are asked for
// with a page of 0.
func sizeOf(req *Request) (int, error) {
	size := defaultPage
	hints := req.Options.ResponseHints
	if req.PageSize != nil {
		switch size = *req.PageSize; {
		case size < 0:
			return 0, fault.New(fault.Invalid, "pageSize is negative.").WithField("pageSize")
		case size == 0 && !wantsFacets(req.Options):
			size = defaultPage
		}
	}
	if len(hints) > 0 && !slices.Contains(hints, hintResults) {
		size = 0
	}
	return min(size, maxPage), nil
}

// highlight says how much text to cut from each document. A language model gets one long piece.
func highlight(req *Request) *index.Highlight {
	if req.Options.LongText {
		return &index.Highlight{Size: cmpOr(req.MaxSnippet, defaultLong, index.MaxSnippet), Number: 1}
	}
	return &index.Highlight{Size: cmpOr(req.MaxSnippet, defaultSnippet, index.MaxSnippet), Number: snippetsPerHit}
}

// cmpOr returns n, or the default where it is 0, at most limit.
func cmpOr(n, def, limit int) int {
	if n == 0 {
		n = def
	}
	return min(n, limit)
}

// maxTag bounds a language tag: RFC 5646, section 4.4.1.
const maxTag = 35

// isTag reports whether text can be a language tag.
func isTag(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return text != "" && len(text) <= maxTag
}

// languages are those that the caller reads: the one asked for or else, as browsers say it, those preferred (RFC 9110, section 12.5.4).
func languages(locale, accepts string) []string {
	if locale != "" {
		if !isTag(locale) {
			return nil
		}
		return []string{locale}
	}
	if accepts == "" {
		return nil
	}
	type wish struct {
		tag     string
		quality string
	}
	var wishes []wish
	for part := range strings.SplitSeq(accepts, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag = strings.TrimSpace(tag)
		quality := "1"
		if _, value, ok := strings.Cut(parameter, "="); ok {
			quality = strings.TrimSpace(value)
		}
		// Qualities have at most three digits behind the point, so that their texts are in the order of their values.
		if !isTag(tag) || strings.Trim(quality, "0.") == "" || len(quality) > 5 {
			continue
		}
		if wishes = append(wishes, wish{tag, quality}); len(wishes) == index.MaxLanguages {
			break
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return strings.Compare(b.quality, a.quality) })
	list := make([]string, len(wishes))
	for i, w := range wishes {
		list[i] = w.tag
	}
	return list
}

// catalog is what the datasources of a caller have beside what every document has: their properties as operators and facets,
// and names to show.
type catalog struct {
	sources    []corpus.Datasource
	properties []corpus.PropertyInfo
}

// catalog reads the catalogue as far as the request may need it: names to show for facets and filters, and properties where something speaks
// of one.
func (s *Service) catalog(ctx context.Context, c grant.Caller, q *question) (*catalog, error) {
	o := q.options
	fields := hasField(q.parsed.Root) || len(o.FacetFilters) > 0 || len(o.FacetFilterSets) > 0
	if !fields && !wantsFacets(o) {
		return &catalog{}, nil
	}
	sources, err := s.sources.Visible(ctx, c)
	if err != nil {
		return nil, err
	}
	known := &catalog{sources: sources}
	if fields || q.onlySource() != "" || len(o.DefaultFacets) > 0 || o.FacetBucketFilter != nil {
		known.properties, err = s.sources.Properties(ctx, c)
	}
	return known, err
}

func hasField(n query.Node) bool {
	switch n := n.(type) {
	case query.Field:
		return true
	case query.Not:
		return hasField(n.Node)
	case query.All:
		return slices.ContainsFunc(n, hasField)
	case query.Any:
		return slices.ContainsFunc(n, hasField)
	}
	return false
}

// isOperator reports whether the query language treats name:value as a filter.
func (k *catalog) isOperator(name string) bool {
	if corpus.BuiltIn(name) {
		return true
	}
	switch name {
	case "label", "channel", "collection", "doctype":
		return true
	}
	return slices.ContainsFunc(k.properties, func(p corpus.PropertyInfo) bool { return p.Operator == name && p.Indexed })
}

// named returns the datasources that people mean by a name: the name itself, the one shown, or an alias.
func (k *catalog) named(name string) []string {
	values := []string{name}
	for i := range k.sources {
		d := &k.sources[i]
		if strings.EqualFold(d.DisplayName, name) || slices.ContainsFunc(d.Aliases, func(alias string) bool { return strings.EqualFold(alias, name) }) {
			values = append(values, d.Name)
		}
	}
	return values
}

// types returns the types of document that people mean by a name: the name itself, or those shown so.
func (k *catalog) types(name string) []string {
	values := []string{name}
	for i := range k.sources {
		for _, o := range k.sources[i].Objects {
			if o.Name != "" && strings.EqualFold(o.DisplayLabel, name) {
				values = append(values, o.Name)
			}
		}
	}
	return values
}

// label is what to show for a value of a facet, "" for the value itself.
func (k *catalog) label(field, value string) string {
	label := ""
	for i := range k.sources {
		d := &k.sources[i]
		switch field {
		case fieldDatasource:
			if d.Name == value {
				return d.DisplayName
			}
		case fieldType:
			for _, o := range d.Objects {
				if o.Name != value || o.DisplayLabel == "" || o.DisplayLabel == label {
					continue
				}
				if label != "" {
					return "" // two datasources mean different things by it
				}
				label = o.DisplayLabel
			}
		}
	}
	return label
}
