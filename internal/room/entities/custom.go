package entities

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// customEntities lists documents of entity datasources, by the same gate as search: those that the caller may see, in lists,
// totals and facets alike.
func (l *listing) customEntities(ctx context.Context) (ListResponse, error) {
	resp := ListResponse{Results: []wire.Person{}, CustomEntities: []CustomEntity{}, SortOptions: []SortKey{ByRelevance}}
	if _, _, err := order(l.req); err != nil {
		return resp, err
	}
	if l.s.cfg.Index == nil {
		return resp, nil
	}
	filter, err := l.customFilter(ctx)
	if err != nil || filter == nil {
		return resp, err
	}
	q := index.Query{
		Text: query.Parse(l.req.Query).Root, Filter: filter, Size: l.limit(maxPage), After: l.from.Index, Now: time.Now().Unix(), Total: true,
	}
	if slices.Contains(l.req.IncludeFields, Facets) {
		q.Facets = []index.FacetRequest{{Field: "datasource", Size: maxBuckets, Lift: true}, {Field: "type", Size: maxBuckets, Lift: true}}
	}
	found, err := l.s.cfg.Index.Search(ctx, l.caller, q)
	if err != nil {
		return resp, err
	}
	resp.TotalCount = found.Total
	counts := map[string][]directory.Bucket{}
	for _, f := range found.Facets {
		for _, b := range f.Buckets {
			counts[f.Field] = append(counts[f.Field], directory.Bucket{Value: b.Value, Count: b.Count})
		}
	}
	resp.FacetResults = facetResults([]string{"datasource", "type"}, counts)
	keys := index.KeysOf(found.Hits)
	shown, err := l.s.cfg.Documents.Show(ctx, l.caller, keys)
	if err != nil {
		return resp, err
	}
	for _, key := range keys {
		// The truth may have moved on since the index was written: what is gone from it is no result.
		if d, ok := shown[key]; ok {
			resp.CustomEntities = append(resp.CustomEntities, CustomEntity{
				ID: d.ID, Title: d.Title, Datasource: d.Datasource, ObjectType: d.Metadata.ObjectType,
				Metadata: CustomEntityMetadata{CustomData: d.Metadata.CustomData},
			})
		}
	}
	if found.Next != nil {
		err = l.more(&resp, len(found.Hits), place{Index: found.Next})
	}
	return resp, err
}

// customFilter is the condition on documents that a request states: nil where nothing can meet it.
func (l *listing) customFilter(ctx context.Context) (index.Filter, error) {
	visible, err := l.s.cfg.Corpus.Visible(ctx, l.caller)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range visible {
		if visible[i].Entity && (l.req.Datasource == "" || strings.EqualFold(visible[i].Name, l.req.Datasource)) {
			names = append(names, visible[i].Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	all := index.All{index.All{index.Has{Field: "datasource", Values: names}}} // deeper than what is lifted from a facet: others have no entities
	for _, f := range l.req.Filter {
		if len(f.Values) == 0 {
			continue
		}
		has := index.Has{Field: customField(f.FieldName)}
		for _, v := range f.Values {
			has.Values = append(has.Values, v.Value)
		}
		all = append(all, has)
	}
	return all, nil
}

// customField is the field of the index that a filter names.
func customField(name string) string {
	switch field := corpus.Operator(name); field {
	case "app":
		return "datasource"
	case "objecttype", "object_type", "entitytype":
		return "type"
	default:
		return field
	}
}
