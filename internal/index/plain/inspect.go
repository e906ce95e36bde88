package plain

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/index"
)

var _ index.Inspector = (*view)(nil)

// Readers looks at every document.
func (v *view) Readers(ctx context.Context, keys []string) (map[string][]uint32, error) {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	found := make(map[string][]uint32, len(keys))
	for i := range v.segments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := &v.segments[i]
		for number, d := range p.docs {
			if wanted[d.Key] && !p.isDead(uint32(number)) {
				found[d.Key] = d.Readers
			}
		}
	}
	return found, nil
}
