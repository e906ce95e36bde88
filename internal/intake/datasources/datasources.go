// Package datasources is the part of the Indexing API in which a connector says where its documents
// come from: what the place is called, which addresses it has and which properties its documents
// carry. A connector sees and changes those datasources that its token covers, and no other caller
// is admitted.
package datasources

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Service changes the datasources of one corpus.
type Service struct{ corpus *corpus.Corpus }

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/adddatasource", "Adds a datasource, or replaces its configuration.", s.add).Audited(),
		rpc.JSON("POST /api/index/v1/getdatasourceconfig", "Reads the configuration of a datasource.", s.get),
	)
}

func (s *Service) add(ctx context.Context, c grant.Caller, config CustomDatasourceConfig) (rpc.None, error) {
	text, err := json.Marshal(&config)
	if err != nil {
		return rpc.None{}, fmt.Errorf("encode configuration: %w", err)
	}
	return rpc.None{}, s.corpus.PutDatasource(ctx, c, jsontext.Value(text))
}

func (s *Service) get(ctx context.Context, c grant.Caller, req GetRequest) (CustomDatasourceConfig, error) {
	var config CustomDatasourceConfig
	d, err := s.corpus.Datasource(ctx, c, req.Datasource)
	if err != nil {
		return config, err
	}
	if err := json.Unmarshal(d.Config, &config); err != nil {
		return config, fmt.Errorf("stored configuration of %s: %w", req.Datasource, err)
	}
	config.DisplayName = d.DisplayName
	return config, nil
}
