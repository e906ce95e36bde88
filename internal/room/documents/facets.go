package documents

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// pageSize is how many documents getdocumentsbyfacets gives at a time. A request has no say in it.
const pageSize = 100

// ByFacetsRequest asks for documents that pass one of the sets of filters.
type ByFacetsRequest struct {
	DatasourcesFilter []string              `json:"datasourcesFilter,omitzero"`
	FilterSets        []wire.FacetFilterSet `json:"filterSets"`
	Cursor            string                `json:"cursor,omitzero"`
}

// ByFacetsResponse is a page of them, latest first.
type ByFacetsResponse struct {
	Documents []wire.Document `json:"documents"`
	HasMore   bool            `json:"hasMoreResults"`
	Cursor    string          `json:"cursor,omitzero"`
}

// byFacets lists the documents that pass filters. There are no words to score by, so the order is that of a search without
// words: by recency.
func (s *Service) byFacets(ctx context.Context, c grant.Caller, req ByFacetsRequest) (ByFacetsResponse, error) {
	resp := ByFacetsResponse{Documents: []wire.Document{}}
	if len(req.FilterSets) == 0 {
		return resp, fault.New(fault.Invalid, "filterSets holds at least one set of filters.").WithField("filterSets")
	}
	q := index.Query{Size: pageSize, Now: time.Now().Unix()}
	bound, err := binding(c, req)
	if err != nil {
		return resp, err
	}
	if req.Cursor != "" {
		if q.After, err = s.openCursor(bound, req.Cursor); err != nil {
			return resp, err
		}
		q.Now = q.After.Now // "past_week" is the same week on every page
	}
	if q.Filter, err = s.filters.Filter(ctx, c, time.Unix(q.Now, 0), req.DatasourcesFilter, req.FilterSets); err != nil {
		return resp, err
	}
	found, err := s.index.Search(ctx, c, q)
	if err != nil {
		return resp, err
	}
	keys := index.KeysOf(found.Hits)
	shown, err := s.Show(ctx, c, keys)
	if err != nil {
		return resp, err
	}
	for _, key := range keys {
		// The truth may have moved on since the index was written: what is gone from it is no result.
		if d, ok := shown[key]; ok {
			resp.Documents = append(resp.Documents, d)
		}
	}
	if found.Next != nil {
		text, err := json.Marshal(found.Next)
		if err != nil {
			return resp, fmt.Errorf("encode a cursor: %w", err)
		}
		resp.HasMore, resp.Cursor = true, s.box.Seal(seal.Cursor, bound, text)
	}
	return resp, nil
}

// binding ties a cursor to who asked, and what for.
func binding(c grant.Caller, req ByFacetsRequest) (string, error) {
	req.Cursor = ""
	text, err := json.Marshal(req)
	if err != nil {
		return "", fmt.Errorf("bind a cursor: %w", err)
	}
	sum := sha256.Sum256(text)
	return "byfacets|" + c.Binding() + "|" + base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

func (s *Service) openCursor(bound, text string) (*index.Cursor, error) {
	dead := fault.New(fault.Invalid, "The cursor is not of this list, or too old. Ask again without it.").WithField("cursor").WithCode("invalid_cursor")
	opened, err := s.box.Open(seal.Cursor, bound, text)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			return nil, err
		}
		return nil, dead.Wrap(err)
	}
	cursor := new(index.Cursor)
	if err := json.Unmarshal(opened, cursor); err != nil {
		return nil, dead.Wrap(err)
	}
	return cursor, nil
}
