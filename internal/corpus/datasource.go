package corpus

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Datasource is a place that documents come from.
type Datasource struct {
	// Settings are those parts of the configuration that sheaf acts on.
	Settings
	// Config is the whole configuration, as JSON of the contract.
	Config jsontext.Value
	// Realm says who may see the datasource, and Audience what that comes to.
	Realm    directory.Realm
	Audience directory.Audience
	Created  int64 // microseconds
	Updated  int64
}

// PutDatasource makes a datasource, or replaces the configuration of one. config is an object of
// the contract; who may see the datasource stays as administrators have set it.
func (c *Corpus) PutDatasource(ctx context.Context, caller grant.Caller, config jsontext.Value) error {
	var s Settings
	if err := json.Unmarshal(config, &s); err != nil || len(config) > maxConfig {
		return fault.New(fault.Invalid, "The configuration cannot be read or is over 1 MiB.").Wrap(err)
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := mayIndex(caller, s.Name); err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		folded := strings.ToLower(s.Name)
		other, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT name FROM datasources WHERE folded = $1", folded)
		if err == nil && other != s.Name {
			return invalid("name", "There is a datasource %q already, whose name differs in case alone.", other)
		} else if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if before, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT config FROM datasources WHERE name = $1", s.Name); err == nil {
			var old Settings
			if json.Unmarshal([]byte(before), &old) != nil || reindexNeeded(&old, &s) {
				if err := job.EnqueueOnce(ctx, tx, ReindexDatasource, s.Name); err != nil {
					return err
				}
			}
		} else if fault.KindOf(err) != fault.NotFound {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO datasources (name, folded, config, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
			ON CONFLICT (name) DO UPDATE SET config = excluded.config, updated_at = excluded.updated_at`, s.Name, folded, string(config), now)
		if err != nil {
			return err
		}
		if err = raiseDefinitions(ctx, tx); err != nil {
			return err
		}
		return c.putRealm(ctx, tx, caller, directory.Realm{
			Datasource: s.Name, IdentitySource: s.IdentitySource, ByEmail: s.ByEmail, Test: s.Test, Visible: !c.cfg.HideNewDatasources,
		})
	})
}

// checkName refuses names that cannot stand in a document's key or in a query.
func checkName(field, name string) error {
	ok := name != "" && len(name) <= 64
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		ok = ok && (letter || i > 0 && (r == '-' || r == '_'))
	}
	if !ok {
		return invalid(field, "The name of a datasource is 1 to 64 letters, digits, - and _, and begins with a letter or digit.")
	}
	return nil
}

// title is the name to show for a datasource that has no display name: "my_wiki" is "My Wiki".
func title(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' })
	for i, w := range words {
		words[i] = string(unicode.ToUpper(rune(w[0]))) + w[1:]
	}
	return strings.Join(words, " ")
}

// datasource reads one datasource. An unknown one is a fault.Invalid.
func (c *Corpus) datasource(ctx context.Context, name string) (*Datasource, error) {
	list, err := c.datasources(ctx, "WHERE d.name = $1", name)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, invalid("datasource", "There is no datasource %q. Add it with adddatasource first.", name)
	}
	return &list[0], nil
}

func (c *Corpus) datasources(ctx context.Context, where string, args ...any) (list []Datasource, err error) {
	scan := func(row sqldb.Scanner) (d Datasource, err error) {
		var config string
		var testers int
		err = row.Scan(&config, &d.Created, &d.Updated, &d.Realm.IdentitySource, &d.Realm.ByEmail, &d.Realm.Visible, &d.Realm.OpenToAnonymous, &d.Realm.Test,
			&d.Realm.Undecided, &testers)
		if err != nil {
			return d, err
		}
		d.Config = jsontext.Value(config)
		if err = json.Unmarshal(d.Config, &d.Settings); err != nil {
			return d, fmt.Errorf("stored datasource: %w", err)
		}
		d.Realm.Datasource, d.Audience = d.Name, d.Realm.Audience(testers)
		if d.DisplayName == "" {
			d.DisplayName = title(d.Name)
		}
		return d, nil
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, `SELECT d.config, d.created_at, d.updated_at, r.identity_source, r.by_email, r.visible, r.open_anonymous, r.test, r.undecided,
			(SELECT COUNT(*) FROM realm_testers t WHERE t.datasource = d.name)
			FROM datasources d JOIN realms r ON r.datasource = d.name `+where+" ORDER BY d.name", args...)
		return err
	})
	return list, err
}

// Datasource returns one datasource, for a connector that may write it and for administrators. An
// unknown one is a fault.Invalid.
func (c *Corpus) Datasource(ctx context.Context, caller grant.Caller, name string) (*Datasource, error) {
	if administers(caller) != nil {
		if err := mayIndex(caller, name); err != nil {
			return nil, err
		}
	}
	return c.datasource(ctx, name)
}

// Datasources returns every datasource by name, for administrators and the server itself.
func (c *Corpus) Datasources(ctx context.Context, caller grant.Caller) ([]Datasource, error) {
	if err := administers(caller); err != nil {
		return nil, err
	}
	return c.datasources(ctx, "")
}

// SetVisibility changes who may see a datasource. Only administrators may; it holds from the next
// request on this node, and within a second everywhere. An unknown datasource is a fault.NotFound.
func (c *Corpus) SetVisibility(ctx context.Context, caller grant.Caller, name string, v directory.Visibility) (*Datasource, error) {
	if err := administers(caller); err != nil {
		return nil, err
	}
	if _, err := c.datasource(ctx, name); err != nil {
		if fault.KindOf(err) == fault.Invalid {
			err = fault.New(fault.NotFound, "There is no datasource of this name.").Wrap(err)
		}
		return nil, err
	}
	err := c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error { return directory.SetVisibility(ctx, tx, name, v) })
	if err != nil {
		return nil, err
	}
	return c.datasource(ctx, name)
}

// Visible returns the datasources that the caller may see, by name, without their realms. It is read from memory and shared: nobody
// changes the answer's elements.
func (c *Corpus) Visible(ctx context.Context, caller grant.Caller) ([]Datasource, error) {
	visible, err := c.dir.VisibleRealms(ctx, caller)
	if err != nil {
		return nil, err
	}
	d, err := c.definitions(ctx)
	if err != nil {
		return nil, err
	}
	kept := make([]Datasource, 0, len(visible))
	for i := range d.sources {
		if visible[d.sources[i].Name] {
			kept = append(kept, d.sources[i])
		}
	}
	return kept, nil
}
