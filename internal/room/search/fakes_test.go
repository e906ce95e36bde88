package search

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/activity"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// sources has one datasource, of logs.
type sources struct{}

func (sources) Visible(context.Context, grant.Caller) ([]corpus.Datasource, error) {
	return []corpus.Datasource{{Settings: corpus.Settings{
		Name: "log", DisplayName: "Ship's log", Aliases: []string{"diary"},
		Objects: []corpus.ObjectDefinition{{Name: "Page", DisplayLabel: "Log page"}},
	}}}, nil
}

func (sources) Properties(_ context.Context, _ grant.Caller, names ...string) ([]corpus.PropertyInfo, error) {
	return []corpus.PropertyInfo{
		{Operator: "sea", Name: "Sea", Label: "Sea area", Datasource: "log", Facet: true, Indexed: true},
		{Operator: "depth", Name: "depth", Label: "Depth", Datasource: "log", Type: corpus.TypeInt, Indexed: true},
		{Operator: "unindexed", Name: "unindexed", Label: "x", Datasource: "log"},
	}, nil
}

func (sources) Get(_ context.Context, _ grant.Caller, keys ...string) (map[string]*corpus.Document, error) {
	found := map[string]*corpus.Document{}
	for _, key := range keys {
		found[key] = &corpus.Document{Key: key}
	}
	return found, nil
}

func (sources) ByURL(_ context.Context, _ grant.Caller, urls ...string) (map[string]*corpus.Document, error) {
	found := map[string]*corpus.Document{}
	for _, u := range urls {
		if key, ok := strings.CutPrefix(u, "https://log.example/"); ok {
			found[key] = &corpus.Document{Key: key}
		}
	}
	return found, nil
}

// opened is what everyone but nobody opened lately.
type opened []string

func (o opened) History(_ context.Context, c grant.Caller) ([]string, error) {
	if c.Person() == "" {
		return nil, nil
	}
	return o, nil
}

func (o opened) Searches(_ context.Context, c grant.Caller) ([]activity.Searched, error) {
	if c.Person() == "" {
		return nil, nil
	}
	return []activity.Searched{{Text: "Tides at noon"}, {Text: "tide tables"}, {Text: "whales"}}, nil
}

func (opened) Search(grant.Caller, string) {}

// keys lets nobody past permissions.
type keys struct{}

func (keys) AdminSearch(context.Context, grant.Caller, string) (grant.Caller, error) {
	return grant.Caller{}, fault.New(fault.Forbidden, "no")
}
