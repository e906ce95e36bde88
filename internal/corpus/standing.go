package corpus

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Standing is what an administrator may know of any document that they can name: that it is there, and whom it is open to. There is no
// word of its title or text in it.
type Standing struct {
	Key        string
	Datasource string
	Readers    []uint32
	Position   int64 // of its latest change in the queue
}

// Standing returns the standing of the document that an administrator names by its key or by an address. It is a
// fault.NotFound where there is none, and a fault.Invalid where several have the address.
func (c *Corpus) Standing(ctx context.Context, caller grant.Caller, named string) (s Standing, err error) {
	if err := administers(caller); err != nil {
		return s, err
	}
	none := fault.New(fault.NotFound, "There is no document of this name. Name it as datasource/objectType/id, or by its whole address.").WithField("document")
	where, arg := byKey+"($1)", named
	if strings.Contains(named, "://") {
		where = byURL + "($1)"
		if directory.CheckURL("", named) != nil {
			return s, none
		}
	} else {
		ref, ok := ParseKey(named)
		if !ok {
			return s, none
		}
		arg = ref.Key()
	}
	var found []Standing
	var own int
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		var readers, viewURL string
		scan := func(row sqldb.Scanner) (s Standing, err error) {
			if err = row.Scan(&s.Key, &s.Datasource, &readers, &s.Position, &viewURL); err == nil {
				err = json.Unmarshal([]byte(readers), &s.Readers)
			}
			return s, err
		}
		for s, err := range sqldb.Each(ctx, tx, scan, "SELECT d.key, d.datasource, d.readers, d.pos, d.view_url"+where+" ORDER BY d.key", arg) {
			if err != nil {
				return err
			}
			// A document's own address goes before those that it has besides.
			if viewURL == named {
				found = append(found[:own], s)
				own++
			} else if own == 0 {
				found = append(found, s)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return s, err
	case len(found) == 0:
		return s, none
	case len(found) > 1:
		return s, fault.Newf(fault.Invalid, "%d documents have this address. Name the one you mean as datasource/objectType/id.", len(found)).WithField("document")
	}
	return found[0], nil
}
