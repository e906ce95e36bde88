package indexer

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/index"
)

// Names of facets that every document can have. Custom properties come beside them, under their own
// names in lower case.
const (
	facetDatasource = "datasource"
	facetType       = "type"
	facetContainer  = "container"
	facetAuthor     = "author" // the address; the name where there is none
	facetOwner      = "owner"
	facetTag        = "tag"
	facetStatus     = "status"
)

// translator turns documents of the corpus into documents of an index.
type translator struct {
	sources map[string]*corpus.Datasource
	people  *directory.Roster
}

func (x *Indexer) translator(ctx context.Context) (*translator, error) {
	list, err := x.cfg.Corpus.Datasources(ctx, x.cfg.Caller)
	if err != nil {
		return nil, err
	}
	t := &translator{sources: make(map[string]*corpus.Datasource, len(list))}
	for i := range list {
		t.sources[list[i].Name] = &list[i]
	}
	t.people, err = x.cfg.Directory.Roster(ctx)
	return t, err
}

func (t *translator) document(d *corpus.Document) *index.Document {
	doc := &index.Document{
		Key: d.Key, Readers: d.Readers, Title: d.Title, Body: body(d), Path: path(d), Tags: d.Tags,
		Updated: d.UpdatedAt, Created: d.CreatedAt, Popularity: popularity(d.Interactions),
		Facets: map[string][]string{}, Numbers: map[string]int64{},
	}
	author, authorNames := t.user(d.Author)
	owner, _ := t.user(d.Owner)
	doc.Authors = authorNames
	for _, f := range []struct{ field, value string }{
		{facetDatasource, d.Datasource},
		{facetType, d.ObjectType},
		{facetContainer, d.Container},
		{facetAuthor, author},
		{facetOwner, owner},
		{facetStatus, d.Status},
	} {
		if f.value != "" {
			doc.Facets[f.field] = []string{f.value}
		}
	}
	if len(d.Tags) > 0 {
		doc.Facets[facetTag] = d.Tags
	}
	t.properties(d, doc)
	return doc
}

// path is where a document lives, with the id that people know it by: a ticket is asked for as HW-2291.
func path(d *corpus.Document) string { return strings.TrimSpace(d.Container + " " + d.ID) }

// body is the text to search: the body, and what else readers see of the document.
func body(d *corpus.Document) string {
	if d.Summary == "" && len(d.Comments) == 0 {
		return d.Body
	}
	parts := []string{d.Body}
	if d.Summary != "" {
		parts = append(parts, d.Summary)
	}
	for i := range d.Comments {
		if d.Comments[i].Text != "" {
			parts = append(parts, d.Comments[i].Text)
		}
	}
	return strings.Join(parts, "\n")
}

// user returns how filters name somebody, and the words by which they are searched.
func (t *translator) user(u corpus.User) (facet string, names []string) {
	facet = u.Name
	if u.Name != "" {
		names = append(names, u.Name)
	}
	email, err := directory.FoldEmail(u.Email)
	if err != nil {
		return facet, names
	}
	if p, known := t.people.ByEmail(email); known {
		email = p.Email
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return email, append(names, email)
}

// popularity maps the counts that a datasource gives to 0…1: ten thousand views are very many.
func popularity(n corpus.Interactions) float64 {
	weight := float64(max(n.Views, 0)) + 5*float64(max(n.Likes, 0)) + 2*float64(max(n.Comments, 0))
	return min(math.Log1p(weight)/math.Log1p(10_000), 1)
}

// maxFacetValue bounds the bytes of a value that can be filtered by. Longer ones are prose.
const maxFacetValue = 256

// properties adds custom properties. What a declaration keeps out of the index stays out; without
// one, the JSON says what the value is.
func (t *translator) properties(d *corpus.Document, doc *index.Document) {
	for _, p := range d.Properties {
		var declared corpus.PropertyDefinition
		if ds := t.sources[d.Datasource]; ds != nil {
			declared, _ = ds.Property(d.ObjectType, p.Name)
		}
		if declared.SkipIndexing {
			continue
		}
		field := strings.ToLower(p.Name)
		if _, builtIn := doc.Facets[field]; builtIn || reserved(field) {
			continue
		}
		for _, v := range values(p.Value) {
			if v == "" || len(v) > maxFacetValue {
				continue
			}
			doc.Facets[field] = append(doc.Facets[field], v)
			if n, ok := number(declared.Type, v); ok {
				doc.Numbers[field] = n
			}
		}
	}
}

func reserved(field string) bool {
	switch field {
	case facetDatasource, facetType, facetContainer, facetAuthor, facetOwner, facetTag, facetStatus, index.FieldUpdated, index.FieldCreated:
		return true
	}
	return false
}

// values lists the scalars of a property: itself, or the members of its list.
func values(v jsontext.Value) []string {
	if len(v) == 0 {
		return nil
	}
	switch v.Kind() {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return nil
		}
		return []string{s}
	case '0', 't', 'f':
		return []string{string(v)}
	case '[':
		var list []jsontext.Value
		if json.Unmarshal(v, &list) != nil {
			return nil
		}
		var all []string
		for _, item := range list {
			if item.Kind() != '[' {
				all = append(all, values(item)...)
			}
		}
		return all
	}
	return nil
}

// number is the value by which a range compares: dates are Unix seconds.
func number(declared, text string) (int64, bool) {
	if declared == "DATE" {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.Unix(), true
			}
		}
	}
	var n float64
	if json.Unmarshal([]byte(text), &n) != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, false
	}
	return int64(n), true
}
