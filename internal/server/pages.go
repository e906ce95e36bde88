package server

import (
	"context"
	"strconv"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// pageDatasources lets the datasource pages ask the corpus.
type pageDatasources struct {
	server *Server
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
		Documents: int(counts[d.Name]), Visible: d.Realm.Visible, OpenToAnonymousTokens: d.Realm.OpenToAnonymous, Test: d.Realm.Test, Undecided: d.Realm.Undecided,
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
