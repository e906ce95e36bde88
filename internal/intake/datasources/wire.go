package datasources

import "github.com/sheafsearch/sheaf/internal/wire"

// GetRequest names a datasource.
type GetRequest struct {
	Datasource string `json:"datasource"`
}

// CustomDatasourceConfig is what a connector says of a datasource. sheaf acts on some of it and keeps
// the rest for the connector to read back.
type CustomDatasourceConfig struct {
	Name                 string               `json:"name"`
	DisplayName          string               `json:"displayName,omitzero"`
	Category             string               `json:"datasourceCategory,omitzero"`
	URLRegex             string               `json:"urlRegex,omitzero"`
	IconURL              string               `json:"iconUrl,omitzero"`
	ObjectDefinitions    []ObjectDefinition   `json:"objectDefinitions,omitzero"`
	SuggestionText       string               `json:"suggestionText,omitzero"`
	HomeURL              string               `json:"homeUrl,omitzero"`
	CrawlerSeedURLs      []string             `json:"crawlerSeedUrls,omitzero"`
	IconDarkURL          string               `json:"iconDarkUrl,omitzero"`
	HideBuiltInFacets    []string             `json:"hideBuiltInFacets,omitzero"`
	CanonicalizingURL    []CanonicalizingRule `json:"canonicalizingURLRegex,omitzero"`
	CanonicalizingTitle  []CanonicalizingRule `json:"canonicalizingTitleRegex,omitzero"`
	RedlistTitleRegex    string               `json:"redlistTitleRegex,omitzero"`
	ConnectorType        string               `json:"connectorType,omitzero"`
	Quicklinks           []Quicklink          `json:"quicklinks,omitzero"`
	RenderConfigPreset   string               `json:"renderConfigPreset,omitzero"`
	Aliases              []string             `json:"aliases,omitzero"`
	OnPrem               bool                 `json:"isOnPrem,omitzero"`
	TrustURLRegex        *bool                `json:"trustUrlRegexForViewActivity,omitzero"` // absent means true
	IncludeUTMSource     bool                 `json:"includeUtmSource,omitzero"`
	StripFragment        *bool                `json:"stripFragmentInCanonicalUrl,omitzero"` // absent means true
	IdentityDatasource   string               `json:"identityDatasourceName,omitzero"`
	ProductAccessGroup   string               `json:"productAccessGroup,omitzero"`
	UserReferencedByMail bool                 `json:"isUserReferencedByEmail,omitzero"`
	Entity               bool                 `json:"isEntityDatasource,omitzero"`
	Test                 bool                 `json:"isTestDatasource,omitzero"`
}

// AuditSubject names the datasource.
func (c CustomDatasourceConfig) AuditSubject() string { return c.Name }

// ObjectDefinition describes one kind of document. One without a name is the default.
type ObjectDefinition struct {
	Name                string                    `json:"name,omitzero"`
	DisplayLabel        string                    `json:"displayLabel,omitzero"`
	DocCategory         string                    `json:"docCategory,omitzero"`
	PropertyDefinitions []wire.PropertyDefinition `json:"propertyDefinitions,omitzero"`
	PropertyGroups      []PropertyGroup           `json:"propertyGroups,omitzero"`
	Summarizable        bool                      `json:"summarizable,omitzero"`
}

// PropertyGroup names a group of properties.
type PropertyGroup struct {
	Name         string `json:"name,omitzero"`
	DisplayLabel string `json:"displayLabel,omitzero"`
}

// CanonicalizingRule rewrites what matches.
type CanonicalizingRule struct {
	MatchRegex   string `json:"matchRegex,omitzero"`
	RewriteRegex string `json:"rewriteRegex,omitzero"`
}

// Quicklink is a link into the datasource.
type Quicklink struct {
	Name       string      `json:"name,omitzero"`
	ShortName  string      `json:"shortName,omitzero"`
	URL        string      `json:"url,omitzero"`
	IconConfig *IconConfig `json:"iconConfig,omitzero"`
	ID         string      `json:"id,omitzero"`
	Scopes     []string    `json:"scopes,omitzero"`
}

// IconConfig says how an icon looks.
type IconConfig struct {
	GeneratedBackgroundColorKey string `json:"generatedBackgroundColorKey,omitzero"`
	BackgroundColor             string `json:"backgroundColor,omitzero"`
	Color                       string `json:"color,omitzero"`
	Key                         string `json:"key,omitzero"`
	IconType                    string `json:"iconType,omitzero"`
	Masked                      bool   `json:"masked,omitzero"`
	Name                        string `json:"name,omitzero"`
	URL                         string `json:"url,omitzero"`
}
