// Package admin is the console over JSON, for automation: tokens, people, provisioning, datasources and the audit log.
//
// It opens to signed-in administrators, by session cookie and CSRF token; no bearer token opens it. It
// has no powers of its own: who may do what is checked by authority and corpus, below it and the console alike.
package admin

import (
	"context"
	"net/http"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// Service is the admin API of one server.
type Service struct {
	authority *authority.Authority
	corpus    *corpus.Corpus
	audit     *audit.Log
	why       Explainer
	uploads   *upload.Removals
	oauth     *oauth.Service
}

// New returns the service over what it administers.
func New(a *authority.Authority, c *corpus.Corpus, l *audit.Log, w Explainer, u *upload.Removals, o *oauth.Service) *Service {
	return &Service{a, c, l, w, u, o}
}

// Room is what a session opens. It serves members too, who may see who they are and sign out.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.AdminScope, grant.Session, append(append(s.whys(), append(s.uploadOperations(), append(s.provisioning(), s.oauths()...)...)...),
		rpc.Bare("POST /api/admin/v1/session", "Signs in with a sign-in code.", s.signIn),
		rpc.JSON("GET /api/admin/v1/session", "Says who is signed in.", s.whoAmI),
		rpc.JSON("DELETE /api/admin/v1/session", "Signs out.", s.signOut),

		rpc.JSON("GET /api/admin/v1/tokens", "Lists client tokens.", s.listTokens),
		rpc.JSON("POST /api/admin/v1/tokens", "Makes a client token; its secret is in this answer alone.", s.createToken),
		rpc.JSON("GET /api/admin/v1/tokens/{id}", "Reads a client token.", s.getToken),
		rpc.JSON("DELETE /api/admin/v1/tokens/{id}", "Revokes a client token.", s.revokeToken),

		rpc.JSON("GET /api/admin/v1/indexing-tokens", "Lists indexing tokens.", s.listIndexing),
		rpc.JSON("POST /api/admin/v1/indexing-tokens", "Makes an indexing token; its secret is in this answer alone.", s.createIndexing),
		rpc.JSON("GET /api/admin/v1/indexing-tokens/{id}", "Reads an indexing token.", s.getIndexing),
		rpc.JSON("DELETE /api/admin/v1/indexing-tokens/{id}", "Revokes an indexing token.", s.revokeIndexing),

		rpc.JSON("GET /api/admin/v1/users", "Lists people.", s.listUsers),
		rpc.JSON("POST /api/admin/v1/users", "Adds a person.", s.addUser),
		rpc.JSON("GET /api/admin/v1/users/{user}", "Reads a person by id or address.", s.getUser),
		rpc.JSON("PATCH /api/admin/v1/users/{user}", "Changes a person's role, or whether they are active.", s.changeUser),
		rpc.JSON("POST /api/admin/v1/users/{user}/signin-link", "Makes a sign-in link for a person.", s.invite),

		rpc.JSON("GET /api/admin/v1/datasources", "Lists datasources.", s.listDatasources),
		rpc.JSON("PATCH /api/admin/v1/datasources/{name}", "Changes who may see a datasource.", s.changeDatasource).Audited(),

		rpc.JSON("GET /api/admin/v1/audit", "Lists the audit log, newest first.", s.listAudit),
	)...)
}

// SessionRequest carries the code of a sign-in link.
type SessionRequest struct {
	Code string `json:"code"`
}

// Session is who is signed in. CSRFToken goes into the header X-CSRF-Token of every request that changes something.
type Session struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Role      string `json:"role"`
	CSRFToken string `json:"csrfToken"`
}

func (s *Service) signIn(w http.ResponseWriter, r *http.Request, req SessionRequest) (Session, error) {
	visit, cookie, err := s.authority.SignIn(r, req.Code)
	if err != nil {
		return Session{}, err
	}
	http.SetCookie(w, cookie)
	return Session{visit.Admin.Person(), visit.Admin.Email(), visit.Admin.Role().String(), visit.CSRF}, nil
}

func (s *Service) whoAmI(_ context.Context, c grant.Caller, _ rpc.None) (Session, error) {
	return Session{c.Person(), c.Email(), c.Role().String(), s.authority.CSRF(c)}, nil
}

func (s *Service) signOut(ctx context.Context, c grant.Caller, _ rpc.None) (rpc.None, error) {
	return rpc.None{}, s.authority.EndSession(ctx, c)
}
