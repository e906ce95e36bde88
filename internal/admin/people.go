package admin

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// User is a person with their role.
type User struct {
	ID        string   `json:"id"`
	Email     string   `json:"email"`
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Active    bool     `json:"active"`
	Sources   []string `json:"sources"` // who says that the person is here: console, scim, employee, sso
	CreatedAt int64    `json:"createdAt"`
}

// UserOf returns p as the admin API and the command line print it.
func UserOf(p *directory.Person) User {
	u := User{ID: p.ID, Email: p.Email, Name: p.Name, Role: p.Role.String(), Active: p.Active, Sources: []string{}, CreatedAt: p.Created / 1e6}
	for _, a := range p.Sources {
		u.Sources = append(u.Sources, string(a.Source))
	}
	return u
}

// ListUsersRequest chooses people: all of them, or those with names or addresses that begin with the words of q.
type ListUsersRequest struct {
	Q      string `query:"q" json:"-"`
	Offset int    `query:"offset" json:"-"`
	Limit  int    `query:"limit" json:"-"`
}

// Users is a page of people.
type Users struct {
	Users []User `json:"users"`
	Total int    `json:"total"`
}

// maxUsers bounds a page of people, and is its size where none is asked for.
const maxUsers = 1000

func (s *Service) listUsers(ctx context.Context, c grant.Caller, req ListUsersRequest) (Users, error) {
	if req.Limit < 0 || req.Limit > maxUsers || req.Offset < 0 {
		return Users{}, fault.Newf(fault.Invalid, "limit is 1 to %d, offset 0 or more.", maxUsers).WithField("limit")
	}
	if req.Limit == 0 {
		req.Limit = maxUsers
	}
	page, err := s.authority.ListPeople(ctx, c, directory.Query{Words: req.Q, All: true, Offset: req.Offset, Limit: req.Limit})
	if err != nil {
		return Users{}, err
	}
	list := Users{make([]User, 0, len(page.People)), page.Total}
	for _, p := range page.People {
		list.Users = append(list.Users, UserOf(p))
	}
	return list, nil
}

// NewUser asks for a person.
type NewUser struct {
	Email string `json:"email"`
	Name  string `json:"name,omitzero"`
	Role  string `json:"role"`
}

func (s *Service) addUser(ctx context.Context, c grant.Caller, req NewUser) (User, error) {
	role, err := parseRole(req.Role)
	if err != nil {
		return User{}, err
	}
	p, err := s.authority.AddPerson(ctx, c, directory.NewPerson{Email: req.Email, Name: req.Name, Role: role})
	if err != nil {
		return User{}, err
	}
	return UserOf(p), nil
}

func parseRole(name string) (grant.Role, error) {
	role, ok := grant.ParseRole(name)
	if !ok {
		return 0, fault.New(fault.Invalid, "role is SUPER_ADMIN, ADMIN, API_TOKEN_CREATOR or MEMBER.").WithField("role")
	}
	return role, nil
}

// ByUser names a person by id or address.
type ByUser struct {
	User string `path:"user" json:"-"`
}

func (s *Service) getUser(ctx context.Context, c grant.Caller, req ByUser) (User, error) {
	p, err := s.authority.Person(ctx, c, req.User)
	if err != nil {
		return User{}, err
	}
	return UserOf(p), nil
}

// ChangeUserRequest changes what it names.
type ChangeUserRequest struct {
	User   string  `path:"user" json:"-"`
	Role   *string `json:"role,omitzero"`
	Active *bool   `json:"active,omitzero"`
}

func (s *Service) changeUser(ctx context.Context, c grant.Caller, req ChangeUserRequest) (User, error) {
	patch := directory.Patch{Active: req.Active}
	if req.Role != nil {
		role, err := parseRole(*req.Role)
		if err != nil {
			return User{}, err
		}
		patch.Role = &role
	}
	p, err := s.authority.UpdatePerson(ctx, c, req.User, patch)
	if err != nil {
		return User{}, err
	}
	return UserOf(p), nil
}

// Link is a way to sign in, once.
type Link struct {
	URL       string `json:"url"`
	Code      string `json:"code"`
	ExpiresAt int64  `json:"expiresAt"`
}

func (s *Service) invite(ctx context.Context, c grant.Caller, req ByUser) (Link, error) {
	link, err := s.authority.CreateLink(ctx, c, req.User)
	if err != nil {
		return Link{}, err
	}
	return Link{link.URL, link.Code.Reveal(), link.Expires.Unix()}, nil
}
