package scim

import "strings"

// roll is the members of a group while a PATCH changes them, by id. An operation costs what it names, not what is there: providers send
// a thousand at a time to groups of tens of thousands, and the group is held meanwhile.
type roll map[string]bool

func rollOf(members []string) roll {
	r := make(roll, len(members))
	for _, id := range members {
		r[id] = true
	}
	return r
}

// apply changes the members that a path leads to. Of a member its id alone is kept, and members are chosen by it.
func (r roll) apply(p *path, o *operation) error {
	if p.sub != nil && p.sub.name != "value" {
		return nil
	}
	if p.sub != nil && p.where == nil {
		return wrong(invalidPath, `Members are chosen by their id, as in members[value eq "id"].`)
	}
	var chosen, given []string
	if p.where != nil {
		var ok bool
		if chosen, ok = p.where.ids(); !ok {
			return wrong(invalidPath, `Members are chosen by their id, as in members[value eq "id"].`)
		}
	}
	if o.given {
		value, err := p.attr.read(o.value)
		if err != nil {
			return err
		}
		if given, err = memberIDs(value); err != nil && p.where == nil {
			return err
		}
	}
	switch {
	case o.op == "remove" && p.where == nil && o.given:
		r.strike(given)
		return nil
	case o.op == "remove" || !o.given:
		if p.where == nil {
			clear(r)
		}
		r.strike(chosen)
		return nil
	case p.where == nil && o.op == "replace":
		clear(r)
	case p.where != nil && len(given) > 0: // another one in the place of the chosen ones
		r.strike(chosen)
	default:
		given = append(given, chosen...)
	}
	for _, id := range given {
		r[id] = true
	}
	return nil
}

func (r roll) strike(ids []string) {
	for _, id := range ids {
		delete(r, id)
	}
}

// ids returns the values of a filter that is nothing but equalities of value, joined by or.
func (f *filter) ids() (list []string, ok bool) {
	if f.op == "or" {
		for _, part := range f.parts {
			some, ok := part.ids()
			if !ok {
				return nil, false
			}
			list = append(list, some...)
		}
		return list, true
	}
	id, ok := f.value.(string)
	return []string{id}, ok && id != "" && f.op == "eq" && f.at.attr.name == "value"
}

// memberIDs returns the ids of members as they are sent.
func memberIDs(value any) ([]string, error) {
	list := listed(value)
	ids := make([]string, 0, len(list))
	for _, v := range list {
		fields, _ := v.(object)
		id, _ := fields["value"].(string)
		if kind, _ := fields["type"].(string); id == "" || strings.EqualFold(kind, "Group") {
			return nil, wrong(invalidValue, "Members are users, each with its id as value: groups within groups are not taken.")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
