package scim

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// maxOperations bounds the operations of one PATCH.
const maxOperations = 1000

// operation is one change of a PATCH (RFC 7644, section 3.5.2).
type operation struct {
	op    string // add, replace or remove
	path  string
	value any
	given bool // whether there is a value
}

// readPatch reads the body of a PATCH. Names and operations count in any case, since a provider in use writes "Replace".
func readPatch(sent object) ([]operation, error) {
	fields := lowered(sent)
	list, ok := fields["operations"].([]any)
	if !ok || len(list) == 0 || len(list) > maxOperations {
		return nil, wrong(invalidSyntax, "A PATCH has a list of 1 to %d Operations.", maxOperations)
	}
	ops := make([]operation, 0, len(list))
	for _, v := range list {
		one, ok := v.(object)
		if !ok {
			return nil, wrong(invalidSyntax, "Operations is a list of JSON objects.")
		}
		one = lowered(one)
		op, _ := one["op"].(string)
		path, pathOK := one["path"].(string)
		o := operation{op: strings.ToLower(op), path: path}
		o.value, o.given = one["value"], one["value"] != nil
		switch {
		case o.op != "add" && o.op != "replace" && o.op != "remove":
			return nil, wrong(invalidSyntax, "%q is no operation: add, replace and remove are.", clip(op))
		case one["path"] != nil && !pathOK:
			return nil, wrong(invalidPath, "A path is a text.")
		case o.op == "remove" && o.path == "":
			return nil, wrong(noTarget, "Say by a path what to remove.")
		}
		ops = append(ops, o)
	}
	return ops, nil
}

func lowered(o object) object {
	low := make(object, len(o))
	for _, name := range slices.Sorted(maps.Keys(o)) {
		low[strings.ToLower(name)] = o[name]
	}
	return low
}

// patch applies operations to res, in their order. Where one is refused, res is not to be used.
func (r *resource) patch(res object, ops []operation) error {
	for i := range ops {
		if err := r.apply(res, &ops[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *resource) apply(res object, o *operation) error {
	if o.path != "" {
		p, err := parsePath(r, o.path)
		if err != nil {
			return err
		}
		if p.attr != nil && (p.attr.fixed || p.sub != nil && p.sub.fixed) {
			return wrong(mutability, "%s is set by this server.", p.target)
		}
		return p.apply(r, res, o)
	}
	fields, ok := o.value.(object)
	if !ok {
		return wrong(invalidValue, "Without a path the value is a JSON object.")
	}
	// Without a path the names may be paths themselves, which a provider in use sends. Those that lead nowhere are ignored, as they
	// are in a body.
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := once(seen, name); err != nil {
			return err
		}
		p, err := parsePath(r, name)
		if err != nil || p.attr != nil && (p.attr.fixed || p.sub != nil && p.sub.fixed) {
			continue
		}
		if err := p.apply(r, res, &operation{op: o.op, value: fields[name], given: fields[name] != nil}); err != nil {
			return err
		}
	}
	return nil
}

// apply changes what the path leads to.
func (p *path) apply(r *resource, res object, o *operation) error {
	if p.attr == nil {
		return p.applyExtension(r, res, o)
	}
	if p.attr.secret || o.op == "add" && !o.given { // an addition of nothing takes nothing away
		return nil
	}
	if members, ok := res[p.attr.name].(roll); ok {
		return members.apply(p, o)
	}
	holder := res
	if p.ext != "" {
		var ok bool
		if holder, ok = res[p.ext].(object); !ok {
			holder = object{}
		}
	}
	var err error
	switch {
	case o.op == "remove" || !o.given: // null is none (RFC 7643, section 2.5)
		err = p.remove(holder, o)
	case p.where != nil:
		err = p.setChosen(holder, o)
	case p.sub != nil:
		err = p.setSub(holder, o)
	default:
		err = p.set(holder, o)
	}
	if err != nil || p.ext == "" {
		return err
	}
	if len(holder) == 0 {
		delete(res, p.ext)
	} else {
		res[p.ext] = holder
	}
	return nil
}

// applyExtension changes an extension as a whole.
func (p *path) applyExtension(r *resource, res object, o *operation) error {
	if o.op == "remove" || !o.given {
		if o.op != "add" {
			delete(res, p.ext)
		}
		return nil
	}
	fields, ok := o.value.(object)
	if !ok {
		return wrong(invalidValue, "%s must be a JSON object.", p.ext)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		inner, err := parsePath(r, p.ext+":"+name)
		if err != nil {
			continue
		}
		if err := inner.apply(r, res, &operation{op: o.op, value: fields[name], given: fields[name] != nil}); err != nil {
			return err
		}
	}
	return nil
}

// set gives an attribute a value: a list grows by add, an object gets the parts that are given.
func (p *path) set(holder object, o *operation) error {
	a := p.attr
	value, err := a.read(o.value)
	if err != nil {
		return err
	}
	switch {
	case value == nil:
		if o.op == "replace" || !a.many {
			delete(holder, a.name)
		}
	case a.many && o.op == "add":
		return grow(holder, a, value.([]any))
	case a.kind == asParts && !a.many:
		fields, ok := holder[a.name].(object)
		if !ok {
			fields = object{}
		}
		maps.Copy(fields, value.(object))
		holder[a.name] = fields
	default:
		holder[a.name] = value
	}
	return nil
}

// grow adds values to a list, save those that are in it. A new primary one is the only one.
func grow(holder object, a *attr, values []any) error {
	list, _ := holder[a.name].([]any)
	list = slices.Clone(list)
	met := make(map[string]bool, len(list)+len(values))
	for _, v := range list {
		met[identity(v)] = true
	}
	for _, v := range values {
		if key := identity(v); !met[key] {
			met[key] = true
			list = append(list, v)
		}
	}
	if most := a.most(); len(list) > most {
		return wrong(invalidValue, "%s has at most %d values.", a.name, most)
	}
	onePrimary(list)
	holder[a.name] = list
	return nil
}

// identity is by what values of a list are one: the value and what it is for, or all of it.
func identity(v any) string {
	fields, ok := v.(object)
	if !ok {
		v = object{"value": v}
		fields = v.(object)
	}
	if id, ok := fields["value"].(string); ok {
		what, _ := fields["type"].(string)
		return id + "\x00" + what
	}
	text, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		panic(err) // texts and booleans alone
	}
	return "\x00" + string(text)
}

// setSub gives a part of an attribute a value: of all its values where there are several, and of a new one where there is none.
func (p *path) setSub(holder object, o *operation) error {
	value, err := p.sub.read(o.value)
	if err != nil {
		return err
	}
	if value == nil {
		return p.remove(holder, o)
	}
	if !p.attr.many {
		fields, ok := holder[p.attr.name].(object)
		if !ok {
			fields = object{}
		}
		fields[p.sub.name] = value
		holder[p.attr.name] = fields
		return nil
	}
	list, _ := holder[p.attr.name].([]any)
	if len(list) == 0 {
		list = []any{object{}}
	}
	for _, v := range list {
		if fields, ok := v.(object); ok {
			fields[p.sub.name] = value
		}
	}
	onePrimary(list)
	holder[p.attr.name] = list
	return nil
}

// setChosen changes the values that a filter chooses. Where there is none, one is made that the filter would choose, which is what
// providers mean: the RFC would have it refused.
func (p *path) setChosen(holder object, o *operation) error {
	list, _ := holder[p.attr.name].([]any)
	var chosen []object
	for _, v := range list {
		if fields, ok := v.(object); ok && p.where.match(fields) {
			chosen = append(chosen, fields)
		}
	}
	if len(chosen) == 0 {
		made := object{}
		if !p.where.fill(made) {
			return wrong(noTarget, "No value of %s is chosen by the path.", p.attr.name)
		}
		if len(list) >= p.attr.most() {
			return wrong(invalidValue, "%s has at most %d values.", p.attr.name, p.attr.most())
		}
		chosen, list = []object{made}, append(list, made)
	}
	for _, fields := range chosen {
		if p.sub != nil {
			value, err := p.sub.read(o.value)
			if err != nil {
				return err
			}
			if value == nil {
				delete(fields, p.sub.name)
			} else {
				fields[p.sub.name] = value
			}
			continue
		}
		value, err := p.attr.readOne(unlisted(o.value))
		if err != nil {
			return err
		}
		if part, ok := value.(object); ok {
			maps.Copy(fields, clone(part).(object))
		}
	}
	holder[p.attr.name] = list
	onePrimary(list)
	p.tidy(holder)
	return nil
}

// fill makes a value pass a filter that is all equalities, and reports whether it is.
func (f *filter) fill(fields object) bool {
	switch f.op {
	case "and":
		for _, part := range f.parts {
			if !part.fill(fields) {
				return false
			}
		}
		return true
	case "eq":
		value, err := f.at.attr.read(f.value)
		if err != nil || value == nil {
			return err == nil && f.value == nil
		}
		fields[f.at.attr.name] = value
		return true
	}
	return false
}

// remove takes away what the path leads to. A list of values with a remove is what of the list to remove: the RFC knows no such thing and
// would remove all, and a provider in use means it so.
func (p *path) remove(holder object, o *operation) error {
	a := p.attr
	switch {
	case p.where == nil && p.sub == nil && a.many && o.op == "remove" && o.given:
		value, err := a.read(o.value)
		if err != nil {
			return err
		}
		p.removeValues(holder, value)
	case p.where == nil && p.sub == nil:
		delete(holder, a.name)
	case !a.many:
		if fields, ok := holder[a.name].(object); ok {
			delete(fields, p.sub.name)
			if len(fields) == 0 {
				delete(holder, a.name)
			}
		}
	default:
		list, _ := holder[a.name].([]any)
		kept := make([]any, 0, len(list))
		for _, v := range list {
			fields, ok := v.(object)
			if ok && (p.where == nil || p.where.match(fields)) {
				if p.sub == nil {
					continue
				}
				delete(fields, p.sub.name)
			}
			kept = append(kept, v)
		}
		holder[a.name] = kept
	}
	p.tidy(holder)
	return nil
}

func (p *path) removeValues(holder object, value any) {
	named := map[string]bool{}
	for _, v := range listed(value) {
		named[identity(v)] = true
		if fields, ok := v.(object); ok && fields["type"] == nil {
			if id, ok := fields["value"].(string); ok {
				named[id] = true
			}
		}
	}
	list, _ := holder[p.attr.name].([]any)
	kept := make([]any, 0, len(list))
	for _, v := range list {
		fields, _ := v.(object)
		id, _ := fields["value"].(string)
		if !named[identity(v)] && !named[id] {
			kept = append(kept, v)
		}
	}
	holder[p.attr.name] = kept
}

// tidy takes out what has become empty.
func (p *path) tidy(holder object) {
	list, ok := holder[p.attr.name].([]any)
	if !ok {
		return
	}
	list = slices.DeleteFunc(list, func(v any) bool {
		fields, ok := v.(object)
		return ok && len(fields) == 0
	})
	if len(list) == 0 {
		delete(holder, p.attr.name)
	} else {
		holder[p.attr.name] = list
	}
}
