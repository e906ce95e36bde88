package contract

import (
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/rpc"
)

var noBody = reflect.TypeFor[rpc.None]()

// schemas turns Go types into JSON Schemas. Named structs become components; one that goes in and out becomes two, since what
// an answer always has a request may leave out.
type schemas struct {
	named  map[schemaKey]string
	made   object
	both   map[reflect.Type]bool // that go in and out
	closed map[reflect.Type]bool // whose requests may not have further fields
	strict map[reflect.Type]bool // requests of the Platform API
}

type schemaKey struct {
	typ reflect.Type
	dir direction
}

func newSchemas(ops []rpc.Operation) *schemas {
	s := &schemas{named: map[schemaKey]string{}, made: noted(), both: map[reflect.Type]bool{}, closed: map[reflect.Type]bool{}, strict: map[reflect.Type]bool{}}
	in, out := map[reflect.Type]bool{}, map[reflect.Type]bool{}
	open := map[reflect.Type]bool{}
	for _, op := range ops {
		gather(op.Response, out)
		gather(op.Request, in)
		if op.Family == rpc.PlatformAPI {
			gather(op.Request, s.strict)
		}
		if op.Family.Closed() {
			gather(op.Request, s.closed)
		} else {
			gather(op.Request, open)
		}
	}
	for t := range in {
		s.both[t] = out[t]
		s.closed[t] = s.closed[t] && !open[t]
	}
	for _, op := range ops { // names are given in the order of the operations, so that they do not change from run to run
		s.of(op.Request, request)
		s.of(op.Response, response)
	}
	return s
}

// gather notes the named structs that t holds.
func gather(t reflect.Type, into map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if !isComponent(t) || into[t] {
		return
	}
	into[t] = true
	for _, f := range jsonFields(t) {
		gather(f.typ, into)
	}
}

func isComponent(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Name() != "" && t != noBody && t != reflect.TypeFor[rpc.Content]() &&
		t != reflect.TypeFor[time.Time]() && !codesItself(t) && !isText(t)
}

func (s *schemas) components() object { return s.made }

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// of returns the schema of a type.
func (s *schemas) of(t reflect.Type, dir direction) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case isRaw(t), t.Kind() == reflect.Interface, t == noBody, t == reflect.TypeFor[rpc.Content]():
		return object{}
	case isBytes(t):
		return object{"type": "string", "contentEncoding": "base64"}
	case codesItself(t):
		return object{}
	case isText(t):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Int32, reflect.Int16, reflect.Int8:
		return object{"type": "integer", "format": "int32"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem(), dir)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem(), dir)}
	case reflect.Struct:
		if isComponent(t) {
			return ref(s.component(t, dir))
		}
		return s.structure(t, dir)
	}
	return object{}
}

// component returns the name of a struct's schema, and makes it where it is new.
func (s *schemas) component(t reflect.Type, dir direction) string {
	key := schemaKey{t, dir}
	if name, ok := s.named[key]; ok {
		return name
	}
	name := s.nameOf(t)
	if dir == request && s.both[t] {
		name += "Input"
	}
	s.named[key] = name
	s.made[name] = nil // taken, for types that hold themselves
	s.made[name] = s.structure(t, dir)
	return name
}

// nameOf is a type's name with that of its package, and with that of the package above where two would be called alike.
func (s *schemas) nameOf(t reflect.Type) string {
	title := func(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
	pkg := path.Base(t.PkgPath())
	typ, _, _ := strings.Cut(t.Name(), "[") // what a generic type is made of is no part of a name
	name := title(typ)
	if pkg != "wire" && !strings.HasPrefix(strings.ToLower(typ), pkg) {
		name = title(pkg) + title(typ)
	}
	for taken, other := range s.named {
		if taken.typ != t && strings.TrimSuffix(other, "Input") == name {
			return title(path.Base(path.Dir(t.PkgPath()))) + name
		}
	}
	return name
}

func (s *schemas) structure(t reflect.Type, dir direction) object {
	properties := object{}
	var required []string
	for name, f := range jsonFields(t) {
		schema := s.of(f.typ, dir)
		if dir == response && f.mayBeNull && f.typ.Kind() == reflect.Pointer {
			schema = object{"anyOf": []any{schema, object{"type": "null"}}}
		}
		properties[name] = schema
		// What a request must have is known only where requests are closed: there, fields that may be absent are tagged so.
		if !f.optional && (dir == response || s.strict[t]) {
			required = append(required, name)
		}
	}
	d := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		d["required"] = required
	}
	if dir == request && s.closed[t] {
		d["additionalProperties"] = false
	}
	return d
}
