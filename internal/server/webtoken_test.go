package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

type webToken struct {
	Token   string `json:"token"`
	Expires int64  `json:"expirationTime"`
}

func newWebToken(t *testing.T, s *sheaftest.Server, with string, headers ...string) webToken {
	t.Helper()
	var made webToken
	s.Must("POST", "/rest/api/v1/createauthtoken", with, nil, headers...).Decode(&made)
	return made
}

// TestWebTokenSearchesAndNothingElse holds what a token in a web page opens: search as its person, by their permissions.
func TestWebTokenSearchesAndNothingElse(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	person := s.Company.Admin // whose role must not come along
	_, global := s.Token(authority.Global, "")
	for about, made := range map[string]webToken{
		"of a USER token":   newWebToken(t, s, s.As(person)),
		"of a GLOBAL token": newWebToken(t, s, global, "X-Scio-ActAs", person),
	} {
		if end := time.Unix(made.Expires, 0); time.Until(end) < 119*time.Minute || time.Until(end) > 2*time.Hour {
			t.Errorf("%s: ends at %v, want in two hours", about, end)
		}
		mine, theirs := searchAll(t, s, s.As(person), ""), searchAll(t, s, made.Token, "")
		slices.Sort(mine)
		slices.Sort(theirs)
		if !slices.Equal(mine, theirs) || len(mine) == 0 {
			t.Errorf("%s: finds %d documents, the person %d", about, len(theirs), len(mine))
		}
		for _, op := range s.Operations() {
			path := wildcard.ReplaceAllString(op.Path, "x")
			a := s.Do(op.Method, path, made.Token, `{"query":"x"}`)
			opened := a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden
			switch {
			case op.Bare:
			case op.Scope != grant.Search && opened:
				t.Errorf("%s: opens %s %s: %d", about, op.Method, op.Path, a.Status)
			case op.Path == "/rest/api/v1/createauthtoken" && a.Status != http.StatusForbidden:
				t.Errorf("%s: makes another token: %d %s", about, a.Status, a.Body)
			case op.Path == "/rest/api/v1/adminsearch" && op.Built && a.Status != http.StatusForbidden:
				t.Errorf("%s: searches past permissions: %d %s", about, a.Status, a.Body)
			}
		}
		if a := s.Do("POST", "/rest/api/v1/search", made.Token, `{"query":""}`, "X-Glean-ActAs", person); a.Status != http.StatusBadRequest {
			t.Errorf("%s: with ActAs %d, want 400", about, a.Status)
		}
		if a := s.Do("POST", "/rest/api/v1/search", made.Token, `{"query":""}`, "X-Glean-Auth-Type", "OAUTH"); a.Status != http.StatusUnauthorized {
			t.Errorf("%s: typed as OAuth %d, want 401", about, a.Status)
		}
	}
}

// TestWebTokenEnds holds everything that ends one: its time, its parent's end, its person's, and any changed character.
func TestWebTokenEnds(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	s := sheaftest.Open(t, func(cfg *server.Config) { cfg.Now = func() time.Time { return clock }; cfg.WebTokenLife = time.Hour })
	ada := s.Person("ada@quillmere.example", grant.RoleMember)
	host := s.Authority.Maintenance()
	works := func(token string) bool {
		return s.Do("POST", "/rest/api/v1/search", token, `{"query":""}`).Status == http.StatusOK
	}
	parent, secret := s.Token(authority.User, ada.Email, grant.Search)
	made := newWebToken(t, s, secret)
	if !works(made.Token) {
		t.Fatal("a new web token does not work")
	}
	for i := range len(made.Token) {
		c := byte('A')
		if made.Token[i] == c {
			c = 'B'
		}
		if works(made.Token[:i] + string(c) + made.Token[i+1:]) {
			t.Errorf("works with character %d changed", i)
		}
	}
	clock = clock.Add(time.Hour)
	if works(made.Token) {
		t.Error("works after its hour")
	}
	made = newWebToken(t, s, secret)
	if _, err := s.Authority.UpdatePerson(t.Context(), host, ada.ID, patch(new(false))); err != nil {
		t.Fatal(err)
	}
	if works(made.Token) {
		t.Error("works for somebody who is not active")
	}
	if _, err := s.Authority.UpdatePerson(t.Context(), host, ada.ID, patch(new(true))); err != nil {
		t.Fatal(err)
	}
	if works(made.Token) {
		t.Error("comes back to life with its person")
	}
	made = newWebToken(t, s, secret)
	if err := s.Authority.RevokeToken(t.Context(), host, parent.ID); err != nil {
		t.Fatal(err)
	}
	if works(made.Token) {
		t.Error("works after its parent was revoked")
	}
	_, short, err := s.Authority.CreateToken(t.Context(), host, authority.NewToken{
		Description: "ends soon", Permission: authority.User, User: ada.Email, Scopes: grant.AllScopes, Expires: clock.Add(10 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	if made = newWebToken(t, s, short.Reveal()); made.Expires > clock.Add(10*time.Minute).Unix() {
		t.Error("outlives its parent")
	}
}

func TestWebTokensAreForPeople(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	ada := s.Person("ada@quillmere.example", grant.RoleMember)
	_, anonymous := s.Token(authority.Anonymous, "", grant.Search)
	_, other := s.Token(authority.User, ada.Email, grant.People)
	for about, token := range map[string]string{"an ANONYMOUS token": anonymous, "a token without SEARCH": other} {
		if a := s.Do("POST", "/rest/api/v1/createauthtoken", token, nil); a.Status != http.StatusForbidden {
			t.Errorf("%s makes a web token: %d %s", about, a.Status, a.Body)
		}
	}
	a := s.Must("POST", "/rest/api/v1/checkdatasourceauth", s.As(ada.Email), nil)
	if strings.TrimSpace(a.Body) != `{"unauthorizedDatasourceInstances":[]}` {
		t.Errorf("checkdatasourceauth = %s, want an empty list", a.Body)
	}
}
