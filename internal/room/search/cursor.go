package search

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/seal"
)

// place is what a cursor stands for: where the next page begins, and what the earlier ones showed.
type place struct {
	After *index.Cursor `json:"a"`
	// Instead is what was searched for in the place of the words typed, "" where it was these.
	Instead string `json:"i,omitzero"`
	Seen    int    `json:"n,omitzero"`
	Shown   []byte `json:"s,omitzero"` // marks of the last keys shown, eight bytes each
}

// maxShown is how many results back a page remembers what was shown: documents that change between two pages move in the order, and
// nobody wants to see one again. A mark is wrong once in 10¹⁷ pages.
const maxShown = 200

// mark is a text's place in 2⁶⁴.
func mark(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return h.Sum64()
}

// unshown leaves out hits that an earlier page showed.
func (q *question) unshown(hits []index.Hit) []index.Hit {
	if len(q.shown) == 0 {
		return hits
	}
	return slices.DeleteFunc(hits, func(h index.Hit) bool { return slices.Contains(q.shown, mark(h.Key)) })
}

// deciding returns those of the options that decide which results there are.
func deciding(o *Options) Options {
	options := *o
	options.ResponseHints, options.FacetBucketFilter, options.FacetBucketSize, options.DefaultFacets = nil, nil, 0, nil
	options.AllDatasourceCounts, options.LongText = false, false
	return options
}

// binding ties a cursor to who asked and to everything that decides which results there are.
func binding(q *question) (string, error) {
	options := deciding(q.options)
	text, err := json.Marshal(struct {
		Query     string
		Languages []string
		Tabs      []string
		Sort      index.Sort
		Options   Options
	}{q.req.Query, q.ask.Languages, q.req.TabIDs, q.req.Sort, options})
	if err != nil {
		return "", fmt.Errorf("bind a cursor: %w", err)
	}
	sum := sha256.Sum256(text)
	return "search|" + q.caller.Binding() + "|" + base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

func (s *Service) sealCursor(q *question, next *index.Cursor, shown []index.Hit) (string, error) {
	bound, err := binding(q)
	if err != nil {
		return "", err
	}
	p := place{After: next, Seen: q.seen + len(shown)}
	if q.usedCorrection {
		p.Instead = query.Print(q.corrected)
	}
	marks := slices.Clone(q.shown)
	for _, h := range shown {
		marks = append(marks, mark(h.Key))
	}
	for _, m := range marks[max(0, len(marks)-maxShown):] {
		p.Shown = binary.BigEndian.AppendUint64(p.Shown, m)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode a cursor: %w", err)
	}
	return s.box.Seal(seal.Cursor, bound, text), nil
}

// resume has a question go on where its cursor says.
func (s *Service) resume(q *question) error {
	dead := fault.New(fault.Invalid, "The cursor is not of this search, or too old. Search again without it.").WithField("cursor").WithCode("invalid_cursor")
	bound, err := binding(q)
	if err != nil {
		return err
	}
	text, err := s.box.Open(seal.Cursor, bound, q.req.Cursor)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			return err
		}
		return dead.Wrap(err)
	}
	var p place
	if err := json.Unmarshal(text, &p); err != nil || p.After == nil {
		return dead.Wrap(err)
	}
	q.ask.After, q.seen, q.instead = p.After, p.Seen, p.Instead
	for part := range slices.Chunk(p.Shown, 8) {
		q.shown = append(q.shown, binary.BigEndian.Uint64(part))
	}
	return nil
}

// Tracked is what a tracking token stands for: a search, a result of it, and where that stood.
type Tracked struct {
	Query    string `json:"q,omitzero"` // its beginning, where it is long
	Document string `json:"k,omitzero"` // a document's key; "" for the search as a whole
	Person   string `json:"u,omitzero"` // a person's id, where the result is one
	Position int    `json:"p,omitzero"` // from 0, counted over all pages
}

// maxTracked bounds the part of a query that a token carries, in bytes.
const maxTracked = 200

func (s *Service) track(c grant.Caller, t Tracked) (string, error) {
	t.Query = cutText(t.Query, maxTracked)
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode a tracking token: %w", err)
	}
	return s.box.Seal(seal.Tracking, c.Binding(), text), nil
}

// Resolve returns what a tracking token stands for. It fails with fault.Invalid for one that was given to another caller, or is too old.
func (s *Service) Resolve(c grant.Caller, token string) (Tracked, error) {
	var t Tracked
	text, err := s.box.Open(seal.Tracking, c.Binding(), token)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("decode a tracking token: %w", err)
	}
	return t, nil
}

// cutText returns at most n bytes of text, as valid UTF-8.
func cutText(text string, n int) string {
	if len(text) > n {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	return strings.ToValidUTF8(text, "")
}
