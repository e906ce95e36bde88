package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/similar"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// RecommendationsRequest asks for documents like one: a document of the corpus, by id or address, or a text that is in none.
type RecommendationsRequest struct {
	Spec *wire.DocumentSpec `json:"recommendationDocumentSpec,omitzero"`
	// Source is the document in another form: its id or url counts, where there is no Spec, or else its text.
	Source     *Subject               `json:"sourceDocument,omitzero"`
	PageSize   int                    `json:"pageSize,omitzero"`
	MaxSnippet int                    `json:"maxSnippetSize,omitzero"` // characters
	Options    *RecommendationOptions `json:"requestOptions,omitzero"`
	Locale     string                 `query:"locale" json:"-"`
	Accepts    string                 `header:"Accept-Language" json:"-"` // where there is no locale
}

// Subject is as much of a document as says what it is about.
type Subject struct {
	ID      string                `json:"id,omitzero"`
	URL     string                `json:"url,omitzero"`
	Title   string                `json:"title,omitzero"`
	Content *wire.DocumentContent `json:"content,omitzero"`
}

// RecommendationOptions narrow a request.
type RecommendationOptions struct {
	DatasourceFilter  string                `json:"datasourceFilter,omitzero"`
	DatasourcesFilter []string              `json:"datasourcesFilter,omitzero"`
	FacetFilterSets   []wire.FacetFilterSet `json:"facetFilterSets,omitzero"`
	// Context is a document that is not in the corpus. Its title and text are what is compared.
	Context *Subject `json:"context,omitzero"`
	// Prominence keeps results of these prominences; none keeps all.
	Prominence []string `json:"resultProminence,omitzero"`
}

// RecommendationsResponse is documents like it, the likest first.
type RecommendationsResponse struct {
	Results       []Recommendation `json:"results"`
	RequestID     string           `json:"requestID,omitzero"`
	TrackingToken string           `json:"trackingToken,omitzero"`
	BackendMillis int64            `json:"backendTimeMillis,omitzero"`
}

// Recommendation is a result with how much it stands out, which so far none does.
type Recommendation struct {
	Result
	Prominence string `json:"prominence,omitzero"`
}

// retryRecommending is when a document that is known and not in the index yet can be asked for again. On an idle server that
// takes a second.
const retryRecommending = 2 * time.Second

var (
	errHidden = fault.New(fault.Forbidden, "There is no such document, or you may not see it.").WithField("recommendationDocumentSpec")
	errNoText = fault.New(fault.Invalid, "Name a document by recommendationDocumentSpec, or give a text in requestOptions.context.").WithField("recommendationDocumentSpec")
)

// Recommendations finds documents like one. It answers with rpc.Nothing where there are none, and with rpc.Later where the
// document has come a moment ago and the index does not have it yet.
func (s *Service) Recommendations(ctx context.Context, c grant.Caller, req RecommendationsRequest) (RecommendationsResponse, error) {
	begun := s.now()
	if err := req.check(); err != nil {
		return RecommendationsResponse{}, err
	}
	reader, err := s.index.Reader(ctx, c)
	if err != nil {
		return RecommendationsResponse{}, err
	}
	resp, err := s.recommend(ctx, reader, c, &req, begun)
	if closed := reader.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return RecommendationsResponse{}, err
	}
	resp.RequestID = rpc.RequestID(ctx)
	resp.BackendMillis = s.now().Sub(begun).Milliseconds()
	return resp, nil
}

func (r *RecommendationsRequest) check() error {
	if r.Options == nil {
		r.Options = &RecommendationOptions{}
	}
	switch {
	case r.PageSize < 0:
		return fault.New(fault.Invalid, "pageSize is negative.").WithField("pageSize")
	case r.MaxSnippet < 0 || r.MaxSnippet > index.MaxSnippet:
		return fault.Newf(fault.Invalid, "maxSnippetSize is from 1 to %d.", index.MaxSnippet).WithField("maxSnippetSize")
	}
	return nil
}

// spec is the document of the corpus that is asked about, or nil.
func (r *RecommendationsRequest) spec() *wire.DocumentSpec {
	switch {
	case r.Spec != nil && *r.Spec != wire.DocumentSpec{}:
		return r.Spec
	case r.Source != nil && (r.Source.ID != "" || r.Source.URL != ""):
		return &wire.DocumentSpec{ID: r.Source.ID, URL: r.Source.URL}
	}
	return nil
}

func (s *Service) recommend(ctx context.Context, reader *index.Reader, c grant.Caller, req *RecommendationsRequest, now time.Time) (RecommendationsResponse, error) {
	resp := RecommendationsResponse{Results: []Recommendation{}}
	text, self, err := s.subject(ctx, reader, c, req)
	if err != nil {
		return resp, err
	}
	o := req.Options
	q, err := s.narrowing(ctx, c, &Options{DatasourceFilter: o.DatasourceFilter, DatasourcesFilter: o.DatasourcesFilter, FacetFilterSets: o.FacetFilterSets}, nil)
	if err != nil {
		return resp, err
	}
	filter, err := s.narrowed(ctx, q, nil, now)
	if err != nil {
		return resp, err
	}
	q.req.MaxSnippet = req.MaxSnippet
	q.ask, err = likeness(ctx, reader, text)
	if err != nil {
		return resp, err
	}
	if len(q.ask.Text) == 0 {
		return resp, rpc.Nothing()
	}
	q.ask.Filter = filter
	if self != "" {
		others := index.All{index.Not{Filter: index.Keys{self}}}
		if filter != nil {
			others = append(others, filter)
		}
		q.ask.Filter = others
	}
	q.ask.Size, q.ask.Now, q.ask.Highlight = cmpOr(req.PageSize, defaultPage, maxPage), now.Unix(), highlight(q.req)
	found, err := reader.Search(ctx, q.ask)
	if err != nil {
		return resp, err
	}
	if err := s.showLike(ctx, q, found, o.Prominence, &resp); err != nil {
		return resp, err
	}
	if len(resp.Results) == 0 {
		return resp, rpc.Nothing()
	}
	resp.TrackingToken, err = s.track(c, Tracked{Document: self})
	return resp, err
}

// subject returns the text that is to be compared, and the key of the document that it is of.
func (s *Service) subject(ctx context.Context, reader *index.Reader, c grant.Caller, req *RecommendationsRequest) (text similar.Text, self string, err error) {
	spec := req.spec()
	if spec == nil {
		d := cmp.Or(req.Options.Context, req.Source)
		if d == nil {
			return text, "", errNoText
		}
		text.Title, text.Languages = d.Title, languages(req.Locale, req.Accepts)
		if d.Content != nil {
			text.Body = strings.Join(d.Content.FullTextList, "\n")
		}
		if text.Title+text.Body == "" {
			return text, "", errNoText
		}
		return text, "", nil
	}
	d, err := s.named(ctx, c, spec)
	if err != nil {
		return text, "", err
	}
	held, err := reader.Search(ctx, index.Query{Filter: index.Keys{d.Key}, Size: 1})
	if err != nil {
		return text, "", err
	}
	if len(held.Hits) == 0 {
		return text, "", rpc.Later(retryRecommending)
	}
	return similar.Text{Title: d.Title, Body: cmp.Or(d.Body, d.Summary), Tags: d.Tags, Languages: languages(req.Locale, req.Accepts)}, d.Key, nil
}

// named returns the document that a spec means. Of several under one address those whose own address it is come first, then
// the order of keys decides.
func (s *Service) named(ctx context.Context, c grant.Caller, spec *wire.DocumentSpec) (*corpus.Document, error) {
	if ref, ok := corpus.ParseKey(spec.ID); ok {
		found, err := s.sources.Get(ctx, c, ref.Key())
		if err == nil && found[ref.Key()] == nil {
			err = errHidden
		}
		return found[ref.Key()], err
	}
	if spec.ID != "" || spec.URL == "" {
		return nil, errHidden
	}
	found, err := s.sources.ByURL(ctx, c, spec.URL)
	if err != nil {
		return nil, err
	}
	var best *corpus.Document
	for _, d := range found {
		own := d.ViewURL == spec.URL
		if best == nil || own && best.ViewURL != spec.URL || own == (best.ViewURL == spec.URL) && d.Key < best.Key {
			best = d
		}
	}
	if best == nil {
		return nil, errHidden
	}
	whole, err := s.sources.Get(ctx, c, best.Key)
	if err == nil && whole[best.Key] == nil { // gone this very moment
		err = errHidden
	}
	return whole[best.Key], err
}

// likeness is the question for documents like a text. What is counted to choose its words is what the caller sees.
func likeness(ctx context.Context, reader *index.Reader, text similar.Text) (index.Query, error) {
	everything, err := reader.Search(ctx, index.Query{Total: true})
	if err != nil {
		return index.Query{}, err
	}
	words, err := similar.Question(ctx, text, everything.Total, func(ctx context.Context, word string) (int, error) {
		r, err := reader.Search(ctx, index.Query{Text: query.All{query.Word(word)}, Languages: text.Languages, Total: true})
		return r.Total, err
	})
	return index.Query{Text: words, Languages: text.Languages}, err
}

// showLike turns hits into results.
func (s *Service) showLike(ctx context.Context, q *question, found index.Result, prominences []string, resp *RecommendationsResponse) error {
	documents, err := s.documents.Show(ctx, q.caller, index.KeysOf(found.Hits))
	if err != nil {
		return err
	}
	// Scores tell of documents that the caller does not see, so none makes a result stand out.
	if len(prominences) > 0 && !slices.Contains(prominences, ordinary) {
		return nil
	}
	for _, hit := range found.Hits {
		doc, ok := documents[hit.Key]
		if !ok { // the truth may have moved on since the index was written
			continue
		}
		token, err := s.track(q.caller, Tracked{Document: hit.Key, Position: len(resp.Results)})
		if err != nil {
			return err
		}
		resp.Results = append(resp.Results, Recommendation{
			Result:     Result{Title: doc.Title, URL: doc.URL, Document: doc, Snippets: q.snippets(hit), TrackingToken: token},
			Prominence: ordinary,
		})
	}
	return nil
}
