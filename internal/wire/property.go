package wire

// PropertyDefinition declares a custom property of documents, or a key of custom metadata.
type PropertyDefinition struct {
	Name               string `json:"name,omitzero"`
	DisplayLabel       string `json:"displayLabel,omitzero"`
	DisplayLabelPlural string `json:"displayLabelPlural,omitzero"`
	PropertyType       string `json:"propertyType,omitzero"`
	UIOptions          string `json:"uiOptions,omitzero"`
	HideUIFacet        bool   `json:"hideUiFacet,omitzero"`
	UIFacetOrder       int    `json:"uiFacetOrder,omitzero"`
	SkipIndexing       bool   `json:"skipIndexing,omitzero"`
	Group              string `json:"group,omitzero"`
}
