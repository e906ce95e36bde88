package admin

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// provisioning lists the operations about user provisioning. They are for Super Admins.
func (s *Service) provisioning() []rpc.Operation {
	return []rpc.Operation{
		rpc.JSON("GET /api/admin/v1/scim-tokens", "Lists SCIM tokens.", s.listSCIM),
		rpc.JSON("POST /api/admin/v1/scim-tokens", "Makes a SCIM token for an identity provider; its secret is in this answer alone.", s.createSCIM),
		rpc.JSON("GET /api/admin/v1/scim-tokens/{id}", "Reads a SCIM token.", s.getSCIM),
		rpc.JSON("DELETE /api/admin/v1/scim-tokens/{id}", "Revokes a SCIM token.", s.revokeSCIM),
		rpc.JSON("GET /api/admin/v1/groups", "Lists the groups that an identity provider provisions.", s.listGroups),
		rpc.JSON("PATCH /api/admin/v1/groups/{id}", "Gives the members of a provisioned group a role.", s.changeGroup),
	}
}

// SCIMToken is a SCIM token. Times are Unix seconds, absent where there is none.
type SCIMToken struct {
	ID string `json:"id"`
	// Secret is in the answer that made the token, and nowhere else.
	Secret      string `json:"secret,omitzero"`
	Mask        string `json:"mask"`
	Description string `json:"description"`
	CreatedBy   string `json:"createdBy"`
	CreatedAt   int64  `json:"createdAt"`
	ExpiresAt   int64  `json:"expiresAt,omitzero"`
	LastUsedAt  int64  `json:"lastUsedAt,omitzero"`
	RevokedAt   int64  `json:"revokedAt,omitzero"`
	RevokedBy   string `json:"revokedBy,omitzero"`
	State       string `json:"state"`
}

// SCIMTokenOf returns t as the admin API and the command line print it.
func SCIMTokenOf(t authority.SCIMToken, secret string) SCIMToken {
	return SCIMToken{
		ID: t.ID, Secret: secret, Mask: t.Mask, Description: t.Description, CreatedBy: partyName(t.MadeBy), CreatedAt: unix(t.Created),
		ExpiresAt: unix(t.Expires), LastUsedAt: unix(t.LastUsed), RevokedAt: unix(t.Revoked), RevokedBy: partyName(t.RevokedBy), State: string(t.State),
	}
}

// SCIMTokens is a list of SCIM tokens.
type SCIMTokens struct {
	Tokens []SCIMToken `json:"tokens"`
}

// SCIMTokensOf returns tokens as the admin API and the command line list them.
func SCIMTokensOf(tokens []authority.SCIMToken) SCIMTokens {
	list := SCIMTokens{make([]SCIMToken, 0, len(tokens))}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, SCIMTokenOf(t, ""))
	}
	return list
}

// NewSCIMToken asks for a SCIM token.
type NewSCIMToken struct {
	Description string `json:"description"`
	ExpiresAt   int64  `json:"expiresAt,omitzero"`
}

func (s *Service) listSCIM(ctx context.Context, c grant.Caller, _ rpc.None) (SCIMTokens, error) {
	tokens, err := s.authority.SCIMTokens(ctx, c)
	if err != nil {
		return SCIMTokens{}, err
	}
	return SCIMTokensOf(tokens), nil
}

func (s *Service) createSCIM(ctx context.Context, c grant.Caller, req NewSCIMToken) (SCIMToken, error) {
	t, secret, err := s.authority.CreateSCIMToken(ctx, c, authority.NewSCIMToken{Description: req.Description, Expires: moment(req.ExpiresAt)})
	if err != nil {
		return SCIMToken{}, err
	}
	return SCIMTokenOf(t, secret.Reveal()), nil
}

func (s *Service) getSCIM(ctx context.Context, c grant.Caller, req ByID) (SCIMToken, error) {
	t, err := s.authority.SCIMToken(ctx, c, req.ID)
	if err != nil {
		return SCIMToken{}, err
	}
	return SCIMTokenOf(t, ""), nil
}

func (s *Service) revokeSCIM(ctx context.Context, c grant.Caller, req ByID) (SCIMToken, error) {
	if err := s.authority.RevokeSCIMToken(ctx, c, req.ID); err != nil {
		return SCIMToken{}, err
	}
	return s.getSCIM(ctx, c, req)
}

// Group is a group that an identity provider provisions. Role is what its members get by it, MEMBER for nothing.
type Group struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	ExternalID string `json:"externalId,omitzero"`
	Members    int    `json:"members"`
	Role       string `json:"role"`
	CreatedAt  int64  `json:"createdAt"`
}

func groupOf(g *directory.ProvisionedGroup) Group {
	return Group{ID: g.ID, Name: g.Name, ExternalID: g.ExternalID, Members: g.Size, Role: g.Role.String(), CreatedAt: g.Created / 1e6}
}

// Groups is a list of groups.
type Groups struct {
	Groups []Group `json:"groups"`
}

func (s *Service) listGroups(ctx context.Context, c grant.Caller, _ rpc.None) (Groups, error) {
	groups, err := s.authority.Groups(ctx, c)
	if err != nil {
		return Groups{}, err
	}
	list := Groups{make([]Group, 0, len(groups))}
	for i := range groups {
		list.Groups = append(list.Groups, groupOf(&groups[i]))
	}
	return list, nil
}

// ChangeGroup gives a group a role.
type ChangeGroup struct {
	ID   string `path:"id" json:"-"`
	Role string `json:"role"`
}

func (s *Service) changeGroup(ctx context.Context, c grant.Caller, req ChangeGroup) (Group, error) {
	role, err := parseRole(req.Role)
	if err != nil {
		return Group{}, err
	}
	g, err := s.authority.SetGroupRole(ctx, c, req.ID, role)
	if err != nil {
		return Group{}, err
	}
	return groupOf(&g), nil
}
