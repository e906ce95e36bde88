package documents

import (
	"context"
	"slices"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// complete adds what was asked for beside the documents themselves. All of it is of documents that the caller sees: those
// with an error have no id.
func (s *Service) complete(ctx context.Context, c grant.Caller, fields []Field, documents map[string]DocumentOrError) error {
	var keys []string
	for _, d := range documents {
		if d.Error == "" {
			keys = append(keys, d.ID)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if slices.Contains(fields, LastViewedAt) {
		last, err := s.activity.LastViewed(ctx, c, keys)
		if err != nil {
			return err
		}
		change(documents, func(d *wire.Document) {
			if at, ok := last[d.ID]; ok {
				d.Metadata.ViewerInfo = &wire.ViewerInfo{LastViewedTime: at.UTC()}
			}
		})
	}
	if slices.Contains(fields, VisitorsCount) {
		visitors, err := s.activity.Visitors(ctx, keys)
		if err != nil {
			return err
		}
		change(documents, func(d *wire.Document) {
			interactions(d).VisitorCount = &wire.CountInfo{Count: visitors[d.ID]}
		})
	}
	if slices.Contains(fields, RecentShares) {
		change(documents, func(d *wire.Document) { interactions(d).Shares = []wire.Share{} })
	}
	return nil
}

// change changes every document that is there.
func change(documents map[string]DocumentOrError, do func(*wire.Document)) {
	for name, d := range documents {
		if d.Error == "" {
			do(&d.Document)
			documents[name] = d
		}
	}
}

func interactions(d *wire.Document) *wire.DocumentInteractions {
	if d.Metadata.Interactions == nil {
		d.Metadata.Interactions = &wire.DocumentInteractions{}
	}
	return d.Metadata.Interactions
}
