package contract

import (
	"encoding"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// goField is a field of a Go struct as it stands on the wire.
type goField struct {
	typ       reflect.Type
	optional  bool // left out when empty
	mayBeNull bool
}

// jsonFields returns the fields of a struct by their names on the wire, those of embedded structs
// among them. Another type has none.
func jsonFields(t reflect.Type) map[string]goField {
	fields := map[string]goField{}
	if t.Kind() != reflect.Struct {
		return fields
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		has := func(option string) bool {
			for o := range strings.SplitSeq(options, ",") {
				if o == option {
					return true
				}
			}
			return false
		}
		switch {
		case name == "-":
		case has("embed") || f.Anonymous && name == "":
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			for n, g := range jsonFields(inner) {
				if _, outer := fields[n]; !outer { // the outer field wins; it stands first in our types
					fields[n] = g
				}
			}
		case f.IsExported():
			if !tagged || name == "" {
				name = f.Name
			}
			g := goField{typ: f.Type, optional: has("omitzero") || has("omitempty")}
			if has("string") {
				g.typ = reflect.TypeFor[string]()
			}
			k := f.Type.Kind()
			g.mayBeNull = !g.optional && (k == reflect.Pointer || k == reflect.Interface || isRaw(f.Type))
			fields[name] = g
		}
	}
	return fields
}

// urlFields returns the types of the fields that rpc fills from the URL, by "path name" and
// "query name".
func urlFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return fields
	}
	for _, f := range reflect.VisibleFields(t) {
		for _, in := range []string{"path", "query"} {
			if name := f.Tag.Get(in); name != "" {
				fields[in+" "+name] = f.Type
			}
		}
	}
	return fields
}

// goKind writes a Go type in the words of the facts.
func goKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "string/date-time"
	case isRaw(t), t.Kind() == reflect.Interface:
		return "any"
	case isBytes(t):
		return "string/byte"
	case codesItself(t):
		return "custom"
	case isText(t):
		return "string"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		return "[]" + goKind(t.Elem())
	case reflect.Map:
		return "map:" + goKind(t.Elem())
	case reflect.Struct:
		return "object"
	default:
		return t.String()
	}
}

func isRaw(t reflect.Type) bool { return t == reflect.TypeFor[jsontext.Value]() }
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// codesItself reports whether t writes or reads its own JSON, which reflection cannot look into.
func codesItself(t reflect.Type) bool {
	if isRaw(t) || t == reflect.TypeFor[time.Time]() {
		return false
	}
	return implements[json.Marshaler](t) || implements[json.MarshalerTo](t) ||
		implements[json.Unmarshaler](t) || implements[json.UnmarshalerFrom](t)
}

func isText(t reflect.Type) bool {
	return implements[encoding.TextMarshaler](t) || implements[encoding.TextUnmarshaler](t)
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}
