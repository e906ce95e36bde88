package plain

import (
	"testing"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/indextest"
)

func TestConformance(t *testing.T) {
	indextest.Run(t, func(*testing.T) index.Engine { return New() })
}
