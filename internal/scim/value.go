package scim

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// object is a resource or a part of one: names as the schema writes them, values that are string, bool, object or []any.
type object = map[string]any

const (
	// maxText bounds one text: photos come as data URLs at times, and are then the longest.
	maxText = 32 << 10
	// maxValues bounds the values of an attribute other than members.
	maxValues = 200
)

// read turns a body into an object of the resource. Attributes that no schema has are ignored, as are those that the server sets.
func (r *resource) read(sent object) (object, error) {
	res := object{}
	seen := map[string]bool{}
	for name, v := range sent {
		if err := once(seen, name); err != nil {
			return nil, err
		}
		if ext := r.extension(name); ext != nil {
			fields, ok := v.(object)
			if !ok {
				if v == nil {
					continue
				}
				return nil, wrong(invalidValue, "%s must be a JSON object.", ext.urn)
			}
			part, err := readFields(ext.attrs, fields)
			if err != nil {
				return nil, err
			}
			if len(part) > 0 {
				res[ext.urn] = part
			}
			continue
		}
		a := r.find(name)
		if a == nil || a.fixed || a.secret {
			continue
		}
		value, err := a.read(v)
		if err != nil {
			return nil, err
		}
		if value != nil {
			res[a.name] = value
		}
	}
	return res, nil
}

// once refuses names that differ in case alone: nobody could say which of them holds.
func once(seen map[string]bool, name string) error {
	key := strings.ToLower(name)
	if seen[key] {
		return wrong(invalidSyntax, "%q is given twice.", clip(name))
	}
	seen[key] = true
	return nil
}

func readFields(attrs []attr, sent object) (object, error) {
	part := object{}
	seen := map[string]bool{}
	for name, v := range sent {
		if err := once(seen, name); err != nil {
			return nil, err
		}
		a := named(attrs, name)
		if a == nil {
			continue
		}
		value, err := a.read(v)
		if err != nil {
			return nil, err
		}
		if value != nil {
			part[a.name] = value
		}
	}
	return part, nil
}

// read returns a value in the one form that is kept, or nil for none: null, an empty text and an empty list are all none.
func (a *attr) read(v any) (any, error) {
	if !a.many {
		return a.readOne(unlisted(v))
	}
	if v == nil {
		return nil, nil
	}
	sent, ok := v.([]any)
	if !ok {
		sent = []any{v}
	}
	if most := a.most(); len(sent) > most {
		return nil, wrong(invalidValue, "%s has at most %d values.", a.name, most)
	}
	list := make([]any, 0, len(sent))
	for _, v := range sent {
		one, err := a.readOne(v)
		if err != nil {
			return nil, err
		}
		if one != nil {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	onePrimary(list)
	return list, nil
}

// most is how many values the attribute may have.
func (a *attr) most() int {
	if a.name == "members" {
		return directory.MaxProvisionedMembers
	}
	return maxValues
}

// unlisted takes a single value out of a list around it: a provider in use sends those.
func unlisted(v any) any {
	if list, ok := v.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return v
}

func (a *attr) readOne(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch a.kind {
	case asParts:
		fields, ok := v.(object)
		if !ok {
			if named(a.subs, "value") == nil {
				return nil, wrong(invalidValue, "%s must be a JSON object.", a.name)
			}
			fields = object{"value": v}
		}
		part, err := readFields(a.subs, fields)
		if err != nil || len(part) == 0 {
			return nil, err
		}
		return part, nil
	case asBool:
		return readBool(a.name, simple(v))
	case asTime:
		t, err := readText(a.name, simple(v))
		if _, bad := time.Parse(time.RFC3339Nano, t); err == nil && t != "" && bad != nil {
			err = wrong(invalidValue, "%s must be a time such as 2027-01-31T12:00:00Z.", a.name)
		}
		return some(t), err
	default:
		t, err := readText(a.name, simple(v))
		return some(t), err
	}
}

// simple takes a value out of the object around it, {"value": …}: the same provider sends those.
func simple(v any) any {
	if fields, ok := v.(object); ok {
		for name, inner := range fields {
			if strings.EqualFold(name, "value") {
				return inner
			}
		}
	}
	return v
}

func some(t string) any {
	if t == "" {
		return nil
	}
	return t
}

func readText(name string, v any) (string, error) {
	t, ok := v.(string)
	switch {
	case v == nil:
		return "", nil
	case !ok:
		return "", wrong(invalidValue, "%s must be a text.", name)
	case len(t) > maxText || strings.IndexByte(t, 0) >= 0 || !utf8.ValidString(t):
		return "", wrong(invalidValue, "%s is too long, or holds what no text may.", name)
	}
	return t, nil
}

// readBool reads a boolean, or its name in any case: a provider in use sends "False".
func readBool(name string, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, nil
	case string:
		switch {
		case strings.EqualFold(v, "true"):
			return true, nil
		case strings.EqualFold(v, "false"):
			return false, nil
		}
	}
	return nil, wrong(invalidValue, "%s must be true or false.", name)
}

// onePrimary leaves the last value that is marked as the primary one (RFC 7643, section 2.4).
func onePrimary(list []any) {
	met := false
	for i := len(list) - 1; i >= 0; i-- {
		if fields, ok := list[i].(object); ok && fields["primary"] == true {
			if met {
				delete(fields, "primary")
			}
			met = true
		}
	}
}

// clone copies an object in depth.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		c := make(object, len(v))
		for name, inner := range v {
			c[name] = clone(inner)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	}
	return v
}
