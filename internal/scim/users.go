package scim

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// maxAttributes bounds all that is kept of a person, in bytes.
const maxAttributes = 64 << 10

// provision returns what the directory is told of a person. active stands where the provider says nothing of it.
func provision(res object, active bool) (n directory.Provisioned, err error) {
	n.UserName, _ = res["userName"].(string)
	if n.UserName == "" {
		return n, wrong(invalidValue, "A user needs a userName.")
	}
	n.ExternalID, _ = res["externalId"].(string)
	n.Active = active
	if said, ok := res["active"].(bool); ok {
		n.Active = said
	}
	if n.Address = addressOf(res); n.Address == "" {
		return n, wrong(invalidValue, "The userName or one of the emails must be an address of the form name@example.com, in ASCII.")
	}
	n.Name = nameOf(res)
	n.Profile = profileOf(res)
	kept := object{}
	for name, v := range res {
		switch name {
		case "userName", "externalId", "active": // have columns of their own
		default:
			kept[name] = v
		}
	}
	text, err := json.Marshal(kept, json.Deterministic(true))
	if err != nil {
		return n, fmt.Errorf("encode the attributes of a user: %w", err)
	}
	if len(text) > maxAttributes {
		return n, wrong(invalidValue, "All attributes of a user together are at most %d bytes.", maxAttributes)
	}
	n.Attributes = string(text)
	return n, nil
}

// addressOf is by which address the person is known here: the userName where it is one, or else the primary address, that of work,
// or the first.
func addressOf(res object) string {
	userName, _ := res["userName"].(string)
	if address, err := directory.FoldEmail(userName); err == nil {
		return address
	}
	address, _ := directory.FoldEmail(best(res["emails"], "work")) // "" where there is none
	return address
}

// best returns the primary value of a list, else the first of that type, else the first.
func best(list any, what string) string {
	text, rank := "", 0
	for _, v := range listed(list) {
		fields, _ := v.(object)
		value, _ := fields["value"].(string)
		r := 1
		if kind, _ := fields["type"].(string); strings.EqualFold(kind, what) {
			r = 2
		}
		if fields["primary"] == true {
			r = 3
		}
		if value != "" && r > rank {
			text, rank = value, r
		}
	}
	return text
}

func textAt(o object, name string) string {
	text, _ := o[name].(string)
	return text
}

func nameOf(res object) string {
	parts, _ := res["name"].(object)
	for _, name := range []string{textAt(res, "displayName"), textAt(parts, "formatted"), textAt(parts, "givenName") + " " + textAt(parts, "familyName")} {
		if name = strings.TrimSpace(name); name != "" {
			return name
		}
	}
	return ""
}

// profileOf is what the directory of people shows of somebody of whom no employee record speaks.
func profileOf(res object) directory.Profile {
	parts, _ := res["name"].(object)
	enterprise, _ := res[enterpriseURN].(object)
	p := directory.Profile{
		FirstName: textAt(parts, "givenName"), LastName: textAt(parts, "familyName"), Title: textAt(res, "title"), Phone: best(res["phoneNumbers"], "work"),
		EmployeeID: textAt(enterprise, "employeeNumber"), Department: textAt(enterprise, "department"), BusinessUnit: textAt(enterprise, "division"),
	}
	return p
}

// objectOf is the resource that a provisioned person is, without what the server sets.
func objectOf(n *directory.Provisioned) (object, error) {
	res := object{}
	if err := json.Unmarshal([]byte(n.Attributes), &res); err != nil {
		return nil, fmt.Errorf("attributes of provisioned person %s: %w", n.ID, err)
	}
	res["userName"], res["active"] = n.UserName, n.Active
	if n.ExternalID != "" {
		res["externalId"] = n.ExternalID
	}
	return res, nil
}

// whole adds what the server sets, save the groups.
func (s *Service) whole(n *directory.Provisioned) (object, error) {
	res, err := objectOf(n)
	if err != nil {
		return nil, err
	}
	schemas := []any{userURN}
	if res[enterpriseURN] != nil {
		schemas = append(schemas, enterpriseURN)
	}
	res["schemas"], res["id"], res["meta"] = schemas, n.ID, s.meta(s.users, n.ID, n.Created, n.Updated)
	return res, nil
}

// showUsers turns people into what is asked for of them.
func (s *Service) showUsers(ctx context.Context, people []directory.Provisioned, c choice) ([]any, error) {
	var groups map[string][]directory.ProvisionedGroup
	if c.wants("groups") {
		ids := make([]string, len(people))
		for i := range people {
			ids[i] = people[i].ID
		}
		var err error
		if groups, err = s.people.GroupsOf(ctx, ids); err != nil {
			return nil, err
		}
	}
	list := make([]any, 0, len(people))
	for i := range people {
		res, err := s.whole(&people[i])
		if err != nil {
			return nil, err
		}
		var of []any
		for _, g := range groups[people[i].ID] {
			of = append(of, object{"value": g.ID, "display": g.Name, "$ref": s.base + s.groups.path + "/" + g.ID, "type": "direct"})
		}
		if of != nil {
			res["groups"] = of
		}
		list = append(list, c.cut(res))
	}
	return list, nil
}

func (s *Service) showUser(ctx context.Context, n *directory.Provisioned, only, except string) (Answer, error) {
	list, err := s.showUsers(ctx, []directory.Provisioned{*n}, s.users.choose(only, except))
	if err != nil {
		return Answer{}, err
	}
	return Answer{fields: list[0]}, nil
}

func (s *Service) listUsers(ctx context.Context, _ grant.Caller, req List) (Answer, error) {
	offset, count, err := req.page()
	if err != nil {
		return Answer{}, err
	}
	var key directory.ProvisionKey
	var keep func(*directory.Provisioned) (bool, error)
	if strings.TrimSpace(req.Filter) != "" {
		f, err := parseFilter(s.users, req.Filter)
		if err != nil {
			return Answer{}, err
		}
		if f.mentions("groups") > 0 {
			return Answer{}, wrong(invalidFilter, `People cannot be found by their groups. Read the group, or filter groups by members.value eq "id".`)
		}
		var whole bool
		if key, whole = f.key("userName"); !whole {
			keep = func(n *directory.Provisioned) (bool, error) {
				res, err := s.whole(n)
				return err == nil && f.match(res), err
			}
		}
	}
	people, total, err := s.people.Provisions(ctx, key, keep, offset, count)
	if err != nil {
		return Answer{}, err
	}
	list, err := s.showUsers(ctx, people, s.users.choose(req.Attrs, req.Except))
	return listAnswer(list, total, offset), err
}

func (s *Service) getUser(ctx context.Context, _ grant.Caller, req One) (Answer, error) {
	n, err := s.people.Provisioned(ctx, req.ID)
	if err != nil {
		return Answer{}, err
	}
	return s.showUser(ctx, &n, req.Attrs, req.Except)
}

func (s *Service) createUser(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	sent, err := req.object()
	if err != nil {
		return Answer{}, err
	}
	res, err := s.users.read(sent)
	if err != nil {
		return Answer{}, err
	}
	n, err := provision(res, true)
	if err != nil {
		return Answer{}, err
	}
	if n, err = s.people.Provision(ctx, n); err != nil {
		return Answer{}, told(err)
	}
	if err = s.record(ctx, c, "scim.user.create", n.ID, n.Address, activeWord(n.Active)); err != nil {
		return Answer{}, err
	}
	shown, err := s.showUser(ctx, &n, req.Attrs, req.Except)
	shown.made = s.base + s.users.path + "/" + n.ID
	return shown, err
}

func activeWord(active bool) string {
	if active {
		return "active"
	}
	return "deactivated"
}

func (s *Service) replaceUser(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	sent, err := req.object()
	if err != nil {
		return Answer{}, err
	}
	res, err := s.users.read(sent)
	if err != nil {
		return Answer{}, err
	}
	return s.changeUser(ctx, c, req, func(now directory.Provisioned) (directory.Provisioned, error) { return provision(res, now.Active) })
}

func (s *Service) patchUser(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	sent, err := req.object()
	if err != nil {
		return Answer{}, err
	}
	ops, err := readPatch(sent)
	if err != nil {
		return Answer{}, err
	}
	return s.changeUser(ctx, c, req, func(now directory.Provisioned) (directory.Provisioned, error) {
		res, err := objectOf(&now)
		if err != nil {
			return now, err
		}
		for i := range ops { // a transaction may run more than once, and what is set becomes part of the resource
			ops[i].value = clone(ops[i].value)
		}
		if err = s.users.patch(res, ops); err != nil {
			return now, err
		}
		return provision(res, now.Active)
	})
}

// changeUser lets edit work on a person, and says in the audit log what became of it.
func (s *Service) changeUser(ctx context.Context, c grant.Caller, req Body, edit func(directory.Provisioned) (directory.Provisioned, error)) (Answer, error) {
	before, after, err := s.people.Reprovision(ctx, req.ID, edit)
	if err != nil {
		return Answer{}, told(err)
	}
	var said []string
	if before.Active != after.Active {
		said = append(said, map[bool]string{true: "activated", false: "deactivated"}[after.Active])
	}
	if before.UserName != after.UserName {
		said = append(said, "userName "+before.UserName+" → "+after.UserName)
	}
	if before.Address != after.Address {
		said = append(said, before.Address+" → "+after.Address)
	}
	if len(said) == 0 && before.Updated != after.Updated {
		said = append(said, "attributes")
	}
	if len(said) > 0 {
		if err := s.record(ctx, c, "scim.user.update", after.ID, after.Address, strings.Join(said, ", ")); err != nil {
			return Answer{}, err
		}
	}
	return s.showUser(ctx, &after, req.Attrs, req.Except)
}

func (s *Service) deleteUser(ctx context.Context, c grant.Caller, req One) (rpc.None, error) {
	before, err := s.people.Deprovision(ctx, req.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if err := s.record(ctx, c, "scim.user.delete", before.ID, before.Address, before.UserName); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, rpc.Nothing()
}
