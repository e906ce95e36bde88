// Package sheaftest is a whole server for tests: the real wiring on a database in memory, reached without a network.
//
// Tests of any package may use it. It makes tokens for any person and scope by the same service as the console.
package sheaftest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/demo/load"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// Now is the moment at which the sample company stands in tests.
func Now() time.Time { return time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC) }

// Server is a server under test. Its methods fail the test when they fail.
type Server struct {
	*server.Server
	Company *demo.Sample // nil on an empty server

	tb     testing.TB
	now    func() time.Time
	tokens map[string]string
}

// Open returns an empty server with one Super Admin, admin@localhost. It ends with the test.
func Open(tb testing.TB, change ...func(*server.Config)) *Server {
	tb.Helper()
	cfg := server.Config{Database: sqldbtest.File(tb), NoSync: true, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	s, err := server.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	clock := cfg.Now
	if clock == nil {
		clock = time.Now
	}
	return &Server{Server: s, tb: tb, now: clock, tokens: map[string]string{}}
}

// Demo returns a server with the sample company as it stands at Now.
func Demo(tb testing.TB, change ...func(*server.Config)) *Server {
	tb.Helper()
	company, err := demo.Company(Now())
	if err != nil {
		tb.Fatal(err)
	}
	s := Open(tb, append([]func(*server.Config){func(cfg *server.Config) { cfg.AdminEmail = company.Admin }}, change...)...)
	s.Company = company
	if err := load.Into(tb.Context(), s.People, s.Corpus, s.Authority.Maintenance(), company); err != nil {
		tb.Fatal(err)
	}
	s.CatchUp()
	return s
}

// CatchUp returns once everything written so far can be found.
func (s *Server) CatchUp() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), 10*time.Second)
	defer cancel()
	if err := s.Indexer.CatchUp(ctx); err != nil {
		s.tb.Fatalf("the index does not catch up: %v", err)
	}
}

// Person adds an active person with a role.
func (s *Server) Person(email string, role grant.Role) *directory.Person {
	s.tb.Helper()
	p, err := s.Authority.AddPerson(s.tb.Context(), s.Authority.Maintenance(), directory.NewPerson{Email: email, Role: role})
	if err != nil {
		s.tb.Fatal(err)
	}
	return p
}

// Token makes a client token without end and returns it with its secret. No scopes means all of them.
func (s *Server) Token(permission authority.Permission, user string, scopes ...grant.Scope) (authority.Token, string) {
	s.tb.Helper()
	set := grant.ScopesOf(scopes...)
	if set == 0 {
		set = grant.AllScopes
	}
	t, secret, err := s.Authority.CreateToken(s.tb.Context(), s.Authority.Maintenance(), authority.NewToken{
		Description: "test", Permission: permission, User: user, Scopes: set,
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return t, secret.Reveal()
}

// As returns the secret of a USER token of a person with every scope, the same one each time.
func (s *Server) As(email string) string {
	s.tb.Helper()
	if s.tokens[email] == "" {
		_, s.tokens[email] = s.Token(authority.User, email)
	}
	return s.tokens[email]
}

// Indexing returns the secret of an indexing token over every datasource.
func (s *Server) Indexing() string {
	s.tb.Helper()
	_, secret, err := s.Authority.CreateIndexingToken(s.tb.Context(), s.Authority.Maintenance(), authority.NewIndexingToken{
		Description: "test", Expires: s.now().Add(time.Hour),
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return secret.Reveal()
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string

	tb testing.TB
}

// Do sends one request with a bearer token, or none where it is "". body is sent as it is when it is text, else as
// JSON; nil sends none. Headers are names and values in turn.
func (s *Server) Do(method, path, token string, body any, headers ...string) Answer {
	s.tb.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	case io.Reader:
		reader = body
	default:
		text, err := json.Marshal(body)
		if err != nil {
			s.tb.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(s.tb.Context(), method, path, reader)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		if strings.EqualFold(headers[i], "Content-Type") {
			r.Header.Del("Content-Type")
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return Answer{w.Code, w.Header(), w.Body.String(), s.tb}
}

// Must sends a request as Do does and fails the test unless the answer is 200.
func (s *Server) Must(method, path, token string, body any, headers ...string) Answer {
	s.tb.Helper()
	a := s.Do(method, path, token, body, headers...)
	if a.Status != http.StatusOK {
		s.tb.Fatalf("%s %s = %d %s, want 200", method, path, a.Status, a.Body)
	}
	return a
}

// Decode reads the answer's JSON into v.
func (a Answer) Decode(v any) {
	a.tb.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		a.tb.Fatalf("decode %s: %v", a.Body, err)
	}
}
