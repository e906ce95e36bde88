// Package documents reads documents by name: what the DOCUMENTS scope opens.
//
// For a person it means to open what they may see and already know by id or address. What is hidden
// from them is answered in the same words as what does not exist. Anonymous tokens do not open it; a
// GLOBAL token sees what the person acted as would see.
//
// The same Service shows documents to the rooms that find them (Show), so that a document looks the
// same wherever it turns up.
package documents

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Bounds of an answer.
const (
	maxSpecs = 500
	// maxContent is how many bytes of text one answer holds. The first document is given whole.
	maxContent = 8 << 20
	// readAtOnce bounds how many documents are in memory with their text, of which each may have as much as an answer.
	readAtOnce = 8
)

// Errors of single documents.
const (
	errMissing = "There is no such document, or you may not see it."
	errFull    = "The answer holds too much text already. Ask for this document in a further request."
)

// Activity knows who opened which documents.
type Activity interface {
	// LastViewed returns when the caller last opened those of the documents that it did.
	LastViewed(ctx context.Context, c grant.Caller, documents []string) (map[string]time.Time, error)
	// Visitors returns how many people opened each of the documents.
	Visitors(ctx context.Context, documents []string) (map[string]int64, error)
}

// Filters understands filters as search does.
type Filters interface {
	// Filter returns the condition that sets of filters, one of which must hold, state at a moment, for questions of this
	// caller. Values that mean nothing are a fault.Unprocessable.
	Filter(ctx context.Context, c grant.Caller, now time.Time, datasources []string, sets []wire.FacetFilterSet) (index.Filter, error)
}

// Service reads documents of one corpus.
type Service struct {
	corpus    *corpus.Corpus
	directory *directory.Directory
	// What follows is for the room's own operations. Show does without.
	index    *index.Index
	activity Activity
	filters  Filters
	box      *seal.Box
}

// New returns the service over c, whose authors d knows. It can Show documents.
func New(c *corpus.Corpus, d *directory.Directory) *Service { return &Service{corpus: c, directory: d} }

// Found returns a service that can find documents too, and has the room's operations.
func (s *Service) Found(ix *index.Index, a Activity, f Filters, box *seal.Box) *Service {
	found := *s
	found.index, found.activity, found.filters, found.box = ix, a, f, box
	return &found
}

// Room is what the DOCUMENTS scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Documents, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/getdocuments", "Reads documents by id or address.", s.get),
		rpc.JSON("POST /rest/api/v1/getdocumentsbyfacets", "Lists the documents that pass filters.", s.byFacets).Refusing(fault.Unprocessable),
		rpc.JSON("POST /rest/api/v1/messages", "Reads the messages of a conversation.", s.messages),
	)
}

// Show returns those documents that the caller may see, by key, without their text.
func (s *Service) Show(ctx context.Context, c grant.Caller, keys []string) (map[string]wire.Document, error) {
	shown := make(map[string]wire.Document, len(keys))
	people, err := s.directory.Roster(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.corpus.Outline(ctx, c, keys...)
	if err != nil {
		return nil, err
	}
	for key, d := range found {
		doc := show(people, d)
		if c.Is(grant.Anonymous) {
			withoutAddresses(&doc)
		}
		shown[key] = doc
	}
	return shown, nil
}

// get answers every spec under the id or address that it gives.
func (s *Service) get(ctx context.Context, c grant.Caller, req GetRequest) (GetResponse, error) {
	resp := GetResponse{Documents: make(map[string]DocumentOrError, len(req.Specs))}
	if len(req.Specs) > maxSpecs {
		return resp, fault.Newf(fault.Invalid, "Ask for at most %d documents at a time.", maxSpecs).WithField("documentSpecs")
	}
	people, err := s.directory.Roster(ctx)
	if err != nil {
		return resp, err
	}
	a := answer{
		resp: resp, people: people, left: maxContent,
		withText: slices.Contains(req.IncludeFields, DocumentContent), withMetadata: slices.Contains(req.IncludeFields, CustomMetadata),
	}
	read, atOnce := s.corpus.Outline, maxSpecs
	if a.withText || a.withMetadata {
		read, atOnce = s.corpus.Get, readAtOnce
	}
	for part := range slices.Chunk(req.Specs, atOnce) {
		var keys, urls []string
		for _, spec := range part {
			switch {
			case spec.ID != "":
				keys = append(keys, spec.ID)
			case spec.URL != "":
				urls = append(urls, spec.URL)
			case spec.UGCID == "" && spec.ContentID == 0:
				return resp, fault.New(fault.Invalid, "A document is named by its id or its url.").WithField("documentSpecs")
			}
		}
		byURL, err := s.corpus.ByURL(ctx, c, urls...)
		if err != nil {
			return resp, err
		}
		named := map[string]string{} // keys by address
		for _, url := range urls {
			if d := at(url, byURL); d != nil {
				named[url] = d.Key
				keys = append(keys, d.Key)
			}
		}
		byKey, err := read(ctx, c, keys...)
		if err != nil {
			return resp, err
		}
		for _, spec := range part {
			a.add(spec, byKey, named)
		}
	}
	return a.resp, s.complete(ctx, c, req.IncludeFields, a.resp.Documents)
}

// answer is the answer to a request while it grows.
type answer struct {
	resp         GetResponse
	people       *directory.Roster
	withText     bool
	withMetadata bool
	left         int // bytes of text that still fit in
}

func (a *answer) add(spec wire.DocumentSpec, byKey map[string]*corpus.Document, named map[string]string) {
	var name string
	var d *corpus.Document
	switch {
	case spec.ID != "":
		name = spec.ID
		if ref, ok := corpus.ParseKey(spec.ID); ok {
			d = byKey[ref.Key()]
		}
	case spec.URL != "":
		name, d = spec.URL, byKey[named[spec.URL]]
	default: // things that people write in sheaf are no documents of a datasource
		name = cmp.Or(spec.UGCID, strconv.FormatInt(spec.ContentID, 10))
	}
	if _, twice := a.resp.Documents[name]; twice {
		return
	}
	switch {
	case d == nil:
		a.resp.Documents[name] = DocumentOrError{Error: errMissing}
		return
	case a.withText && len(d.Body) > a.left && a.left < maxContent:
		a.resp.Documents[name] = DocumentOrError{Error: errFull}
		return
	}
	shown := show(a.people, d)
	if a.withMetadata {
		addMetadata(&shown, d)
	}
	if a.withText {
		a.left -= len(d.Body)
		shown.Content = &wire.DocumentContent{FullTextList: []string{d.Body}}
	}
	a.resp.Documents[name] = DocumentOrError{Document: shown}
}

// at returns the document that has an address. Of several, those whose own address it is come
// first, then the order of keys decides.
func at(url string, found map[string]*corpus.Document) *corpus.Document {
	var best *corpus.Document
	for _, d := range found {
		if !d.HasURL(url) {
			continue
		}
		own := d.ViewURL == url
		if best == nil || own && best.ViewURL != url || own == (best.ViewURL == url) && d.Key < best.Key {
			best = d
		}
	}
	return best
}
