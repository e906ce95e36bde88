package corpus

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// PropertyType says what the values of a custom property are.
type PropertyType string

// The types of custom properties. The zero type takes any scalar or list of scalars.
const (
	TypeText          PropertyType = "TEXT"          // a text
	TypeDate          PropertyType = "DATE"          // a text 2006-01-31 or RFC 3339, or Unix seconds
	TypeInt           PropertyType = "INT"           // a whole number, also in a text
	TypeUserID        PropertyType = "USERID"        // a text: how the datasource refers to somebody
	TypePicklist      PropertyType = "PICKLIST"      // a text
	TypeTextList      PropertyType = "TEXTLIST"      // a list of texts, or one text
	TypeMultiPicklist PropertyType = "MULTIPICKLIST" // a list of texts, or one text
)

// known reports whether sheaf can act on the type.
func (t PropertyType) known() bool {
	switch t {
	case "", TypeText, TypeDate, TypeInt, TypeUserID, TypePicklist, TypeTextList, TypeMultiPicklist:
		return true
	}
	return false
}

// Operator is the word by which a custom property is asked for, before the colon of a query and as the name of a filter and a facet, and the
// field under which the index holds it: the name in lower case, without what is neither letter, digit, "_" nor "-". "Due Date" is duedate. It
// may be empty.
func Operator(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// PropertyInfo is a custom property, or a key of custom metadata, as search and its pages know it. What datasources declare alike under one
// operator is one PropertyInfo per datasource.
type PropertyInfo struct {
	// Operator is the word before the colon, the name of the filter and of the facet, and the field of the index.
	Operator string
	// Name is as declared; of metadata the group and the key together.
	Name        string
	Label       string // to show; never empty
	LabelPlural string // to show for several; never empty
	Type        PropertyType
	// Datasource declares the property. It is "" for custom metadata, which documents of every datasource may have.
	Datasource string
	// ObjectTypes have the property, sorted; none for all that have no definition of their own, and for metadata.
	ObjectTypes []string
	// Facet reports whether the property is offered as a facet: it is in the index and not hidden. A property that is not may be filtered by and
	// asked for with its operator all the same, as long as Indexed is true.
	Facet bool
	// Indexed reports whether the index holds the property's values. Where not, its operator finds nothing.
	Indexed bool
	Order   int    // of facets, the least first; 0 where none was given, which comes last
	Group   string // the label of its group, or ""
	Shown   string // uiOptions: NONE, SEARCH_RESULT or DOC_HOVERCARD, or ""
}

// Number reports whether ranges compare the values: whole numbers, and dates as Unix seconds.
func (p *PropertyInfo) Number() bool { return p.Type == TypeInt || p.Type == TypeDate }

// versionDefinitions is raised whenever a datasource's configuration or a schema of custom metadata changes.
const versionDefinitions = "definitions"

// definitions is what the datasources and the schemas of metadata say, at one version. It does not change.
type definitions struct {
	version    int64
	sources    []Datasource
	properties map[string][]PropertyInfo // by datasource
	metadata   []PropertyInfo
}

// definitionCache holds the last definitions read.
type definitionCache struct {
	mu   sync.Mutex // guards last, and is held while reading
	last *definitions
}

// definitions returns what is declared, at most maxVersionAge behind other nodes and at once what this process has changed.
func (c *Corpus) definitions(ctx context.Context) (*definitions, error) {
	version, err := c.version(ctx, versionDefinitions)
	if err != nil {
		return nil, err
	}
	c.declared.mu.Lock()
	defer c.declared.mu.Unlock()
	if d := c.declared.last; d != nil && d.version == version {
		return d, nil
	}
	// Realms have a version of their own; what is used of these is the configuration alone.
	list, err := c.datasources(ctx, "")
	if err != nil {
		return nil, err
	}
	var schemas []MetadataSchema
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		schemas, err = sqldb.All(ctx, tx, scanSchema, "SELECT id, name, fields FROM metadata_schemas ORDER BY folded")
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &definitions{version: version, metadata: metadataProperties(schemas), sources: list, properties: make(map[string][]PropertyInfo, len(list))}
	for i := range list {
		d.properties[list[i].Name] = propertiesOf(&list[i].Settings)
	}
	c.declared.last = d
	return d, nil
}

// Properties returns the custom properties of the datasources that the caller may see, and the keys of custom metadata: the operators and
// facets that sheaf has beside the built-in ones. With names it returns those of these datasources only, and the metadata. The order is that
// in which facets are shown. It is read from memory and shared: nobody changes the answer's elements.
func (c *Corpus) Properties(ctx context.Context, caller grant.Caller, datasources ...string) ([]PropertyInfo, error) {
	visible, err := c.dir.VisibleRealms(ctx, caller)
	if err != nil {
		return nil, err
	}
	d, err := c.definitions(ctx)
	if err != nil {
		return nil, err
	}
	var list []PropertyInfo
	for i := range d.sources {
		name := d.sources[i].Name
		if visible[name] && (len(datasources) == 0 || slices.Contains(datasources, name)) {
			list = append(list, d.properties[name]...)
		}
	}
	list = append(list, d.metadata...)
	slices.SortStableFunc(list, inOrder)
	return list, nil
}

// inOrder puts those with an order before those without.
func inOrder(a, b PropertyInfo) int {
	place := func(p PropertyInfo) int {
		if p.Order <= 0 {
			return math.MaxInt
		}
		return p.Order
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.Operator, b.Operator))
}

// propertiesOf lists what a datasource declares, one entry an operator.
func propertiesOf(s *Settings) []PropertyInfo {
	at := map[string]int{}
	var list []PropertyInfo
	for _, o := range s.Objects {
		for _, p := range o.Properties {
			word := Operator(p.Name)
			indexed := !p.SkipIndexing && !BuiltIn(word)
			facet := indexed && !p.HideFacet
			if i, ok := at[word]; ok {
				if list[i].Type != p.Type {
					list[i].Type = "" // two kinds of document mean different things by it
				}
				list[i].Facet = list[i].Facet || facet
				list[i].Indexed = list[i].Indexed || indexed
				if o.Name == "" || len(list[i].ObjectTypes) == 0 {
					list[i].ObjectTypes = nil
				} else {
					list[i].ObjectTypes = append(list[i].ObjectTypes, o.Name)
					slices.Sort(list[i].ObjectTypes)
				}
				continue
			}
			info := PropertyInfo{
				Operator: word, Name: p.Name, Label: cmp.Or(p.DisplayLabel, p.Name), Type: p.Type, Datasource: s.Name,
				Facet: facet, Indexed: indexed, Order: p.FacetOrder, Group: o.groupLabel(p.Group), Shown: p.UIOptions,
			}
			info.LabelPlural = cmp.Or(p.DisplayLabelPlural, info.Label)
			if o.Name != "" {
				info.ObjectTypes = []string{o.Name}
			}
			at[word] = len(list)
			list = append(list, info)
		}
	}
	return list
}

func (o *ObjectDefinition) groupLabel(name string) string {
	for _, g := range o.Groups {
		if g.Name == name {
			return cmp.Or(g.DisplayLabel, g.Name)
		}
	}
	return name
}

// BuiltIn reports whether a field of the index or an operator is sheaf's own. A custom property of such a name is kept and shown, but the word
// goes on meaning what it means for every document.
func BuiltIn(operator string) bool {
	switch operator {
	case "datasource", "app", "type", "container", "containerid", "author", "owner", "from", "tag", "status", "updated", "created", "before", "after", "has", "in", "my":
		return true
	}
	return false
}

// checkValue refuses a value that is not of the declared type. null stands for no value.
func checkValue(p *PropertyDefinition, v jsontext.Value) error {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil
	}
	if fits(p.Type, v) {
		return nil
	}
	return invalid("customProperties", "The custom property %q is declared %s: its value is %s.", p.Name, p.Type, wording[p.Type])
}

// fits reports whether a value is of a type.
func fits(t PropertyType, v jsontext.Value) (ok bool) {
	switch t {
	case TypeText, TypeUserID, TypePicklist:
		return v.Kind() == '"'
	case TypeTextList, TypeMultiPicklist:
		return v.Kind() == '"' || textList(v)
	case TypeInt, TypeDate:
		_, ok = Number(t, v)
		return ok
	}
	return true
}

// wording says what a value of a type looks like.
var wording = map[PropertyType]string{
	TypeText: "a text", TypeUserID: "a text that names a user", TypePicklist: "a text", TypeTextList: "a list of texts", TypeMultiPicklist: "a list of texts",
	TypeInt: "a whole number between -2^53 and 2^53", TypeDate: "a text like 2006-01-31 or 2006-01-31T15:04:05Z, or a number of Unix seconds",
}

func textList(v jsontext.Value) bool {
	var list []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &list) != nil {
		return false
	}
	return !slices.ContainsFunc(list, func(item jsontext.Value) bool { return item.Kind() != '"' })
}

// Number returns the value by which ranges compare: of an INT the number, of a DATE Unix seconds, of undeclared numbers the number. It is
// false for what has none.
func Number(t PropertyType, v jsontext.Value) (int64, bool) {
	text := string(v)
	switch v.Kind() {
	case '"':
		if json.Unmarshal(v, &text) != nil {
			return 0, false
		}
		if t == TypeDate {
			return dateSeconds(text)
		}
		if t != TypeInt {
			return 0, false
		}
	case '0':
	default:
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, false
	}
	if t == TypeDate && (n < minSeconds || n > maxSeconds) {
		return 0, false
	}
	return int64(n), true
}

// minSeconds is the beginning of the year 1.
const minSeconds = -62135596800

func dateSeconds(text string) (int64, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Unix(), true
		}
	}
	return 0, false
}

// raiseDefinitions tells every node that what is declared has changed.
func raiseDefinitions(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Raise(ctx, versionDefinitions)
	return err
}
