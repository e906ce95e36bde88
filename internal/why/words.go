package why

import (
	"fmt"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// teller puts an explanation into words that an administrator can act on.
type teller struct {
	p          *directory.Person
	who        string
	datasource string
	e          *directory.Explanation
}

// reasons lists what keeps the person out, the decisive things first. Someone who sees the document has none.
func (t *teller) reasons() []Reason {
	list := []Reason{}
	if t.e.Sees {
		return list
	}
	list = append(list, t.states()...)
	if len(t.e.Ways) > 0 {
		return list
	}
	n := t.e.Names
	if n == (directory.Names{}) {
		return append(list, Reason{
			Code: CodeNoPermissions, Words: "The document has no permissions, so nobody sees it.",
			Mend: "Its connector has to send them, with the document or by updatepermissions.",
		})
	}
	list = append(list, t.identities()...)
	list = append(list, t.near()...)
	list = append(list, t.groups()...)
	return append(list, t.users()...)
}

// states are what keeps the person from the whole datasource.
func (t *teller) states() (list []Reason) {
	if t.e.Inactive {
		list = append(list, Reason{
			Code: CodePersonInactive, Words: t.who + " is not active, and sees nothing at all.",
			Mend: "Look under People and roles who says so: the console, user provisioning, or an employee record that has ended.",
		})
	}
	if t.e.Hidden {
		list = append(list, Reason{
			Code: CodeHidden, Words: "The datasource " + t.datasource + " is hidden: nobody finds anything in it.",
			Mend: "Make it visible on its page.",
		})
	}
	if t.e.NotTester {
		list = append(list, Reason{
			Code: CodeNotTester, Words: "The datasource " + t.datasource + " is in test, and " + t.who + " is not among its testers.",
			Mend: "Its connector adds testers with betausers. Without testers, or once it is no test datasource any more, the permissions alone decide.",
		})
	}
	return list
}

// identities are what is wrong between the person and the datasource's users.
func (t *teller) identities() (list []Reason) {
	source := t.e.IdentitySource
	if len(t.e.Identities) == 0 {
		r := Reason{Code: CodeNoIdentity, Mend: "Its connector has to send " + t.who + " with indexuser, under one of these addresses."}
		r.Words = fmt.Sprintf("%s knows no user with an address of %s (%s), so no permission there reaches them.", source, t.who, listed(t.e.Addresses))
		if len(t.e.Addresses) == 0 {
			r.Words, r.Mend = t.who+" holds no address any more, so no permission reaches them.", ""
		}
		if t.e.IdentitySource != t.datasource {
			r.Words += " " + t.datasource + " takes its users and groups from " + source + "."
		}
		list = append(list, r)
	}
	sound := false
	for _, u := range t.e.Identities {
		sound = sound || u.State == directory.Sound
	}
	for _, u := range t.e.Identities {
		if r, wrong := t.identity(u); wrong && !sound {
			list = append(list, r)
		}
	}
	return list
}

func (t *teller) identity(u directory.KnownUser) (Reason, bool) {
	switch u.State {
	case directory.Inactive:
		return Reason{
			Code: CodeIdentityInactive, Words: fmt.Sprintf("%s says that its user %s is not active.", t.e.IdentitySource, userText(u)),
			Mend: "Where that is wrong, its connector has to send the user again as active.",
		}, true
	case directory.EarlierHolder:
		return Reason{
			Code: CodeEarlierHolder, Words: fmt.Sprintf("%s sent its user %s while somebody else held this address, so the user counts as theirs.", t.e.IdentitySource, userText(u)),
			Mend: "Where the user is " + t.who + " now, its connector has to send it again with indexuser.",
		}, true
	}
	return Reason{}, false
}

// near are ways that are almost there.
func (t *teller) near() (list []Reason) {
	for _, w := range t.e.Near {
		if w.Reader == directory.ReaderIntersection {
			list = append(list, t.intersection(&w))
			continue
		}
		if missing := unknownOn(w.Chain); len(missing) > 0 {
			list = append(list, Reason{
				Code:  CodeUnknownGroup,
				Words: fmt.Sprintf("%s would be in %s, which the document names, but %s has no group %s.", t.who, w.Name, t.e.IdentitySource, listed(missing)),
				Mend:  "Its connector has to send " + plural(len(missing), "this group", "these groups") + " with indexgroup; the memberships are there already.",
				Chain: t.chain(w.Chain),
			})
		}
	}
	return list
}

func (t *teller) intersection(w *directory.Way) Reason {
	var lacks, unknown []string
	for _, p := range w.Parts {
		switch {
		case !p.Known:
			unknown = append(unknown, p.Group)
		case len(p.Chain) == 0 || unknownOn(p.Chain) != nil:
			lacks = append(lacks, p.Group)
		}
	}
	r := Reason{Code: CodeLacksGroup, Words: "The document is open to those who are in all of " + listed(partNames(w.Parts)) + "."}
	if len(lacks) > 0 {
		r.Words += fmt.Sprintf(" %s is not in %s.", t.who, listed(lacks))
		r.Mend = "Add " + t.who + " there, if that is meant, with indexmembership."
	}
	if len(unknown) > 0 {
		r.Words += fmt.Sprintf(" %s has no group %s.", t.e.IdentitySource, listed(unknown))
		r.Mend = strings.TrimSpace(r.Mend + " Its connector has to send the missing " + plural(len(unknown), "group", "groups") + " with indexgroup.")
	}
	if len(lacks)+len(unknown) == 0 {
		r.Words += " " + t.who + " has no active user to be in them with."
	}
	return r
}

// groups speak of named groups that the person is not in.
func (t *teller) groups() (list []Reason) {
	near := map[string]bool{}
	for _, w := range t.e.Near {
		near[w.Name] = true
	}
	var unknown, others []string
	for _, g := range t.e.Groups {
		switch {
		case near[g.Name]: // said already
		case g.Known:
			others = append(others, g.Name)
		default:
			unknown = append(unknown, g.Name)
		}
	}
	if len(unknown) > 0 {
		list = append(list, Reason{
			Code:  CodeUnknownGroup,
			Words: fmt.Sprintf("The document names the %s %s, which %s does not have.", plural(len(unknown), "group", "groups"), listed(unknown), t.e.IdentitySource),
			Mend:  "Its connector has to send " + plural(len(unknown), "it", "them") + " with indexgroup, or the document with the right name.",
		})
	}
	if len(others) > 0 {
		r := Reason{Code: CodeNotMember, Words: fmt.Sprintf("%s is not in %s, which the document names.", t.who, listed(others))}
		if more := t.e.Names.Groups - len(t.e.Groups); more > 0 {
			r.Words = fmt.Sprintf("%s is in none of the %d groups that the document names, among them %s.", t.who, t.e.Names.Groups, listed(others))
		}
		r.Mend = "Add " + t.member() + " to one of them with indexmembership, or to a group that is in it."
		list = append(list, r)
	}
	return list
}

// member is the person as memberships of the datasource name users.
func (t *teller) member() string {
	for _, u := range t.e.Identities {
		if u.State == directory.Sound && t.e.ByEmail {
			return u.Email
		}
		if u.State == directory.Sound {
			return "the user " + u.UserID
		}
	}
	return t.who
}

// users speak of named users who are not the person, or not known to be.
func (t *teller) users() (list []Reason) {
	source, others := t.e.IdentitySource, 0
	for _, u := range t.e.Users {
		switch {
		case u.Own && !u.Known:
			list = append(list, Reason{
				Code: CodeUnknownUser, Words: fmt.Sprintf("The document names %s, which is an address of %s, but %s has no user with it.", u.Name, t.who, source),
				Mend: "Permissions reach users alone: its connector has to send this one with indexuser.",
			})
		case u.Alike:
			list = append(list, Reason{
				Code: CodeOtherAddress, Words: fmt.Sprintf("The document names the user %s, who looks like %s but has an address that is not one of theirs.", userText(u.User), t.who),
				Mend: "Where they are one person, the connector has to send the user with an address of " + t.who + ": " + listed(t.e.Addresses) + ".",
			})
		case !u.Known:
			list = append(list, Reason{
				Code: CodeUnknownUser, Words: fmt.Sprintf("The document names the user %s, whom %s does not know.", u.Name, source),
				Mend: "Where this is " + t.who + ", its connector has to send the user with indexuser, or name the right one.",
			})
		default:
			others++
		}
	}
	if others > 0 {
		list = append(list, Reason{
			Code: CodeOtherUsers, Words: fmt.Sprintf("The document names %s, and %s is not among them.", counted(t.e.Names.Users, "user"), t.who),
			Mend: "Share the document with " + t.who + " where it comes from; its connector then sends it.",
		})
	}
	return list
}

// chain puts the person before a chain and names its places.
func (t *teller) chain(list []directory.Step) []Step {
	steps := []Step{{Kind: "person", Name: t.who}}
	for _, s := range list {
		step := Step{Kind: "group", Name: s.Group}
		if s.Group == "" {
			step = Step{Kind: "user", Name: userText(s.User)}
		}
		switch s.Flaw {
		case directory.Inactive:
			step.Broken = "not active"
		case directory.EarlierHolder:
			step.Broken = "of an earlier holder of the address"
		case directory.UnknownGroup:
			step.Broken = "no such group"
		}
		steps = append(steps, step)
	}
	return steps
}

func unknownOn(chain []directory.Step) (list []string) {
	for _, s := range chain {
		if s.Flaw == directory.UnknownGroup {
			list = append(list, s.Group)
		}
	}
	return list
}

func partNames(parts []directory.Part) (list []string) {
	for _, p := range parts {
		list = append(list, p.Group)
	}
	return list
}

// userText is a user of a datasource by id and address, once where they are one.
func userText(u directory.KnownUser) string {
	if u.UserID == u.Email {
		return u.Email
	}
	return u.UserID + " (" + u.Email + ")"
}

// mostListed bounds a list within a sentence.
const mostListed = 6

// listed is "a", "a and b", "a, b and c", "a, b, c, d, e, f and 3 more".
func listed(names []string) string {
	if more := len(names) - mostListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), more)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func counted(n int, noun string) string { return fmt.Sprintf("%d %s", n, plural(n, noun, noun+"s")) }
