package scim

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// defaultCount and maxCount are the sizes of a page.
	defaultCount = 100
	maxCount     = 200
	listURN      = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// Body is a request's JSON object, as it stands.
type Body struct {
	ID     string `path:"id" json:"-"`
	Attrs  string `query:"attributes" json:"-"`
	Except string `query:"excludedAttributes" json:"-"`

	text jsontext.Value
}

// UnmarshalJSON keeps the text.
func (b *Body) UnmarshalJSON(text []byte) error {
	b.text = append(jsontext.Value(nil), text...)
	return nil
}

// object reads the text.
func (b *Body) object() (object, error) {
	var o object
	if err := json.Unmarshal(b.text, &o); err != nil {
		return nil, wrong(invalidSyntax, "The body is no JSON object.").Wrap(err)
	}
	return o, nil
}

// One names a resource.
type One struct {
	ID     string `path:"id" json:"-"`
	Attrs  string `query:"attributes" json:"-"`
	Except string `query:"excludedAttributes" json:"-"`
}

// List asks for resources.
type List struct {
	Filter string `query:"filter" json:"-"`
	Start  string `query:"startIndex" json:"-"`
	Count  string `query:"count" json:"-"`
	Attrs  string `query:"attributes" json:"-"`
	Except string `query:"excludedAttributes" json:"-"`
}

// page returns offset and size of the page (RFC 7644, section 3.4.2.4).
func (l *List) page() (offset, count int, err error) {
	start, count := 1, defaultCount
	for _, n := range []struct {
		name, text string
		value      *int
	}{{"startIndex", l.Start, &start}, {"count", l.Count, &count}} {
		if n.text == "" {
			continue
		}
		if *n.value, err = strconv.Atoi(n.text); err != nil {
			return 0, 0, wrong(invalidValue, "%s must be a whole number.", n.name)
		}
	}
	return max(start, 1) - 1, min(max(count, 0), maxCount), nil
}

// Answer is a resource, or another object of SCIM.
type Answer struct {
	fields any
	made   string
}

// MarshalJSONTo writes the object.
func (a Answer) MarshalJSONTo(enc *jsontext.Encoder) error { return json.MarshalEncode(enc, a.fields) }

// MadeAt is the address of a new resource.
func (a Answer) MadeAt() string { return a.made }

// listAnswer is a page of resources.
func listAnswer(resources []any, total, offset int) Answer {
	return Answer{fields: object{
		"schemas": []string{listURN}, "totalResults": total, "startIndex": offset + 1, "itemsPerPage": len(resources), "Resources": resources,
	}}
}

// choice is what of a resource is asked for.
type choice struct {
	only, except []target
	some         bool // attributes were named, though perhaps none that there is
}

// choose reads the two lists of attributes (RFC 7644, section 3.9). Names that lead nowhere choose nothing.
func (r *resource) choose(only, except string) choice {
	c := choice{some: strings.TrimSpace(only) != ""}
	read := func(text string) (list []target) {
		if len(text) > maxFilter {
			text = text[:maxFilter]
		}
		for name := range strings.SplitSeq(text, ",") {
			if t, err := r.locate(strings.TrimSpace(name), true, invalidValue); err == nil {
				list = append(list, t)
			}
		}
		return list
	}
	c.only = read(only)
	if !c.some {
		c.except = read(except)
	}
	return c
}

// wants reports whether an attribute of the core is asked for, at least in part.
func (c *choice) wants(name string) bool {
	for _, t := range c.except {
		if t.ext == "" && t.attr != nil && t.attr.name == name && t.sub == nil {
			return false
		}
	}
	if !c.some {
		return true
	}
	for _, t := range c.only {
		if t.ext == "" && t.attr != nil && t.attr.name == name {
			return true
		}
	}
	return false
}

// cut returns what of a resource is asked for; the id and the schemas always are.
func (c *choice) cut(res object) object {
	if !c.some {
		for _, t := range c.except {
			if t.attr == nil || t.attr.name != "id" && t.attr.name != "schemas" {
				drop(res, t)
			}
		}
		return res
	}
	out := object{"id": res["id"], "schemas": res["schemas"]}
	for _, t := range c.only {
		pick(out, res, t)
	}
	return out
}

func drop(res object, t target) {
	if t.attr == nil {
		delete(res, t.ext)
		return
	}
	if t.ext != "" {
		inner, ok := res[t.ext].(object)
		if !ok {
			return
		}
		res = inner
	}
	if t.sub == nil {
		delete(res, t.attr.name)
		return
	}
	for _, v := range listed(res[t.attr.name]) {
		if fields, ok := v.(object); ok {
			delete(fields, t.sub.name)
		}
	}
}

func pick(out, res object, t target) {
	if t.attr == nil {
		if res[t.ext] != nil {
			out[t.ext] = res[t.ext]
		}
		return
	}
	if t.ext != "" {
		from, ok := res[t.ext].(object)
		if !ok {
			return
		}
		to, ok := out[t.ext].(object)
		if !ok {
			to = object{}
		}
		if pick(to, from, target{attr: t.attr, sub: t.sub}); len(to) > 0 {
			out[t.ext] = to
		}
		return
	}
	name := t.attr.name
	if res[name] == nil {
		return
	}
	if t.sub == nil {
		out[name] = res[name]
		return
	}
	from := listed(res[name])
	to := listed(out[name])
	if len(to) != len(from) {
		to = make([]any, len(from))
		for i := range to {
			to[i] = object{}
		}
	}
	for i, v := range from {
		fields, ok := v.(object)
		into, okInto := to[i].(object)
		if ok && okInto && fields[t.sub.name] != nil {
			into[t.sub.name] = fields[t.sub.name]
		}
	}
	if t.attr.many {
		out[name] = to
	} else {
		out[name] = to[0]
	}
}

// meta is what the server knows of a resource.
func (s *Service) meta(r *resource, id string, created, updated int64) object {
	return object{"resourceType": r.name, "created": when(created), "lastModified": when(updated), "location": s.base + r.path + "/" + id}
}

func when(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.000Z")
}
