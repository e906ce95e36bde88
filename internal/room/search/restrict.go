package search

import (
	"cmp"
	"slices"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Limits of the containers within containers that a request can mean.
const (
	maxDepth      = 20    // levels
	maxContainers = 1000  // that a level has
	maxGuesses    = 10000 // names tried for containers whose type nobody tells
)

// restrictions adds what a request is limited to and what it leaves out. To leave out wins: it holds whatever else does, and in facets too,
// which is why both stand deeper than what is lifted from these.
func (f *filters) restrictions(o *Options) {
	if restricts(o.Inclusions) {
		f.all = append(f.all, index.All{f.restriction("inclusions", o.Inclusions)})
	}
	if restricts(o.Exclusions) {
		f.all = append(f.all, index.All{index.Not{Filter: f.restriction("exclusions", o.Exclusions)}})
	}
}

func restricts(r *wire.Restriction) bool {
	return r != nil && len(r.ContainerSpecs)+len(r.DocumentSpecs)+len(r.Datasources) > 0
}

// restriction is the test that a document is one of those named, or within one of the containers, or of one of the datasources.
func (f *filters) restriction(field string, r *wire.Restriction) index.Filter {
	if len(r.ContainerSpecs) > maxSpecs || len(r.DocumentSpecs) > maxSpecs {
		f.refuse(field, "Name at most 100 containers and 100 documents.")
	}
	if !f.count(field, len(r.ContainerSpecs)+len(r.DocumentSpecs)+len(r.Datasources)) {
		return index.Any{}
	}
	var anyOf index.Any
	if len(r.Datasources) > 0 {
		anyOf = append(anyOf, index.Has{Field: fieldDatasource, Values: r.Datasources})
	}
	if keys := f.keysOf(field, r.DocumentSpecs); len(keys) > 0 {
		anyOf = append(anyOf, index.Keys(keys))
	}
	if containers := f.keysOf(field, r.ContainerSpecs); len(containers) > 0 {
		inside := f.within(containers)
		anyOf = append(anyOf, index.Keys(containers), index.Has{Field: fieldWithin, Values: inside})
	}
	return anyOf
}

// keysOf returns the keys of what specs name, as far as the caller may know them. What people write in sheaf itself is no container yet.
func (f *filters) keysOf(field string, specs []wire.DocumentSpec) []string {
	var keys, urls []string
	for _, spec := range specs {
		switch ref, ok := corpus.ParseKey(spec.ID); {
		case ok:
			keys = append(keys, ref.Key())
		case spec.ID == "" && spec.URL != "":
			urls = append(urls, spec.URL)
		case spec.ID == "" && spec.UGCType == "":
			f.refuse(field, "A container or document is named by its id or its url.")
		}
	}
	if len(urls) > 0 && f.err == nil {
		found, err := f.service.sources.ByURL(f.ctx, f.question.caller, urls...)
		if err != nil {
			f.err = cmp.Or(f.err, err)
		}
		for key := range found {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// untyped is the name of a container whose type its documents do not tell.
func untyped(key string) string {
	ref, _ := corpus.ParseKey(key)
	return corpus.Ref{Datasource: ref.Datasource, ID: ref.ID}.Key()
}

// within returns the containers and, level by level, those in them, under each name that documents may have for them. The caller sees no container that
// it may not see, and so none of what is only within that.
func (f *filters) within(containers []string) []string {
	var names []string
	seen := map[string]bool{}
	add := func(keys []string) {
		for _, key := range keys {
			seen[key] = true
			for _, name := range []string{key, untyped(key)} {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	level := containers
	add(level)
	for range maxDepth {
		if f.err != nil || len(names) > maxContainers {
			break
		}
		var next []string
		for _, key := range f.containersIn(level) {
			if !seen[key] {
				next = append(next, key)
			}
		}
		if len(next) == 0 {
			break
		}
		add(next)
		level = next
	}
	return names
}

// containersIn returns the keys of the documents directly in one of the containers that have documents in them.
func (f *filters) containersIn(containers []string) []string {
	var names, sources []string
	for _, key := range containers {
		ref, _ := corpus.ParseKey(key)
		names, sources = append(names, key, untyped(key)), append(sources, ref.Datasource)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	// What containers there are in these datasources, and which types their documents have.
	found, err := f.service.index.Search(f.ctx, f.question.caller, index.Query{
		Filter: index.Has{Field: fieldDatasource, Values: sources},
		Facets: []index.FacetRequest{{Field: fieldWithin, Size: index.MaxBuckets}, {Field: fieldType, Size: index.MaxBuckets}},
	})
	if err != nil {
		f.err = cmp.Or(f.err, err)
		return nil
	}
	var keys index.Keys
	for _, b := range found.Facets[0].Buckets {
		ref, _ := corpus.ParseKey(b.Value)
		keys = append(keys, b.Value)
		for _, t := range found.Facets[1].Buckets {
			if ref.ObjectType == "" && len(keys) < maxGuesses {
				keys = append(keys, corpus.Ref{Datasource: ref.Datasource, ObjectType: t.Value, ID: ref.ID}.Key())
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err = f.service.index.Search(f.ctx, f.question.caller, index.Query{
		Filter: index.All{index.Has{Field: fieldWithin, Values: names}, keys}, Size: maxContainers, Sort: index.ByKey,
	})
	if err != nil {
		f.err = cmp.Or(f.err, err)
		return nil
	}
	return index.KeysOf(found.Hits)
}
