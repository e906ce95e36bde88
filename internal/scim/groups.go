package scim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// maxListed bounds the members in one list of groups. A page that has more of them ends early.
const maxListed = 100_000

// group returns what the directory is told of a group.
func group(res object) (g directory.ProvisionedGroup, err error) {
	if g.Name, _ = res["displayName"].(string); g.Name == "" {
		return g, wrong(invalidValue, "A group needs a displayName.")
	}
	g.ExternalID, _ = res["externalId"].(string)
	if members, ok := res["members"].(roll); ok {
		g.Members = slices.Collect(maps.Keys(members))
		return g, nil
	}
	g.Members, err = memberIDs(res["members"])
	return g, err
}

// objectOfGroup is the resource that a group is, without what the server sets.
func objectOfGroup(g *directory.ProvisionedGroup) object {
	res := object{"displayName": g.Name}
	if g.ExternalID != "" {
		res["externalId"] = g.ExternalID
	}
	members := make([]any, len(g.Members))
	for i, id := range g.Members {
		members[i] = object{"value": id}
	}
	if len(members) > 0 {
		res["members"] = members
	}
	return res
}

// wholeGroup adds what the server sets.
func (s *Service) wholeGroup(g *directory.ProvisionedGroup) object {
	res := objectOfGroup(g)
	res["schemas"], res["id"], res["meta"] = []any{groupURN}, g.ID, s.meta(s.groups, g.ID, g.Created, g.Updated)
	return res
}

func (s *Service) showGroup(ctx context.Context, g *directory.ProvisionedGroup, c choice) (object, error) {
	res := s.wholeGroup(g)
	if c.wants("members") && len(g.Members) > 0 {
		roster, err := s.people.Roster(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range res["members"].([]any) {
			member := v.(object)
			id := member["value"].(string)
			member["type"], member["$ref"] = "User", s.base+s.users.path+"/"+id
			if p, known := roster.ByID(id); known {
				member["display"] = p.Name
			}
		}
	}
	return c.cut(res), nil
}

func (s *Service) listGroups(ctx context.Context, _ grant.Caller, req List) (Answer, error) {
	offset, count, err := req.page()
	if err != nil {
		return Answer{}, err
	}
	var key directory.ProvisionKey
	var keep func(*directory.ProvisionedGroup) (bool, error)
	if strings.TrimSpace(req.Filter) != "" {
		f, err := parseFilter(s.groups, req.Filter)
		if err != nil {
			return Answer{}, err
		}
		var whole bool
		if key, whole = f.key("displayName"); !whole {
			if n := f.mentions("members"); n > 1 || n == 1 && key.Member == "" {
				return Answer{}, wrong(invalidFilter, `Groups are found by one member: members.value eq "id", joined to the rest by and.`)
			}
			keep = func(g *directory.ProvisionedGroup) (bool, error) {
				some := *g
				if key.Member != "" {
					some.Members = []string{key.Member}
				}
				return f.match(s.wholeGroup(&some)), nil
			}
		}
	}
	groups, total, err := s.people.ProvisionedGroups(ctx, key, keep, offset, count)
	if err != nil {
		return Answer{}, err
	}
	c := s.groups.choose(req.Attrs, req.Except)
	list := make([]any, 0, len(groups))
	members := 0
	for i := range groups {
		g := &groups[i]
		if c.wants("members") {
			if members += g.Size; members > maxListed && i > 0 {
				break
			}
			if *g, err = s.people.ProvisionedGroup(ctx, g.ID, true); err != nil {
				return Answer{}, err
			}
		}
		res, err := s.showGroup(ctx, g, c)
		if err != nil {
			return Answer{}, err
		}
		list = append(list, res)
	}
	return listAnswer(list, total, offset), nil
}

func (s *Service) getGroup(ctx context.Context, _ grant.Caller, req One) (Answer, error) {
	c := s.groups.choose(req.Attrs, req.Except)
	g, err := s.people.ProvisionedGroup(ctx, req.ID, c.wants("members"))
	if err != nil {
		return Answer{}, err
	}
	res, err := s.showGroup(ctx, &g, c)
	return Answer{fields: res}, err
}

func (s *Service) answerGroup(ctx context.Context, g *directory.ProvisionedGroup, only, except string) (Answer, error) {
	res, err := s.showGroup(ctx, g, s.groups.choose(only, except))
	return Answer{fields: res}, err
}

func (s *Service) createGroup(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	g, err := s.readGroup(req)
	if err != nil {
		return Answer{}, err
	}
	if g, err = s.people.ProvisionGroup(ctx, g); err != nil {
		return Answer{}, told(err)
	}
	if err = s.record(ctx, c, "scim.group.create", g.ID, g.Name, fmt.Sprintf("members: %d", g.Size)); err != nil {
		return Answer{}, err
	}
	res, err := s.showGroup(ctx, &g, s.groups.choose(req.Attrs, req.Except))
	return Answer{fields: res, made: s.base + s.groups.path + "/" + g.ID}, err
}

func (s *Service) readGroup(req Body) (directory.ProvisionedGroup, error) {
	sent, err := req.object()
	if err != nil {
		return directory.ProvisionedGroup{}, err
	}
	res, err := s.groups.read(sent)
	if err != nil {
		return directory.ProvisionedGroup{}, err
	}
	return group(res)
}

func (s *Service) replaceGroup(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	g, err := s.readGroup(req)
	if err != nil {
		return Answer{}, err
	}
	after, err := s.changeGroup(ctx, c, req.ID, func(directory.ProvisionedGroup) (directory.ProvisionedGroup, error) { return g, nil })
	if err != nil {
		return Answer{}, err
	}
	return s.answerGroup(ctx, &after, req.Attrs, req.Except)
}

// patchGroup answers with nothing unless attributes are asked for: providers add members to large groups a few at a time.
func (s *Service) patchGroup(ctx context.Context, c grant.Caller, req Body) (Answer, error) {
	sent, err := req.object()
	if err != nil {
		return Answer{}, err
	}
	ops, err := readPatch(sent)
	if err != nil {
		return Answer{}, err
	}
	after, err := s.changeGroup(ctx, c, req.ID, func(now directory.ProvisionedGroup) (directory.ProvisionedGroup, error) {
		res := objectOfGroup(&directory.ProvisionedGroup{Name: now.Name, ExternalID: now.ExternalID})
		res["members"] = rollOf(now.Members)
		if err := s.groups.patch(res, ops); err != nil {
			return now, err
		}
		return group(res)
	})
	switch {
	case err != nil:
		return Answer{}, err
	case req.Attrs == "":
		return Answer{}, rpc.Nothing()
	}
	return s.answerGroup(ctx, &after, req.Attrs, req.Except)
}

// changeGroup lets edit work on a group, and says in the audit log what became of it and of the roles that it gives.
func (s *Service) changeGroup(ctx context.Context, c grant.Caller, id string, edit func(directory.ProvisionedGroup) (directory.ProvisionedGroup, error)) (directory.ProvisionedGroup, error) {
	before, after, changes, err := s.people.ReprovisionGroup(ctx, id, edit)
	if err != nil || before.Updated == after.Updated {
		return after, told(err)
	}
	said := fmt.Sprintf("members: %d → %d", before.Size, after.Size)
	if before.Name != after.Name {
		said = before.Name + " → " + after.Name + ", " + said
	}
	if after.Role > grant.RoleMember {
		said += ", role " + after.Role.String()
	}
	if err := s.record(ctx, c, "scim.group.update", after.ID, after.Name, said); err != nil {
		return after, err
	}
	return after, s.recordRoles(ctx, c, after.Name, changes)
}

// recordRoles puts into the audit log whose role a change of a group changed.
func (s *Service) recordRoles(ctx context.Context, c grant.Caller, group string, changes []directory.RoleChange) error {
	for _, r := range changes {
		if err := s.record(ctx, c, "user.update", r.ID, r.Email, r.Words(group)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) deleteGroup(ctx context.Context, c grant.Caller, req One) (rpc.None, error) {
	before, changes, err := s.people.DeprovisionGroup(ctx, req.ID)
	if err != nil {
		return rpc.None{}, err
	}
	said := fmt.Sprintf("members: %d", before.Size)
	if before.Role > grant.RoleMember {
		said += ", role " + before.Role.String()
	}
	if err := s.record(ctx, c, "scim.group.delete", before.ID, before.Name, said); err != nil {
		return rpc.None{}, err
	}
	if err := s.recordRoles(ctx, c, before.Name, changes); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, rpc.Nothing()
}
