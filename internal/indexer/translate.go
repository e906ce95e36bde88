package indexer

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

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
	// facetContainerID is the id that the datasource gives to the container: a channel, a thread, a folder.
	facetContainerID = "containerid"
	facetAuthor      = "author" // the address; the name where there is none
	facetOwner       = "owner"
	facetTag         = "tag"
	facetStatus      = "status"
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
		Updated: cmp.Or(d.UpdatedAt, d.CreatedAt), Created: d.CreatedAt, Popularity: popularity(d.Interactions),
		Facets: map[string][]string{}, Numbers: map[string]int64{},
	}
	author, authorNames := t.user(d.Author)
	owner, _ := t.user(d.Owner)
	doc.Authors = authorNames
	for _, f := range []struct{ field, value string }{
		{facetDatasource, d.Datasource},
		{facetType, d.ObjectType},
		{facetContainer, d.Container},
		{facetContainerID, d.ContainerID},
		{facetAuthor, author},
		{facetOwner, owner},
		{facetStatus, d.Status},
	} {
		if f.value != "" {
			doc.Facets[f.field] = []string{f.value}
		}
	}
	if d.ContainerID != "" {
		within := corpus.Ref{Datasource: d.Datasource, ObjectType: d.ContainerObjectType, ID: d.ContainerID}
		doc.Facets[index.FieldWithin] = []string{within.Key()}
	}
	if len(d.Tags) > 0 {
		doc.Facets[facetTag] = d.Tags
	}
	t.properties(d, doc)
	t.metadata(d, doc)
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

// maxPropertyText bounds how much text of a document's properties is searched.
const maxPropertyText = 64 << 10

// properties adds custom properties. What a declaration keeps out of the index stays out; without
// one, the JSON says what the value is. A value that is not of the declared type, because the
// declaration came later, is left out until the document is sent again.
func (t *translator) properties(d *corpus.Document, doc *index.Document) {
	var words, prose []string
	size := 0
	for _, p := range d.Properties {
		var declared corpus.PropertyDefinition
		if ds := t.sources[d.Datasource]; ds != nil {
			declared, _ = ds.Property(d.ObjectType, p.Name)
		}
		field := corpus.Operator(p.Name)
		if declared.SkipIndexing || field == "" || corpus.BuiltIn(field) {
			continue
		}
		for _, v := range values(p.Value) {
			text, err := scalar(v)
			if err != nil || text == "" {
				continue
			}
			if size += len(text); searched(declared.Type) && v.Kind() == '"' && size <= maxPropertyText {
				if len(text) <= maxFacetValue {
					words = append(words, text)
				} else {
					prose = append(prose, text)
				}
			}
			if declared.Type == corpus.TypeUserID {
				text, _ = t.user(corpus.User{Name: text, Email: text})
			}
			if len(text) > maxFacetValue {
				continue
			}
			doc.Facets[field] = append(doc.Facets[field], text)
			if n, ok := corpus.Number(declared.Type, v); ok {
				doc.Numbers[field] = n
			}
		}
	}
	// Values are words about a document, as tags are. What is longer is text, and can be shown as such.
	doc.Tags = slices.Concat(doc.Tags, words)
	if len(prose) > 0 {
		doc.Body = strings.Join(append([]string{doc.Body}, prose...), "\n")
	}
}

// metadata adds what groups of custom metadata say of the document.
func (t *translator) metadata(d *corpus.Document, doc *index.Document) {
	var words []string
	for _, m := range d.Metadata {
		for _, v := range m.Values {
			if v.Operator == "" || corpus.BuiltIn(v.Operator) {
				continue
			}
			for _, item := range values(v.Value) {
				text, err := scalar(item)
				if err != nil || text == "" {
					continue
				}
				short := len(text) <= maxFacetValue
				if short {
					doc.Facets[v.Operator] = append(doc.Facets[v.Operator], text)
				}
				switch {
				case v.SkipIndexing:
				case short:
					words = append(words, text)
				default:
					doc.Body += "\n" + text
				}
			}
		}
	}
	doc.Tags = slices.Concat(doc.Tags, words)
}

// searched reports whether values of a type are words that people search for.
func searched(t corpus.PropertyType) bool {
	switch t {
	case corpus.TypeText, corpus.TypePicklist, corpus.TypeTextList, corpus.TypeMultiPicklist:
		return true
	}
	return false
}

// values lists the scalars of a property: itself, or the members of its list.
func values(v jsontext.Value) []jsontext.Value {
	switch v.Kind() {
	case '"', '0', 't', 'f':
		return []jsontext.Value{v}
	case '[':
		var list []jsontext.Value
		if json.Unmarshal(v, &list) != nil {
			return nil
		}
		return slices.DeleteFunc(list, func(item jsontext.Value) bool { return !strings.ContainsRune(`"0tf`, rune(item.Kind())) })
	}
	return nil
}

// scalar is a value as text.
func scalar(v jsontext.Value) (text string, err error) {
	if v.Kind() != '"' {
		return string(v), nil
	}
	err = json.Unmarshal(v, &text)
	return text, err
}
