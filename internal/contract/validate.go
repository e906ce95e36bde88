package contract

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/rpc"
)

// ValidateResponse holds one answer of a server against the facts. Operation is a method and a path
// as Operations names them. It reports, joined, everything that a published client could stumble
// over: a media type it does not expect, a missing field, a wrong kind, null, a time without a zone,
// a value outside an enumeration that clients close, and fields that the contract does not know.
// Differences that divergences.txt accepts are passed over. The body of an error is checked where it
// is JSON and the contract describes it.
func ValidateResponse(operation string, status int, contentType string, body []byte) error {
	_, path, _ := strings.Cut(operation, " ")
	api := familyAPI(rpc.FamilyOf(path))
	if api == "" {
		return fmt.Errorf("%s is in no outside API", operation)
	}
	shape := ShapesOf(api).Operations[operation]
	if shape == nil {
		return fmt.Errorf("%s is not in the contract", operation)
	}
	bodies, known := shape.Responses[status]
	if len(bodies) == 0 {
		return withoutBody(operation, status, known, contentType, body)
	}
	media, _, _ := strings.Cut(contentType, ";")
	i := slices.IndexFunc(bodies, func(b Body) bool { return b.Media == media })
	switch {
	case i < 0 && status >= 400 && media == "text/plain": // clients keep the raw text of any error
		return nil
	case i < 0:
		return fmt.Errorf("%s %d: media type %q is not in the contract", operation, status, contentType)
	case media == "application/json" && contentType != "application/json; charset=UTF-8":
		return fmt.Errorf("%s %d: Content-Type is %q; some clients compare the whole of %q",
			operation, status, contentType, "application/json; charset=UTF-8")
	}
	v := &validator{api: api, shapes: ShapesOf(api), accepted: acceptedDivergences()}
	switch kind := bodies[i].Kind; {
	case media == "text/plain" && strings.HasPrefix(kind, "ref:"): // one JSON value a line
		for line := range strings.Lines(string(body)) {
			v.kind("", kind, jsontext.Value(line))
		}
	case strings.HasSuffix(media, "json"):
		v.kind("", kind, body)
	}
	if err := errors.Join(v.errs...); err != nil {
		return fmt.Errorf("%s %d: %w", operation, status, err)
	}
	return nil
}

func withoutBody(operation string, status int, known bool, contentType string, body []byte) error {
	switch {
	case status >= 400:
		return nil
	case !known:
		return fmt.Errorf("%s: status %d is not in the contract", operation, status)
	case len(body) > 0:
		return fmt.Errorf("%s %d: a body of type %q where the contract has none", operation, status, contentType)
	}
	return nil
}

type validator struct {
	api      API
	shapes   *Shapes
	accepted map[string]bool
	errs     []error
}

func (v *validator) report(at, format string, args ...any) {
	if at == "" {
		at = "the body"
	}
	v.errs = append(v.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// kind checks one value, which stands at the path at.
func (v *validator) kind(at, kind string, value jsontext.Value) {
	switch elem, isList := strings.CutPrefix(kind, "[]"); {
	case value.Kind() == 'n':
		v.report(at, "null, where an absent value is left out")
	case strings.Contains(kind, "|"):
		v.choice(at, strings.Split(kind, "|"), value)
	case isList:
		var list []jsontext.Value
		if v.decode(at, "a list", value, &list) {
			for i, item := range list {
				v.kind(fmt.Sprintf("%s[%d]", at, i), elem, item)
			}
		}
	case strings.HasPrefix(kind, "map:"):
		var fields map[string]jsontext.Value
		if v.decode(at, "an object", value, &fields) {
			for _, key := range slices.Sorted(maps.Keys(fields)) {
				v.kind(at+"."+key, strings.TrimPrefix(kind, "map:"), fields[key])
			}
		}
	case strings.HasPrefix(kind, "ref:"):
		v.object(at, v.shapes.Types[strings.TrimPrefix(kind, "ref:")], value)
	default:
		v.scalar(at, kind, value)
	}
}

func (v *validator) decode(at, want string, value jsontext.Value, into any) bool {
	if err := json.Unmarshal(value, into); err != nil {
		v.report(at, "not %s: %v", want, err)
		return false
	}
	return true
}

// choice accepts a value that one of the kinds fits, and else reports what is wrong by the nearest.
func (v *validator) choice(at string, kinds []string, value jsontext.Value) {
	var nearest []error
	for _, kind := range kinds {
		try := &validator{api: v.api, shapes: v.shapes, accepted: v.accepted}
		try.kind(at, kind, value)
		if len(try.errs) == 0 {
			return
		}
		if nearest == nil || len(try.errs) < len(nearest) {
			nearest = try.errs
		}
	}
	v.errs = append(v.errs, nearest...)
}

func (v *validator) object(at string, typ *Type, value jsontext.Value) {
	if len(typ.OneOf) > 0 {
		kinds := make([]string, len(typ.OneOf))
		for i, name := range typ.OneOf {
			kinds[i] = "ref:" + name
		}
		v.choice(at, kinds, value)
		return
	}
	var fields map[string]jsontext.Value
	if !v.decode(at, "an object", value, &fields) {
		return
	}
	if len(typ.Needs) > 0 && !slices.ContainsFunc(typ.Needs, func(name string) bool { return fields[name] != nil }) {
		v.report(at, "has none of %s", strings.Join(typ.Needs, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(typ.Fields)) {
		f := typ.Fields[name]
		field, present := fields[name]
		delete(fields, name)
		switch place := at + "." + name; {
		case !present:
			if f.Required && !v.accepts("%s response %s.%s optional, contract required", typ.Name, name) {
				v.report(place, "missing")
			}
		case field.Kind() == 'n' && f.Nullable:
		default:
			v.kind(place, f.Kind, field)
			v.enum(place, f, field)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !typ.Open && !v.accepts("%s response %s.%s not in the contract", typ.Name, name) {
			v.report(at+"."+name, "not in the contract")
		}
	}
}

func (v *validator) accepts(format, typ, field string) bool {
	_, ok := v.accepted[fmt.Sprintf(format, v.api, typ, field)]
	return ok
}

// enum checks a closed enumeration, in a list for each item.
func (v *validator) enum(at string, f *Field, value jsontext.Value) {
	if !f.Closed {
		return
	}
	list := []jsontext.Value{value}
	if value.Kind() == '[' && json.Unmarshal(value, &list) != nil {
		return
	}
	for _, item := range list {
		var text string
		if json.Unmarshal(item, &text) == nil && !slices.Contains(f.Enum, text) {
			v.report(at, "%q is none of the values that clients know: %s", text, strings.Join(f.Enum, ", "))
		}
	}
}

func (v *validator) scalar(at, kind string, value jsontext.Value) {
	base, format, _ := strings.Cut(kind, "/")
	switch got := value.Kind(); {
	case base == "any":
	case base == "object" && got != '{':
		v.report(at, "not an object")
	case base == "boolean" && got != 't' && got != 'f':
		v.report(at, "not a boolean")
	case (base == "integer" || base == "number") && got != '0':
		v.report(at, "not a number")
	case base == "integer" && strings.ContainsAny(string(value), ".eE"):
		v.report(at, "%s is not a whole number", value)
	case base == "string" && got != '"':
		v.report(at, "not a string")
	case base == "string" && format != "":
		v.text(at, format, value)
	}
}

func (v *validator) text(at, format string, value jsontext.Value) {
	var text string
	if !v.decode(at, "a string", value, &text) {
		return
	}
	layout := map[string]string{"date-time": time.RFC3339, "date": time.DateOnly}[format]
	if layout == "" {
		return
	}
	if _, err := time.Parse(layout, text); err != nil {
		v.report(at, "%q is not a %s (RFC 3339)", text, format)
	}
}
