package scim

import (
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// match reports whether a resource, or one value of an attribute, passes the filter.
func (f *filter) match(o object) bool {
	switch f.op {
	case "and":
		for _, part := range f.parts {
			if !part.match(o) {
				return false
			}
		}
		return true
	case "or":
		for _, part := range f.parts {
			if part.match(o) {
				return true
			}
		}
		return false
	case "not":
		return !f.parts[0].match(o)
	case "has":
		for _, v := range f.at.values(o) {
			if fields, ok := v.(object); ok && f.parts[0].match(fields) {
				return true
			}
		}
		return false
	case "pr":
		return len(f.at.values(o)) > 0
	case "ne":
		equal := filter{op: "eq", at: f.at, value: f.value}
		return !equal.match(o)
	}
	leaves := f.at.leaves(o)
	if f.value == nil { // eq null
		return len(leaves) == 0
	}
	for _, v := range leaves {
		if f.compare(v) {
			return true
		}
	}
	return false
}

// values returns what stands at the target, which may be parts of several values.
func (t target) values(o object) []any {
	if t.ext != "" {
		o, _ = o[t.ext].(object)
	}
	if t.attr == nil {
		if len(o) == 0 {
			return nil
		}
		return []any{o}
	}
	list := listed(o[t.attr.name])
	if t.sub == nil {
		return list
	}
	var subs []any
	for _, v := range list {
		if fields, ok := v.(object); ok {
			subs = append(subs, listed(fields[t.sub.name])...)
		}
	}
	return subs
}

func listed(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// leaves is values with the value of those that have parts.
func (t target) leaves(o object) []any {
	list := t.values(o)
	if t.sub != nil || t.attr == nil || t.attr.kind != asParts {
		return list
	}
	var leaves []any
	for _, v := range list {
		if fields, ok := v.(object); ok && fields["value"] != nil {
			leaves = append(leaves, fields["value"])
		}
	}
	return leaves
}

// leaf is the attribute whose values are compared.
func (t target) leaf() *attr {
	switch {
	case t.sub != nil:
		return t.sub
	case t.attr.kind == asParts:
		return named(t.attr.subs, "value")
	}
	return t.attr
}

func (f *filter) compare(v any) bool {
	if b, ok := v.(bool); ok {
		return b == f.value
	}
	have, ok := v.(string)
	want, same := f.value.(string)
	if !ok || !same {
		return false
	}
	leaf := f.at.leaf()
	if leaf.kind == asTime {
		a, errA := time.Parse(time.RFC3339Nano, have)
		b, errB := time.Parse(time.RFC3339Nano, want)
		if errA == nil && errB == nil {
			return ordered(f.op, a.Compare(b))
		}
	}
	if !leaf.exact {
		have, want = directory.FoldKey(have), directory.FoldKey(want)
	}
	switch f.op {
	case "co":
		return strings.Contains(have, want)
	case "sw":
		return strings.HasPrefix(have, want)
	case "ew":
		return strings.HasSuffix(have, want)
	}
	return ordered(f.op, strings.Compare(have, want))
}

func ordered(op string, c int) bool {
	switch op {
	case "eq":
		return c == 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	}
	return false
}

// key returns what of the filter SQL can find by itself, and whether that is the whole filter. naming is the attribute that stands as the
// key's name.
func (f *filter) key(naming string) (k directory.ProvisionKey, whole bool) {
	if f.op == "and" {
		whole = true
		for _, part := range f.parts {
			more, all := part.key(naming)
			whole = whole && all && !clashes(&k, &more)
		}
		return k, whole
	}
	if f.op == "has" && f.at.attr.name == "members" { // members[value eq "…"]
		inner := f.parts[0]
		if id, ok := inner.value.(string); ok && inner.op == "eq" && inner.at.attr.name == "value" {
			return directory.ProvisionKey{Member: id}, true
		}
		return k, false
	}
	text, ok := f.value.(string)
	if f.op != "eq" || !ok || text == "" || f.at.ext != "" {
		return k, false
	}
	switch f.at.String() {
	case "id":
		k.ID = text
	case "externalId":
		k.ExternalID = text
	case naming:
		k.Name = text
	case "members", "members.value":
		k.Member = text
	default:
		return k, false
	}
	return k, true
}

// clashes puts what more narrows into k, and reports whether both narrow the same thing.
func clashes(k, more *directory.ProvisionKey) (both bool) {
	for _, p := range [][2]*string{{&k.ID, &more.ID}, {&k.ExternalID, &more.ExternalID}, {&k.Name, &more.Name}, {&k.Member, &more.Member}} {
		switch {
		case *p[1] == "":
		case *p[0] == "":
			*p[0] = *p[1]
		case *p[0] != *p[1]:
			both = true
		}
	}
	return both
}

// mentions counts where the filter speaks of an attribute.
func (f *filter) mentions(attribute string) (n int) {
	if f.at.attr != nil && f.at.ext == "" && f.at.attr.name == attribute {
		n++
	}
	if f.op == "has" {
		return n
	}
	for _, part := range f.parts {
		n += part.mentions(attribute)
	}
	return n
}
