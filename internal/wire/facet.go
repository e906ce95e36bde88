package wire

// FacetFilter narrows results by one field. Its values are alternatives.
type FacetFilter struct {
	FieldName string             `json:"fieldName,omitzero"`
	GroupName string             `json:"groupName,omitzero"`
	Values    []FacetFilterValue `json:"values,omitzero"`
}

// FacetFilterValue is one value of a filter and how it relates to the field.
type FacetFilterValue struct {
	Value        string       `json:"value,omitzero"`
	RelationType RelationType `json:"relationType,omitzero"`
	// IsNegated is the older form of NotEquals.
	IsNegated bool `json:"isNegated,omitzero"`
}

// RelationType relates a field to a value. Empty means Equals.
type RelationType string

// The relations.
const (
	Equals    RelationType = "EQUALS"
	IDEquals  RelationType = "ID_EQUALS"
	LessThan  RelationType = "LT"
	GreatThan RelationType = "GT"
	NotEquals RelationType = "NOT_EQUALS"
)

// FacetFilterSet is a group of filters that all hold. Sets are alternatives.
type FacetFilterSet struct {
	Filters []FacetFilter `json:"filters,omitzero"`
}

// FacetResult is a field with the values that the results have, and how many each.
type FacetResult struct {
	SourceName     string        `json:"sourceName,omitzero"`   // the field name that a filter takes
	OperatorName   string        `json:"operatorName,omitzero"` // SelectSingle or SelectMultiple
	Buckets        []FacetBucket `json:"buckets,omitzero"`
	HasMoreBuckets bool          `json:"hasMoreBuckets,omitzero"`
	GroupName      string        `json:"groupName,omitzero"`
}

// How many values of a facet can be chosen.
const (
	SelectSingle   = "SelectSingle"
	SelectMultiple = "SelectMultiple"
)

// FacetBucket is one value with its count.
type FacetBucket struct {
	Count      int         `json:"count,omitzero"`
	Datasource string      `json:"datasource,omitzero"`
	Percentage int         `json:"percentage,omitzero"`
	Value      *FacetValue `json:"value,omitzero"`
}

// FacetValue is the value of a bucket.
type FacetValue struct {
	StringValue  string `json:"stringValue,omitzero"`
	IntegerValue int    `json:"integerValue,omitzero"`
	DisplayLabel string `json:"displayLabel,omitzero"`
}

// Restriction names containers, documents and datasources that an answer is limited to, or that are left out of it.
type Restriction struct {
	// ContainerSpecs are containers: they, and what is in them, and what is in the containers in them.
	ContainerSpecs []DocumentSpec `json:"containerSpecs,omitzero"`
	DocumentSpecs  []DocumentSpec `json:"documentSpecs,omitzero"`
	Datasources    []string       `json:"datasourceInstances,omitzero"`
}
