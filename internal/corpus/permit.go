package corpus

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// SetPermissions replaces who may read a document and leaves the rest of it alone. A document that
// does not exist is a fault.NotFound.
func (c *Corpus) SetPermissions(ctx context.Context, caller grant.Caller, ref Ref, p directory.Permissions) error {
	if err := mayIndex(caller, ref.Datasource); err != nil {
		return err
	}
	if _, err := c.datasource(ctx, ref.Datasource); err != nil {
		return err
	}
	if err := checkPermissions(&p); err != nil {
		return err
	}
	if ref.ID != "" {
		if err := checkRef(ref.ObjectType, ref.ID); err != nil {
			return err
		}
	} else if err := directory.CheckURL("viewURL", ref.ViewURL); err != nil || ref.ViewURL == "" {
		return invalid("id", "Name the document by id and objectType, or by viewURL.")
	}
	if err := c.dir.Prepare(ctx, sqldb.Security, ref.Datasource, []directory.Permissions{p}); err != nil {
		return err
	}
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		key, err := resolve(ctx, tx, ref)
		if err != nil {
			return err
		}
		readers, err := c.dir.Intern(ctx, tx, ref.Datasource, []directory.Permissions{p})
		if err != nil {
			return err
		}
		acl, err := json.Marshal(&p)
		if err != nil {
			return fmt.Errorf("encode permissions: %w", err)
		}
		ids, err := encodeReaders(readers[0])
		if err != nil {
			return err
		}
		touch, err := upload.Touch(ctx, tx)
		if err != nil {
			return err
		}
		position, err := c.enqueue(ctx, tx, []change{{key, opAccess}})
		if err != nil {
			return err
		}
		// Without a digest, the document is indexed again when its connector sends it next, with whatever permissions.
		_, err = tx.Exec(ctx, "UPDATE documents SET pos = $2, acl = $3, readers = $4, touched = $5, digest = '' WHERE key = $1", key, position, string(acl), ids, touch)
		return err
	})
}

// resolve finds the key of a document that a connector names. An address names the document whose own
// it is, before those that have it besides. Where it could be several, none is taken: to narrow one of
// them would leave the others open.
func resolve(ctx context.Context, tx *sqldb.Tx, ref Ref) (string, error) {
	var keys []string
	var err error
	if ref.ID != "" {
		keys, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT key FROM documents WHERE key = $1", ref.Key())
	} else {
		const named = " AND d.datasource = $2 AND ($3 = '' OR d.object_type = $3) ORDER BY d.key LIMIT 2"
		for _, query := range []string{
			"SELECT d.key FROM document_urls u JOIN documents d ON d.key = u.key WHERE u.url = $1 AND d.view_url = $1" + named,
			"SELECT d.key FROM document_urls u JOIN documents d ON d.key = u.key WHERE u.url = $1" + named,
		} {
			keys, err = sqldb.All(ctx, tx, sqldb.ScanText, query, ref.ViewURL, ref.Datasource, ref.ObjectType)
			if err != nil || len(keys) > 0 {
				break
			}
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(keys) == 0:
		return "", fault.New(fault.NotFound, "There is no such document in this datasource. Index it first.")
	case len(keys) > 1:
		return "", invalid("viewURL", "Several documents of this datasource have this viewURL. Name the one that is meant by id and objectType.")
	}
	return keys[0], nil
}
