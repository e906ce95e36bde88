package corpus

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// Settings are the parts of a datasource's configuration that sheaf acts on, named as in the
// contract.
type Settings struct {
	Name           string             `json:"name"`
	DisplayName    string             `json:"displayName,omitzero"`
	Category       string             `json:"datasourceCategory,omitzero"`
	URLRegex       string             `json:"urlRegex,omitzero"`
	IconURL        string             `json:"iconUrl,omitzero"`
	IconDarkURL    string             `json:"iconDarkUrl,omitzero"`
	HomeURL        string             `json:"homeUrl,omitzero"`
	SuggestionText string             `json:"suggestionText,omitzero"`
	Objects        []ObjectDefinition `json:"objectDefinitions,omitzero"`
	HiddenFacets   []string           `json:"hideBuiltInFacets,omitzero"` // TYPE, TAG, AUTHOR or OWNER
	Quicklinks     []Quicklink        `json:"quicklinks,omitzero"`
	Aliases        []string           `json:"aliases,omitzero"` // further names by which people ask for the datasource
	IdentitySource string             `json:"identityDatasourceName,omitzero"`
	ByEmail        bool               `json:"isUserReferencedByEmail,omitzero"`
	Entity         bool               `json:"isEntityDatasource,omitzero"`
	Test           bool               `json:"isTestDatasource,omitzero"`
}

// ObjectDefinition says what a kind of document has. One without a name is the default: it holds for
// kinds that have no definition, and for properties that a kind's own definition does not name.
type ObjectDefinition struct {
	Name         string               `json:"name,omitzero"`
	DisplayLabel string               `json:"displayLabel,omitzero"`
	Category     string               `json:"docCategory,omitzero"`
	Properties   []PropertyDefinition `json:"propertyDefinitions,omitzero"`
	Groups       []PropertyGroup      `json:"propertyGroups,omitzero"`
}

// PropertyDefinition declares a custom property.
type PropertyDefinition struct {
	Name               string       `json:"name,omitzero"`
	DisplayLabel       string       `json:"displayLabel,omitzero"`
	DisplayLabelPlural string       `json:"displayLabelPlural,omitzero"`
	Type               PropertyType `json:"propertyType,omitzero"`
	UIOptions          string       `json:"uiOptions,omitzero"`
	HideFacet          bool         `json:"hideUiFacet,omitzero"`
	FacetOrder         int          `json:"uiFacetOrder,omitzero"`
	SkipIndexing       bool         `json:"skipIndexing,omitzero"`
	Group              string       `json:"group,omitzero"`
}

// PropertyGroup names a group of properties.
type PropertyGroup struct {
	Name         string `json:"name,omitzero"`
	DisplayLabel string `json:"displayLabel,omitzero"`
}

// Quicklink is a link into the datasource.
type Quicklink struct {
	Name string `json:"name,omitzero"`
	URL  string `json:"url,omitzero"`
}

// Property returns the declaration of a custom property of documents of a type, if there is one.
func (s *Settings) Property(objectType, name string) (PropertyDefinition, bool) {
	var found PropertyDefinition
	ok := false
	word := Operator(name)
	for _, o := range s.Objects {
		if o.Name != objectType && (o.Name != "" || ok) {
			continue
		}
		for _, p := range o.Properties {
			if Operator(p.Name) == word {
				found, ok = p, true
			}
		}
	}
	return found, ok
}

// Bounds of a configuration.
const (
	maxConfig      = 1 << 20 // bytes of JSON
	maxRegex       = 2000    // bytes of a regular expression
	maxObjects     = 200     // kinds of document
	maxDeclared    = 500     // properties of one kind
	maxAliases     = 50
	maxQuicklinks  = 100
	maxIconURL     = 64 << 10 // bytes; icons may be data: images
	uncategorized  = "UNCATEGORIZED"
	maxFacetOrders = 1_000_000
)

// categories are the contract's values of datasourceCategory and docCategory.
var categories = []string{
	uncategorized, "TICKETS", "CRM", "PUBLISHED_CONTENT", "COLLABORATIVE_CONTENT", "QUESTION_ANSWER", "MESSAGING", "CODE_REPOSITORY",
	"CHANGE_MANAGEMENT", "PEOPLE", "EMAIL", "SSO", "ATS", "KNOWLEDGE_HUB", "EXTERNAL_SHORTCUT", "ENTITY", "CALENDAR", "AGENTS",
	"AI_CONVERSATION", "AI_ARTIFACT",
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
	if s.Category == uncategorized || !slices.Contains(categories, s.Category) {
		return invalid("datasourceCategory", "A datasource needs a datasourceCategory other than UNCATEGORIZED: one of %s.", strings.Join(categories[1:], ", "))
	}
	if s.URLRegex == "" && !s.Entity {
		return invalid("urlRegex", "A datasource needs an urlRegex, unless isEntityDatasource is true.")
	}
	if _, err := compile(s.URLRegex); err != nil || len(s.URLRegex) > maxRegex {
		return invalid("urlRegex", "The urlRegex cannot be read: use RE2 syntax and at most %d bytes.", maxRegex)
	}
	if err := s.checkLook(); err != nil {
		return err
	}
	if len(s.Objects) > maxObjects {
		return invalid("objectDefinitions", "A datasource has at most %d objectDefinitions.", maxObjects)
	}
	seen := map[string]bool{}
	for i := range s.Objects {
		o := &s.Objects[i]
		if seen[o.Name] {
			return invalid("objectDefinitions", "objectDefinitions holds %q twice.", o.Name)
		}
		seen[o.Name] = true
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

// compile reads a regular expression in RE2 syntax, whose matching takes time linear in the text and whose size Go bounds.
func compile(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxRegex {
		pattern = pattern[:maxRegex]
	}
	return regexp.Compile(pattern)
}

// checkLook refuses names and addresses that no page can show.
func (s *Settings) checkLook() error {
	for field, text := range map[string]string{"displayName": s.DisplayName, "suggestionText": s.SuggestionText} {
		if err := checkText(field, text, MaxShort); err != nil {
			return err
		}
	}
	if err := directory.CheckURL("homeUrl", s.HomeURL); err != nil {
		return err
	}
	for field, address := range map[string]string{"iconUrl": s.IconURL, "iconDarkUrl": s.IconDarkURL} {
		if strings.HasPrefix(address, "data:image/") && len(address) <= maxIconURL {
			continue
		}
		if err := directory.CheckURL(field, address); err != nil {
			return err
		}
	}
	if len(s.Quicklinks) > maxQuicklinks {
		return invalid("quicklinks", "A datasource has at most %d quicklinks.", maxQuicklinks)
	}
	for _, q := range s.Quicklinks {
		if err := directory.CheckURL("quicklinks", q.URL); err != nil {
			return err
		}
		if err := checkText("quicklinks", q.Name, MaxShort); err != nil {
			return err
		}
	}
	if len(s.Aliases) > maxAliases {
		return invalid("aliases", "A datasource has at most %d aliases.", maxAliases)
	}
	for _, alias := range s.Aliases {
		if alias == "" || len(alias) > MaxTag || strings.TrimSpace(alias) != alias {
			return invalid("aliases", "An alias is a text of at most %d bytes that neither begins nor ends with a space.", MaxTag)
		}
		if err := checkText("aliases", alias, MaxTag); err != nil {
			return err
		}
	}
	return nil
}

func (o *ObjectDefinition) check() error {
	if o.Name != "" {
		if err := checkRef(o.Name, "x"); err != nil {
			return invalid("objectDefinitions", "The name of an objectDefinition has at most %d bytes and no white space, slash or underscore.", MaxObjectType)
		}
	}
	if err := checkText("objectDefinitions", o.DisplayLabel, MaxShort); err != nil {
		return err
	}
	if o.Category != "" && !slices.Contains(categories, o.Category) {
		return invalid("objectDefinitions", "The docCategory of an objectDefinition is one of %s.", strings.Join(categories, ", "))
	}
	if len(o.Properties) > maxDeclared || len(o.Groups) > maxDeclared {
		return invalid("objectDefinitions", "An objectDefinition has at most %d propertyDefinitions and as many propertyGroups.", maxDeclared)
	}
	for _, g := range o.Groups {
		if g.Name == "" || len(g.Name) > MaxTag || len(g.DisplayLabel) > MaxShort {
			return invalid("objectDefinitions", "A propertyGroup has a name of at most %d bytes.", MaxTag)
		}
	}
	seen := map[string]string{}
	for i := range o.Properties {
		p := &o.Properties[i]
		if err := p.check(); err != nil {
			return err
		}
		word := Operator(p.Name)
		if other, twice := seen[word]; twice {
			return invalid("objectDefinitions", "The properties %q and %q of %q would have the same operator %s. Call one of them something else.", other, p.Name, o.Name, word)
		}
		seen[word] = p.Name
	}
	return nil
}

func (p *PropertyDefinition) check() error {
	if p.Name == "" || len(p.Name) > MaxTag || Operator(p.Name) == "" || checkText("name", p.Name, MaxTag) != nil {
		return invalid("objectDefinitions", "A propertyDefinition has a name of at most %d bytes with a letter or digit in it.", MaxTag)
	}
	if !p.Type.known() {
		return invalid("objectDefinitions", "The propertyType of %q is none of TEXT, DATE, INT, USERID, PICKLIST, TEXTLIST and MULTIPICKLIST.", p.Name)
	}
	for field, text := range map[string]string{"displayLabel": p.DisplayLabel, "displayLabelPlural": p.DisplayLabelPlural, "group": p.Group, "uiOptions": p.UIOptions} {
		if err := checkText(field, text, MaxShort); err != nil {
			return err
		}
	}
	if p.FacetOrder < 0 || p.FacetOrder > maxFacetOrders {
		return invalid("objectDefinitions", "The uiFacetOrder of %q is a number from 0 to %d.", p.Name, maxFacetOrders)
	}
	return nil
}
