package platformsearch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// builtIn are the fields that every datasource has, with the type that the catalogue gives them. They are compared for equality alone.
var builtIn = []struct{ field, kind string }{
	{"type", "text"},
	{"owner", "person"},
	{"from", "person"},
	{"author", "person"},
	{"channel", "text"},
	{"status", "text"},
	{"assignee", "text"},
	{"reporter", "text"},
	{"component", "text"},
	{"mentions", "text"},
	{"collection", "text"},
}

func isBuiltIn(field string) bool {
	return slices.ContainsFunc(builtIn, func(b struct{ field, kind string }) bool { return b.field == field })
}

var (
	equality = []Operator{Equals, NotEquals}
	every    = []Operator{Equals, NotEquals, Greater, GreaterOrEqual, Less, LessOrEqual}
)

// translate turns filters, all of which hold, into those of the search, and into ranges, which the search's own filters know only to a day.
func translate(list []Filter) (conditions []wire.FacetFilter, ranges index.All, err error) {
	if list != nil && len(list) == 0 {
		return nil, nil, refuse(codeFilter, "filters", "filters has one at least, or is absent.")
	}
	equals := map[string]bool{}
	total := 0
	for i, f := range list {
		bad := func(part, format string, args ...any) error {
			return refuse(codeFilter, fmt.Sprintf("filters.%d%s", i, part), format, args...)
		}
		if f.Operator == "" {
			f.Operator = Equals
		}
		total += len(f.Values)
		switch {
		case f.Field == "":
			return nil, nil, bad(".field", "The filter has no field.")
		case !slices.Contains(every, f.Operator):
			return nil, nil, bad(".operator", "The operator is EQUALS, NOT_EQUALS, GT, GTE, LT or LTE.")
		case len(f.Values) == 0 || slices.Contains(f.Values, ""):
			return nil, nil, bad(".values", "The filter has no value, or an empty one.")
		case total > maxValues:
			return nil, nil, bad(".values", "The filters have more than %d values.", maxValues)
		}
		field := strings.ToLower(f.Field)
		switch f.Operator {
		case Equals:
			if equals[field] {
				return nil, nil, bad(".field", "Two filters with EQUALS have the same field. Put the values of both into one.")
			}
			equals[field] = true
			conditions = append(conditions, wire.FacetFilter{FieldName: f.Field, Values: equalities(wire.Equals, f.Values)})
		case NotEquals:
			conditions = append(conditions, wire.FacetFilter{FieldName: f.Field, Values: equalities(wire.NotEquals, f.Values)})
		default:
			if isBuiltIn(field) {
				return nil, nil, bad(".operator", "The field %s is compared with EQUALS and NOT_EQUALS only.", field)
			}
			if len(f.Values) != 1 {
				return nil, nil, bad(".values", "%s takes one value.", f.Operator)
			}
			w, ok := compare(indexField(field), f.Operator, f.Values[0])
			if !ok {
				return nil, nil, bad(".values.0", "A comparison takes a whole number, a day such as 2026-11-02, or a time such as 2026-11-02T09:30:00Z.")
			}
			ranges = append(ranges, w)
		}
	}
	return conditions, ranges, nil
}

// indexField is the index's name for a field with numbers or times.
func indexField(name string) string {
	switch name {
	case "updated", "updated_at", "last_updated_at":
		return index.FieldUpdated
	case "created", "created_at":
		return index.FieldCreated
	}
	return corpus.Operator(name)
}

func everywhere(field string) index.Within {
	return index.Within{Field: field, From: math.MinInt64, To: math.MaxInt64}
}

// compare is the range of numbers or times that a comparison asks for. A day is all of it, in UTC: after it is from the next
// day on, and up to it includes it.
func compare(field string, op Operator, value string) (index.Within, bool) {
	w := everywhere(field)
	from, to, ok := span(value)
	if !ok {
		return w, false
	}
	switch op {
	case Greater:
		w.From = to
	case GreaterOrEqual:
		w.From = from
	case Less:
		w.To = from
	case LessOrEqual:
		w.To = to
	}
	return w, true
}

// span returns what a value covers, its end not included.
func span(value string) (from, to int64, ok bool) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		if n == math.MaxInt64 {
			return n, n, true // nothing is above it
		}
		return n, n + 1, true
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return day.Unix(), day.AddDate(0, 0, 1).Unix(), true
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return upward(at), at.Unix() + 1, true
	}
	return 0, 0, false
}

// Filters lists the filters of the datasources that the caller may see. With a query it lists, for one datasource, the values that the query's
// documents have too: of those that the caller may see, like all else.
func (s *Service) Filters(ctx context.Context, c grant.Caller, req FiltersRequest) (FiltersResponse, error) {
	resp := FiltersResponse{Datasources: []SourceFilters{}, RequestID: rpc.RequestID(ctx)}
	if req.Query != "" && len(req.Datasources) != 1 {
		return resp, refuse(codeParameter, "datasources", "With query, datasources names exactly one.")
	}
	var chosen []corpus.Datasource
	var err error
	if req.Datasources == nil {
		chosen, err = s.sources.Visible(ctx, c)
	} else {
		chosen, err = s.datasources(ctx, c, req.Datasources)
	}
	if err != nil {
		return resp, err
	}
	for i := range chosen {
		filters, err := s.filtersOf(ctx, c, chosen[i].Name)
		if err != nil {
			return resp, err
		}
		if req.Query != "" {
			if err := s.values(ctx, c, req.Query, chosen[i].Name, filters); err != nil {
				return resp, err
			}
		}
		resp.Datasources = append(resp.Datasources, SourceFilters{chosen[i].Name, filters})
	}
	return resp, nil
}

func (s *Service) filtersOf(ctx context.Context, c grant.Caller, datasource string) ([]FilterInfo, error) {
	list := make([]FilterInfo, 0, len(builtIn))
	for _, b := range builtIn {
		list = append(list, FilterInfo{Field: b.field, Type: b.kind, Operators: equality})
	}
	properties, err := s.sources.Properties(ctx, c, datasource)
	if err != nil {
		return nil, err
	}
	for i := range properties {
		p := &properties[i]
		if !p.Indexed || p.Operator == "" || isBuiltIn(p.Operator) {
			continue
		}
		info := FilterInfo{Field: p.Operator, Type: kindOf(p.Type), Operators: equality}
		if p.Number() {
			info.Operators = every
		}
		list = append(list, info)
	}
	return list, nil
}

func kindOf(t corpus.PropertyType) string {
	switch t {
	case corpus.TypeDate:
		return "date"
	case corpus.TypeInt:
		return "number"
	case corpus.TypeUserID:
		return "person"
	case corpus.TypeTextList, corpus.TypeMultiPicklist:
		return "list"
	}
	return "text"
}

// values fills in the values that the caller's documents for a query have, as many as a page of facets shows.
func (s *Service) values(ctx context.Context, c grant.Caller, text, datasource string, filters []FilterInfo) error {
	q := Question{Text: text, Datasources: []string{datasource}}
	for i := range filters {
		if filters[i].Type != "date" && len(q.Facets) < index.MaxFacets {
			q.Facets = append(q.Facets, filters[i].Field)
		}
	}
	found, err := s.find(ctx, c, q)
	if fault.KindOf(err) == fault.Invalid {
		return refuse(codeParameter, "query", "The query cannot be searched for.").Wrap(err)
	}
	if err != nil {
		return err
	}
	for i := range filters {
		for _, facet := range found.Facets {
			if facet.SourceName != filters[i].Field && !(filters[i].Field == "author" && facet.SourceName == "from") && !(filters[i].Field == "channel" && facet.SourceName == "container") {
				continue
			}
			for _, b := range facet.Buckets {
				if b.Value != nil && b.Value.StringValue != "" {
					filters[i].Values = append(filters[i].Values, b.Value.StringValue)
				}
			}
		}
	}
	return nil
}
