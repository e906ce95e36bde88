// Package metadata is the part of the Indexing API through which programs say something of documents that others brought in: groups of custom
// metadata with a schema, each written by tokens that carry its scope.
//
// What is said becomes facets and operators named for the group and the key, is found as text, and stays when the document's own connector
// sends it again. A token needs no right to the document's datasource, and gets none by writing metadata.
package metadata

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Service changes the custom metadata of one corpus.
type Service struct{ corpus *corpus.Corpus }

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c} }

// Room is what an indexing token opens here. Each operation asks the corpus whether the token names the group.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("GET /rest/api/index/custom-metadata/schema/{groupName}", "Reads the schema of a group of metadata.", s.schema),
		rpc.JSON("PUT /rest/api/index/custom-metadata/schema/{groupName}", "Makes a group of metadata, or replaces its schema.", s.putSchema).Audited(),
		rpc.JSON("DELETE /rest/api/index/custom-metadata/schema/{groupName}", "Removes a group of metadata from every document.", s.removeSchema).Audited(),
		rpc.JSON("PUT /rest/api/index/document/{docId}/custom-metadata/{groupName}", "Replaces what a document has of a group.", s.put).Audited(),
		rpc.JSON("DELETE /rest/api/index/document/{docId}/custom-metadata/{groupName}", "Removes what a document has of a group.", s.remove).Audited(),
	)
}

// Group names a group of metadata.
type Group struct {
	Name string `json:"-" path:"groupName"`
}

// AuditSubject names the group.
func (g Group) AuditSubject() string { return g.Name }

// Place names what one document has of one group.
type Place struct {
	Document string `json:"-" path:"docId"`
	Group    string `json:"-" path:"groupName"`
}

// AuditSubject names the document.
func (p Place) AuditSubject() string { return p.Document }

// Schema says which keys a group has.
type Schema struct {
	MetadataKeys []wire.PropertyDefinition `json:"metadataKeys"`
}

// PutSchemaRequest replaces a schema.
type PutSchemaRequest struct {
	Schema
	Group string `json:"-" path:"groupName"`
}

// AuditSubject names the group.
func (r PutSchemaRequest) AuditSubject() string { return r.Group }

// PutRequest replaces what a document has of a group.
type PutRequest struct {
	CustomMetadata []CustomProperty `json:"customMetadata"`
	Document       string           `json:"-" path:"docId"`
	Group          string           `json:"-" path:"groupName"`
}

// AuditSubject names the document.
func (r PutRequest) AuditSubject() string { return r.Document }

// CustomProperty is a key with its value.
type CustomProperty struct {
	Name  string         `json:"name,omitzero"`
	Value jsontext.Value `json:"value,omitzero"`
}

// Done says that a change is durable.
type Done struct {
	Success bool `json:"success"`
}

func done(err error) (Done, error) { return Done{err == nil}, err }

func (s *Service) schema(ctx context.Context, c grant.Caller, g Group) (Schema, error) {
	found, err := s.corpus.MetadataSchema(ctx, c, g.Name)
	if err != nil {
		return Schema{}, err
	}
	out := Schema{MetadataKeys: make([]wire.PropertyDefinition, len(found.Keys))}
	for i, k := range found.Keys {
		out.MetadataKeys[i] = wire.PropertyDefinition{
			Name: k.Name, DisplayLabel: k.DisplayLabel, DisplayLabelPlural: k.DisplayLabelPlural, PropertyType: string(k.Type), UIOptions: k.UIOptions,
			HideUIFacet: k.HideFacet, UIFacetOrder: k.FacetOrder, SkipIndexing: k.SkipIndexing, Group: k.Group,
		}
	}
	return out, nil
}

func (s *Service) putSchema(ctx context.Context, c grant.Caller, req PutSchemaRequest) (Done, error) {
	keys := make([]corpus.PropertyDefinition, len(req.MetadataKeys))
	for i, k := range req.MetadataKeys {
		keys[i] = corpus.PropertyDefinition{
			Name: k.Name, DisplayLabel: k.DisplayLabel, DisplayLabelPlural: k.DisplayLabelPlural, Type: corpus.PropertyType(k.PropertyType), UIOptions: k.UIOptions,
			HideFacet: k.HideUIFacet, FacetOrder: k.UIFacetOrder, SkipIndexing: k.SkipIndexing, Group: k.Group,
		}
	}
	return done(s.corpus.PutMetadataSchema(ctx, c, req.Group, keys))
}

func (s *Service) removeSchema(ctx context.Context, c grant.Caller, g Group) (Done, error) {
	return done(s.corpus.DeleteMetadataSchema(ctx, c, g.Name))
}

func (s *Service) put(ctx context.Context, c grant.Caller, req PutRequest) (Done, error) {
	values := make([]corpus.Property, len(req.CustomMetadata))
	for i, v := range req.CustomMetadata {
		values[i] = corpus.Property(v)
	}
	return done(s.corpus.PutMetadata(ctx, c, req.Document, req.Group, values))
}

func (s *Service) remove(ctx context.Context, c grant.Caller, p Place) (Done, error) {
	return done(s.corpus.DeleteMetadata(ctx, c, p.Document, p.Group))
}
