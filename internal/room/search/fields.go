package search

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Fields of the index that filters and facets speak of under several names.
const (
	fieldDatasource = "datasource"
	fieldType       = "type"
	fieldAuthor     = "author"
	fieldOwner      = "owner"
	fieldTag        = "tag"
	fieldStatus     = "status"
	fieldContainer  = "container"
	fieldWithin     = index.FieldWithin
	fieldUpdated    = index.FieldUpdated
	fieldCreated    = index.FieldCreated
)

// Filters that are no fields of the index.
const (
	fieldHistory    = "my"
	fieldHas        = "has"
	fieldCollection = "collection"
)

// fieldOf returns the index's name for a field as filters and operators spell it. Names that it does
// not know are custom properties, under their own name.
func fieldOf(name string) string {
	switch name = strings.ToLower(name); name {
	case "app", "datasource":
		return fieldDatasource
	case "type", "doctype":
		return fieldType
	case "from", "author":
		return fieldAuthor
	case "tag", "label":
		return fieldTag
	case "container", "channel", "in":
		return fieldContainer
	case "updated", "last_updated_at", "before", "after":
		return fieldUpdated
	case "created", "created_at":
		return fieldCreated
	case "my", "suggested":
		return fieldHistory
	}
	return name
}

// filterName is the name under which filters and facets go out.
func filterName(field string) string {
	switch field {
	case fieldAuthor:
		return "from"
	case fieldUpdated:
		return "last_updated_at"
	}
	return field
}

func isPerson(field string) bool { return field == fieldAuthor || field == fieldOwner }

// has is the test that a field has a value, by whatever name people give it.
func (f *filters) has(name, field, value string) (index.Filter, verdict) {
	known := f.question.known
	switch field {
	case fieldAuthor, fieldOwner:
		return f.person(field, value), usable
	case fieldDatasource:
		return index.Has{Field: field, Values: known.named(value)}, usable
	case fieldType:
		return index.Has{Field: field, Values: known.types(value)}, usable
	case fieldHistory:
		return f.historyTest(value)
	case fieldHas:
		// Go links hang on documents of people's own making. As long as none is there, none has one.
		if strings.EqualFold(value, "golink") {
			return index.Any{}, usable
		}
		return index.Any{}, meaningless
	case fieldCollection:
		return index.Any{}, usable // as long as there are none, nothing is in one
	}
	test := index.Has{Field: field, Values: []string{value}}
	// Some datasources declare what sheaf has a word for already: both are meant.
	switch name = strings.ToLower(name); name {
	case "channel", "label":
		return index.Any{test, index.Has{Field: name, Values: []string{value}}}, usable
	case "in":
		return index.Any{test, index.Has{Field: "containerid", Values: []string{value}}}, usable
	}
	return test, usable
}

// historyTest is the test that the caller opened a document lately.
func (f *filters) historyTest(value string) (index.Filter, verdict) {
	value = strings.ToLower(strings.TrimSpace(value))
	if value != "history" && value != "my history" {
		return index.Any{}, meaningless
	}
	if f.viewed == nil {
		keys, err := f.service.history.History(f.ctx, f.question.caller)
		if err != nil && f.err == nil {
			f.err = err
		}
		f.viewed = append(index.Keys{}, keys...)
	}
	return f.viewed, usable
}

// relationOf is how an operator of the query compares.
func relationOf(operator string) wire.RelationType {
	switch operator {
	case "before":
		return wire.LessThan
	case "after":
		return wire.GreatThan
	}
	return wire.Equals
}

// equal reports whether a relation asks for the value itself.
func equal(r wire.RelationType) bool { return r == "" || r == wire.Equals || r == wire.IDEquals }
