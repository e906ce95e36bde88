// Package console is the web UI: the search page at "/" for everyone who is signed in, and the
// administrators' console at "/admin/".
//
// Its one idea is that a page has no powers of its own. It calls the services that the APIs call,
// as the person who looks at it, and every refusal comes from there; what a page leaves out for a
// role is left out for clarity. Pages are rendered here from templates, work without script, and
// load nothing from elsewhere.
//
// Package cmd/sheaf mounts it.
package console

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Config says what a Console is made of. All services are needed.
type Config struct {
	// PublicURL is how people and programs reach this server: "https://search.example.com".
	PublicURL   string
	Authority   Authority
	People      People
	Datasources Datasources
	Audit       AuditLog
	Search      Searcher
	Why         Explainer
	SignOn      SignOn
	OAuth       OAuthSettings
	// Proxies are those whose X-Forwarded-For is believed, for the audit log.
	Proxies rpc.Proxies
	// Log takes one line a page. Nil discards.
	Log *slog.Logger
	// Now is the clock of the pages. Nil is time.Now.
	Now func() time.Time
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	cfg    Config
	log    *slog.Logger
	assets assets
	pages  map[string]*template.Template
}

// New reads the templates and assets. An error means that the binary was built wrong.
func New(cfg Config) (*Console, error) {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	c := &Console{cfg: cfg, log: cfg.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if c.pages, err = parseTemplates(c.assets); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Console) now() time.Time {
	if c.cfg.Now != nil {
		return c.cfg.Now()
	}
	return time.Now()
}

// Authority is what the pages need of *authority.Authority: sessions, tokens, and changes of people.
// It checks who may do what.
type Authority interface {
	SessionFrom(r *http.Request) (authority.Visit, error)
	CheckForm(r *http.Request, v authority.Visit, token string) error
	SignIn(r *http.Request, code string) (authority.Visit, *http.Cookie, error)
	LinksOff(ctx context.Context) bool
	EndSession(ctx context.Context, c grant.Caller) error
	ClearedCookie() *http.Cookie

	Tokens(ctx context.Context, c grant.Caller) ([]authority.Token, error)
	Token(ctx context.Context, c grant.Caller, id string) (authority.Token, error)
	CreateToken(ctx context.Context, c grant.Caller, n authority.NewToken) (authority.Token, authority.Secret, error)
	RevokeToken(ctx context.Context, c grant.Caller, id string) error

	IndexingTokens(ctx context.Context, c grant.Caller) ([]authority.IndexingToken, error)
	IndexingToken(ctx context.Context, c grant.Caller, id string) (authority.IndexingToken, error)
	CreateIndexingToken(ctx context.Context, c grant.Caller, n authority.NewIndexingToken) (authority.IndexingToken, authority.Secret, error)
	RevokeIndexingToken(ctx context.Context, c grant.Caller, id string) error

	Provisioning

	ListPeople(ctx context.Context, c grant.Caller, q directory.Query) (directory.Page, error)
	Person(ctx context.Context, c grant.Caller, text string) (*directory.Person, error)
	AddPerson(ctx context.Context, c grant.Caller, n directory.NewPerson) (*directory.Person, error)
	UpdatePerson(ctx context.Context, c grant.Caller, text string, patch directory.Patch) (*directory.Person, error)
	CreateLink(ctx context.Context, c grant.Caller, text string) (authority.Link, error)
	Presences(ctx context.Context, c grant.Caller, ids []string) (map[string]authority.Presence, error)
}

// People names who is signed in. *directory.Directory is one.
type People interface {
	Roster(ctx context.Context) (*directory.Roster, error)
}

// Patterns lists what Handler serves, in the form of http.ServeMux. Every other path belongs to the APIs.
func Patterns() []string {
	return []string{"/{$}", "/suggest", "/viewed", "/help", "/admin", "/admin/", "/signin", "/signin/", "/signout", "/theme", "/assets/"}
}

// Addresses that several pages name.
const (
	pathTokens      = "/admin/platform/tokens"
	pathIndexing    = "/admin/platform/indexing-tokens"
	pathPeople      = "/admin/people"
	pathDatasources = "/admin/datasources"
	pathOAuth       = "/admin/platform/oauth"
	pathAudit       = "/admin/audit"
	pathWhy         = "/admin/why"
)

// Handler serves Patterns.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/assets/", c.assets)
	open := func(pattern string, h func(*visit) error) { mux.Handle(pattern, c.open(pattern, h)) }
	member := func(pattern string, h func(*visit) error) { mux.Handle(pattern, c.signedIn(pattern, h)) }
	creator := func(pattern string, h func(*visit) error) {
		mux.Handle(pattern, c.forRole(grant.RoleTokenCreator, pattern, h))
	}
	admin := func(pattern string, h func(*visit) error) {
		mux.Handle(pattern, c.forRole(grant.RoleAdmin, pattern, h))
	}

	open("GET /signin", c.signInPage)
	open("POST /signin", c.signIn)
	open("GET /signin/{provider}", c.beginSignOn)
	open("GET /signin/callback/{provider}", c.endSignOn)
	open("/signin/", func(*visit) error { return errNoPage })
	member("POST /signout", c.signOut)
	member("POST /theme", (*visit).setTheme)
	member("GET /{$}", c.search)
	member("GET /suggest", c.suggest)
	member("POST /viewed", c.viewed)
	member("GET /help", c.help)

	creator("GET /admin/{$}", func(v *visit) error { return v.redirect(pathTokens) })
	creator("GET /admin/setup/tokens", c.oldTokens)
	creator("GET /admin/platform/tokenManagement", c.oldTokens)
	creator("GET "+pathTokens, c.tokens)
	creator("POST "+pathTokens, c.createToken)
	creator("GET "+pathTokens+"/new", c.newToken)
	creator("GET "+pathTokens+"/{id}/revoke", c.askRevoke)
	creator("POST "+pathTokens+"/{id}/revoke", c.revoke)

	admin("GET "+pathIndexing, c.indexing)
	admin("POST "+pathIndexing, c.createIndexing)
	admin("GET "+pathIndexing+"/new", c.newIndexing)
	admin("GET "+pathIndexing+"/{id}/revoke", c.askRevokeIndexing)
	admin("POST "+pathIndexing+"/{id}/revoke", c.revokeIndexing)

	admin("GET "+pathOAuth, c.oauthPage)
	admin("POST "+pathOAuth, c.setOAuth)
	admin("GET "+pathOAuth+"/new", c.newProvider)
	admin("POST "+pathOAuth+"/test", c.testToken)
	admin("POST "+pathOAuth+"/providers", c.saveProvider)
	admin("GET "+pathOAuth+"/providers/{name}", c.editProvider)
	admin("POST "+pathOAuth+"/providers/{name}", c.saveProvider)
	admin("GET "+pathOAuth+"/providers/{name}/remove", c.askRemoveProvider)
	admin("POST "+pathOAuth+"/providers/{name}/remove", c.removeProvider)

	c.provisioningPages(mux)

	admin("GET "+pathPeople, c.people)
	admin("POST "+pathPeople, c.addPerson)
	admin("GET "+pathPeople+"/new", c.newPerson)
	admin("GET "+pathPeople+"/{id}/role", c.askRole)
	admin("POST "+pathPeople+"/{id}/role", c.setRole)
	admin("GET "+pathPeople+"/{id}/{verb}", c.askActive)
	admin("POST "+pathPeople+"/{id}/{verb}", c.setActive)
	admin("POST "+pathPeople+"/{id}/signin-link", c.signInLink)

	admin("GET "+pathDatasources, c.datasources)
	admin("GET "+pathDatasources+"/{name}", c.datasource)
	admin("POST "+pathDatasources+"/{name}", c.setDatasource)
	admin("POST "+pathDatasources+"/{name}/testers", c.setTesters)
	admin("POST "+pathDatasources+"/{name}/uploads/{id}/{verb}", c.settleRemoval)

	admin("GET "+pathAudit, c.auditPage)
	admin("GET "+pathWhy, c.why)

	creator("/admin/", func(*visit) error { return errNoPage })
	mux.Handle("/admin", http.RedirectHandler("/admin/", http.StatusSeeOther))
	return mux
}
