package corpus

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Datasource is a place that documents come from.
type Datasource struct {
	// Settings are those parts of the configuration that sheaf acts on.
	Settings
	// Config is the whole configuration, as JSON of the contract.
	Config jsontext.Value
	// Realm says who may see the datasource.
	Realm   directory.Realm
	Created int64 // microseconds
	Updated int64
}

// Settings are the parts of a datasource's configuration that sheaf acts on, named as in the
// contract.
type Settings struct {
	Name           string             `json:"name"`
	DisplayName    string             `json:"displayName,omitzero"`
	Category       string             `json:"datasourceCategory,omitzero"`
	URLRegex       string             `json:"urlRegex,omitzero"`
	IconURL        string             `json:"iconUrl,omitzero"`
	HomeURL        string             `json:"homeUrl,omitzero"`
	Objects        []ObjectDefinition `json:"objectDefinitions,omitzero"`
	IdentitySource string             `json:"identityDatasourceName,omitzero"`
	ByEmail        bool               `json:"isUserReferencedByEmail,omitzero"`
	Entity         bool               `json:"isEntityDatasource,omitzero"`
	Test           bool               `json:"isTestDatasource,omitzero"`
}

// ObjectDefinition says what a kind of document has. One without a name is the default.
type ObjectDefinition struct {
	Name         string               `json:"name,omitzero"`
	DisplayLabel string               `json:"displayLabel,omitzero"`
	Category     string               `json:"docCategory,omitzero"`
	Properties   []PropertyDefinition `json:"propertyDefinitions,omitzero"`
}

// PropertyDefinition declares a custom property.
type PropertyDefinition struct {
	Name         string `json:"name,omitzero"`
	DisplayLabel string `json:"displayLabel,omitzero"`
	Type         string `json:"propertyType,omitzero"`
	HideFacet    bool   `json:"hideUiFacet,omitzero"`
	SkipIndexing bool   `json:"skipIndexing,omitzero"`
}

// Property returns the declaration of a custom property of documents of a type, if there is one.
func (s *Settings) Property(objectType, name string) (PropertyDefinition, bool) {
	var found PropertyDefinition
	ok := false
	for _, o := range s.Objects {
		if o.Name != objectType && (o.Name != "" || ok) {
			continue
		}
		for _, p := range o.Properties {
			if strings.EqualFold(p.Name, name) {
				found, ok = p, true
			}
		}
	}
	return found, ok
}

const uncategorized = "UNCATEGORIZED"

// maxConfig bounds a configuration's JSON.
const maxConfig = 1 << 20

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
		_, err = tx.Exec(ctx, `INSERT INTO datasources (name, folded, config, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
			ON CONFLICT (name) DO UPDATE SET config = excluded.config, updated_at = excluded.updated_at`, s.Name, folded, string(config), now)
		if err != nil {
			return err
		}
		return directory.PutRealm(ctx, tx, directory.Realm{
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

func (s *Settings) check() error {
	if err := checkName("name", s.Name); err != nil {
		return err
	}
	if s.IdentitySource != "" {
		if err := checkName("identityDatasourceName", s.IdentitySource); err != nil {
			return err
		}
	}
	if s.Category == "" || s.Category == uncategorized {
		return invalid("datasourceCategory", "A datasource needs a datasourceCategory other than UNCATEGORIZED.")
	}
	if s.URLRegex == "" && !s.Entity {
		return invalid("urlRegex", "A datasource needs an urlRegex, unless isEntityDatasource is true.")
	}
	if _, err := regexp.Compile(s.URLRegex); err != nil {
		return invalid("urlRegex", "The urlRegex cannot be read: use RE2 syntax.")
	}
	if err := checkText("displayName", s.DisplayName, MaxShort); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, o := range s.Objects {
		if seen[o.Name] {
			return invalid("objectDefinitions", "objectDefinitions holds %q twice.", o.Name)
		}
		seen[o.Name] = true
		if o.Name != "" {
			if err := checkRef(o.Name, "x"); err != nil {
				return invalid("objectDefinitions", "The name of an objectDefinition has at most %d bytes and no white space, slash or underscore.", MaxObjectType)
			}
		}
		for _, p := range o.Properties {
			if p.Name == "" || len(p.Name) > MaxTag {
				return invalid("objectDefinitions", "A propertyDefinition has a name of at most %d bytes.", MaxTag)
			}
		}
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
		err = row.Scan(&config, &d.Created, &d.Updated, &d.Realm.IdentitySource, &d.Realm.ByEmail, &d.Realm.Visible, &d.Realm.OpenToAnonymous, &d.Realm.Test)
		if err != nil {
			return d, err
		}
		d.Config = jsontext.Value(config)
		if err = json.Unmarshal(d.Config, &d.Settings); err != nil {
			return d, fmt.Errorf("stored datasource: %w", err)
		}
		d.Realm.Datasource = d.Name
		if d.DisplayName == "" {
			d.DisplayName = title(d.Name)
		}
		return d, nil
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, `SELECT d.config, d.created_at, d.updated_at, r.identity_source, r.by_email, r.visible, r.open_anonymous, r.test
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

// Visible returns the names and display names of the datasources that the caller may see.
func (c *Corpus) Visible(ctx context.Context, caller grant.Caller) ([]Datasource, error) {
	visible, err := c.dir.VisibleRealms(ctx, caller)
	if err != nil {
		return nil, err
	}
	list, err := c.datasources(ctx, "")
	if err != nil {
		return nil, err
	}
	kept := list[:0]
	for _, d := range list {
		if visible[d.Name] {
			kept = append(kept, d)
		}
	}
	return kept, nil
}
