package corpus

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Metadata is what a document has of one group of custom metadata. It belongs to the document's key: sending the document again leaves it, and
// deleting the document deletes it.
type Metadata struct {
	Group  string // as its schema names it
	Values []MetadataValue
}

// MetadataValue is one key of a group with its value, which is a text or a list of texts.
type MetadataValue struct {
	Property
	// Operator is the word by which the value is asked for: group and key together, in lower case.
	Operator string
	// SkipIndexing keeps the value out of the text that is searched. Filters and facets have it all the same.
	SkipIndexing bool
}

// MetadataSchema says which keys a group has.
type MetadataSchema struct {
	Group string
	Keys  []PropertyDefinition

	id string
}

// Bounds of custom metadata.
const (
	maxMetadataGroups = 50
	maxMetadataKeys   = 20
	maxMetadataName   = 50
	maxMetadataText   = 2000 // bytes of a text
	maxMetadataList   = 200  // texts of a list
)

// checkMetadataName refuses names that are not alphanumeric.
func checkMetadataName(field, name string) error {
	ok := name != "" && len(name) <= maxMetadataName
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}
	if !ok {
		return invalid(field, "The names of metadata groups and keys are 1 to %d letters and digits.", maxMetadataName)
	}
	return nil
}

// mayDescribe refuses callers whose token does not name the group.
func mayDescribe(c grant.Caller, group string) (folded string, err error) {
	folded = strings.ToLower(group)
	if !c.MayDescribe(folded) {
		return "", fault.Newf(fault.Unauthenticated, "This token has neither the scope custommetadata:%s nor custommetadata:%s.", clipName(folded), grant.AllMetadata)
	}
	return folded, checkMetadataName("groupName", group)
}

func clipName(name string) string {
	if checkMetadataName("", name) != nil {
		return "<group>"
	}
	return name
}

func scanSchema(row sqldb.Scanner) (s MetadataSchema, err error) {
	var fields string
	if err = row.Scan(&s.id, &s.Group, &fields); err == nil {
		err = json.Unmarshal([]byte(fields), &s.Keys)
	}
	return s, err
}

func schemaOf(ctx context.Context, tx *sqldb.Tx, folded string) (MetadataSchema, error) {
	s, err := sqldb.One(ctx, tx, scanSchema, "SELECT id, name, fields FROM metadata_schemas WHERE folded = $1", folded)
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "There is no metadata group of this name. Define its schema first.")
	}
	return s, err
}

// MetadataSchema returns the schema of a group, for a connector whose token names the group. An unknown group is a fault.NotFound.
func (c *Corpus) MetadataSchema(ctx context.Context, caller grant.Caller, group string) (s MetadataSchema, err error) {
	folded, err := mayDescribe(caller, group)
	if err != nil {
		return s, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		s, err = schemaOf(ctx, tx, folded)
		return err
	})
	return s, err
}

// PutMetadataSchema makes a group or replaces the keys of one. A key that changes its type is a fault.Conflict. A key that is left out goes from
// every document; what is indexed follows in the background.
func (c *Corpus) PutMetadataSchema(ctx context.Context, caller grant.Caller, group string, keys []PropertyDefinition) error {
	folded, err := mayDescribe(caller, group)
	if err != nil {
		return err
	}
	if err := checkMetadataKeys(keys); err != nil {
		return err
	}
	fields, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("encode schema: %w", err)
	}
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		now := time.Now().UnixMicro()
		old, err := schemaOf(ctx, tx, folded)
		switch {
		case err == nil:
			for _, k := range keys {
				if o, ok := old.key(k.Name); ok && o.Type != k.Type {
					return fault.Newf(fault.Conflict, "The key %q is a %s already. Delete the schema, with what documents have of it, to change the type.", k.Name, o.Type)
				}
			}
			if _, err = tx.Exec(ctx, "UPDATE metadata_schemas SET name = $2, fields = $3, updated_at = $4 WHERE id = $1", old.id, group, string(fields), now); err != nil {
				return err
			}
			if err = job.EnqueueOnce(ctx, tx, ReindexMetadata, old.id); err != nil {
				return err
			}
		case fault.KindOf(err) == fault.NotFound:
			n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM metadata_schemas")
			if err != nil {
				return err
			}
			if n >= maxMetadataGroups {
				return invalid("groupName", "There are %d metadata groups, which is as many as there can be.", n)
			}
			_, err = tx.Exec(ctx, "INSERT INTO metadata_schemas (id, folded, name, fields, updated_at) VALUES ($1, $2, $3, $4, $5)", sqldb.NewID(), folded, group, string(fields), now)
			if err != nil {
				return err
			}
		default:
			return err
		}
		return raiseDefinitions(ctx, tx)
	})
}

func checkMetadataKeys(keys []PropertyDefinition) error {
	if len(keys) == 0 || len(keys) > maxMetadataKeys {
		return invalid("metadataKeys", "A metadata group has 1 to %d keys.", maxMetadataKeys)
	}
	seen := map[string]bool{}
	for i := range keys {
		k := &keys[i]
		if err := checkMetadataName("metadataKeys", k.Name); err != nil {
			return err
		}
		if err := k.check(); err != nil {
			return err
		}
		word := strings.ToLower(k.Name)
		if seen[word] {
			return invalid("metadataKeys", "The key %q is there twice; case does not matter.", k.Name)
		}
		seen[word] = true
		switch k.Type {
		case TypeText, TypePicklist, TypeTextList, TypeMultiPicklist:
		default:
			return invalid("metadataKeys", "The propertyType of %q is one of TEXT, PICKLIST, TEXTLIST and MULTIPICKLIST.", k.Name)
		}
	}
	return nil
}

// DeleteMetadataSchema removes a group and all that documents have of it: at once from what is read, and in the background from the index. An
// unknown group is a fault.NotFound.
func (c *Corpus) DeleteMetadataSchema(ctx context.Context, caller grant.Caller, group string) error {
	folded, err := mayDescribe(caller, group)
	if err != nil {
		return err
	}
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		s, err := schemaOf(ctx, tx, folded)
		if err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, "DELETE FROM metadata_schemas WHERE id = $1", s.id); err != nil {
			return err
		}
		if err = job.EnqueueOnce(ctx, tx, ReindexMetadata, s.id); err != nil {
			return err
		}
		return raiseDefinitions(ctx, tx)
	})
}

// PutMetadata replaces what a document has of a group; no values remove it. The document is named by its key, whatever its datasource. An unknown document or group is a
// fault.NotFound.
func (c *Corpus) PutMetadata(ctx context.Context, caller grant.Caller, document, group string, values []Property) error {
	folded, err := mayDescribe(caller, group)
	if err != nil {
		return err
	}
	ref, ok := ParseKey(document)
	if !ok {
		return errNoDocument()
	}
	key := ref.Key()
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		s, err := schemaOf(ctx, tx, folded)
		if err != nil {
			return err
		}
		if err = s.check(values); err != nil {
			return err
		}
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM documents WHERE key = $1", key)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoDocument()
		}
		if len(values) == 0 {
			if n, err = tx.Exec(ctx, "DELETE FROM document_metadata WHERE key = $1 AND schema_id = $2", key, s.id); err != nil || n == 0 {
				return err
			}
			return c.reindex(ctx, tx, []string{key})
		}
		fields, err := json.Marshal(values)
		if err != nil {
			return fmt.Errorf("encode metadata: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO document_metadata (key, schema_id, fields, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (key, schema_id) DO UPDATE SET fields = excluded.fields, updated_at = excluded.updated_at`, key, s.id, string(fields), time.Now().UnixMicro())
		if err != nil {
			return err
		}
		return c.reindex(ctx, tx, []string{key})
	})
}

// DeleteMetadata removes what a document has of a group. Where it has nothing, that is no error.
func (c *Corpus) DeleteMetadata(ctx context.Context, caller grant.Caller, document, group string) error {
	return c.PutMetadata(ctx, caller, document, group, nil)
}

func errNoDocument() error {
	return fault.New(fault.NotFound, "There is no document with this id. It is the id that search gives, with its slashes written as %2F.")
}

// key returns the definition of a key of the group.
func (s *MetadataSchema) key(name string) (*PropertyDefinition, bool) {
	i := slices.IndexFunc(s.Keys, func(k PropertyDefinition) bool { return strings.EqualFold(k.Name, name) })
	if i < 0 {
		return nil, false
	}
	return &s.Keys[i], true
}

// check refuses values that the schema does not have.
func (s *MetadataSchema) check(values []Property) error {
	seen := map[string]bool{}
	if len(values) > len(s.Keys) {
		return invalid("customMetadata", "The group %q has %d keys.", s.Group, len(s.Keys))
	}
	for _, v := range values {
		k, ok := s.key(v.Name)
		if !ok {
			return invalid("customMetadata", "The group %q has no key %q.", s.Group, fault.Clip(v.Name, 60))
		}
		if seen[k.Name] {
			return invalid("customMetadata", "The key %q is there twice.", k.Name)
		}
		seen[k.Name] = true
		if err := checkMetadataValue(k, v); err != nil {
			return err
		}
	}
	return nil
}

func checkMetadataValue(k *PropertyDefinition, v Property) error {
	if len(v.Value) == 0 || v.Value.Kind() == 'n' || !fits(k.Type, v.Value) {
		return invalid("customMetadata", "The value of %q is %s.", k.Name, wording[k.Type])
	}
	var list []string
	if v.Value.Kind() == '"' {
		list = make([]string, 1)
		if err := json.Unmarshal(v.Value, &list[0]); err != nil {
			return invalid("customMetadata", "The value of %q cannot be read.", k.Name)
		}
	} else if err := json.Unmarshal(v.Value, &list); err != nil {
		return invalid("customMetadata", "The value of %q cannot be read.", k.Name)
	}
	if len(list) > maxMetadataList {
		return invalid("customMetadata", "The value of %q has at most %d texts.", k.Name, maxMetadataList)
	}
	for _, text := range list {
		if err := checkText(k.Name, text, maxMetadataText); err != nil {
			return invalid("customMetadata", "A text of %q has at most %d bytes and no NUL.", k.Name, maxMetadataText)
		}
	}
	return nil
}

// metadataProperties lists the keys of schemas as search knows them.
func metadataProperties(schemas []MetadataSchema) []PropertyInfo {
	var list []PropertyInfo
	for _, s := range schemas {
		for _, k := range s.Keys {
			word := Operator(s.Group + k.Name)
			info := PropertyInfo{
				Operator: word, Name: s.Group + k.Name, Label: cmp.Or(k.DisplayLabel, s.Group+" "+k.Name), Type: k.Type, Order: k.FacetOrder,
				Facet: !k.HideFacet && !BuiltIn(word), Indexed: !BuiltIn(word), Group: s.Group, Shown: k.UIOptions,
			}
			info.LabelPlural = cmp.Or(k.DisplayLabelPlural, info.Label)
			list = append(list, info)
		}
	}
	return list
}

// fillMetadata adds what documents have of groups of metadata.
func fillMetadata(ctx context.Context, tx *sqldb.Tx, docs map[string]*Document) error {
	if len(docs) == 0 {
		return nil
	}
	schemas := map[string]MetadataSchema{}
	for s, err := range sqldb.Each(ctx, tx, scanSchema, "SELECT id, name, fields FROM metadata_schemas") {
		if err != nil {
			return err
		}
		schemas[s.id] = s
	}
	if len(schemas) == 0 {
		return nil
	}
	type row struct{ key, schema, fields string }
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.key, &r.schema, &r.fields); return r, err }
	for part := range slices.Chunk(slices.Collect(maps.Keys(docs)), listParameters) {
		for r, err := range sqldb.Each(ctx, tx, scan, "SELECT key, schema_id, fields FROM document_metadata WHERE key IN "+sqldb.In(1, len(part))+" ORDER BY key, schema_id", sqldb.Args(part)...) {
			if err != nil {
				return err
			}
			s, ok := schemas[r.schema]
			if !ok {
				continue // the group was deleted, and this is on its way out
			}
			var values []Property
			if err := json.Unmarshal([]byte(r.fields), &values); err != nil {
				return fmt.Errorf("stored metadata of %s: %w", r.key, err)
			}
			if m := s.present(values); len(m.Values) > 0 {
				docs[r.key].Metadata = append(docs[r.key].Metadata, m)
			}
		}
	}
	return nil
}

// present returns those values that the schema still has.
func (s *MetadataSchema) present(values []Property) Metadata {
	m := Metadata{Group: s.Group}
	for _, v := range values {
		if k, ok := s.key(v.Name); ok && fits(k.Type, v.Value) {
			m.Values = append(m.Values, MetadataValue{Property{k.Name, v.Value}, Operator(s.Group + k.Name), k.SkipIndexing})
		}
	}
	return m
}
