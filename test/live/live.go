// Package live runs the real sheaf binary as a process of its own, for the tests that kill it, trace it or send it
// nonsense. It knows the server only from outside: its command line, its HTTP APIs and its signals. Tests under test/
// may use it, nothing else; it imports no package of the server.
package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one running sheaf. It is killed when the test ends, if the test has not ended it.
type Server struct {
	URL  string // http://127.0.0.1:port
	Addr string // 127.0.0.1:port
	Data string // the data directory

	binary  string
	options []string // further flags of every command
	cmd     *exec.Cmd
	log     string
	ended   chan struct{} // closed once the process is gone
}

// Binary is the sheaf that SHEAF_BIN names. A test that was asked for by its build tag must not pass without one.
func Binary(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv("SHEAF_BIN")
	if path == "" {
		tb.Fatal("SHEAF_BIN must name the sheaf binary, as .ci/run does")
	}
	return path
}

// cleanEnv is this process's environment without any setting of sheaf's own.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "SHEAF_") {
			env = append(env, kv)
		}
	}
	return env
}

// Launch starts a server on the data directory and returns at once, without waiting until it answers. options are flags
// that every command understands, such as --database.
func Launch(tb testing.TB, data string, options ...string) *Server {
	tb.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("find a free port: %v", err)
	}
	addr := probe.Addr().String()
	probe.Close()

	s := &Server{
		URL: "http://" + addr, Addr: addr, Data: data, binary: Binary(tb), options: options,
		log: filepath.Join(tb.TempDir(), "server.log"), ended: make(chan struct{}),
	}
	log, err := os.Create(s.log)
	if err != nil {
		tb.Fatalf("create the log: %v", err)
	}
	s.cmd = exec.Command(s.binary, append([]string{"serve", "--listen", addr, "--data", data}, options...)...)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = cleanEnv(), log, log
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", s.binary, err)
	}
	go func() {
		_ = s.cmd.Wait()
		log.Close()
		close(s.ended)
	}()
	tb.Cleanup(s.Kill)
	return s
}

// Start starts a server on the data directory, as Launch does, and returns once it is ready.
func Start(tb testing.TB, data string, options ...string) *Server {
	tb.Helper()
	s := Launch(tb, data, options...)
	deadline := time.Now().Add(60 * time.Second)
	for {
		resp, err := http.Get(s.URL + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case <-s.ended:
			tb.Fatalf("the server ended while starting:\n%s", s.Log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the server was not ready after a minute:\n%s", s.Log())
		}
	}
}

// PID is the process id of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Ended reports whether the process is gone.
func (s *Server) Ended() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Kill ends the process with SIGKILL and waits until it is gone. It does nothing to one that has ended.
func (s *Server) Kill() {
	if !s.Ended() {
		_ = s.cmd.Process.Kill()
	}
	<-s.ended
}

// Stop ends the server with SIGTERM and fails the test unless it ends well within 15 seconds.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		tb.Fatalf("the server did not end within 15 s of SIGTERM:\n%s", s.Log())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		tb.Fatalf("the server ended with %d after SIGTERM:\n%s", code, s.Log())
	}
}

// Log is the end of what the server has written so far.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log)
	return string(b[max(0, len(b)-8000):])
}

// CLI runs a verb of the command line on the data directory and decodes the one object that --json prints.
func (s *Server) CLI(tb testing.TB, args ...string) map[string]any {
	tb.Helper()
	cmd := exec.Command(s.binary, slices.Concat(args, []string{"--data", s.Data, "--json"}, s.options)...)
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = cleanEnv(), &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("sheaf %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	var object map[string]any
	if err := json.Unmarshal(out, &object); err != nil {
		tb.Fatalf("sheaf %s printed %q: %v", strings.Join(args, " "), out, err)
	}
	return object
}

// Secret is CLI for verbs that make a credential; it returns the secret.
func (s *Server) Secret(tb testing.TB, args ...string) string {
	tb.Helper()
	secret, _ := s.CLI(tb, args...)["secret"].(string)
	if secret == "" {
		tb.Fatalf("sheaf %s printed no secret", strings.Join(args, " "))
	}
	return secret
}

// Answer is what came back, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK reports a status of 200 or 201.
func (a Answer) OK() bool { return a.Status == http.StatusOK || a.Status == http.StatusCreated }

// Decode reads a JSON answer into v and fails the test where it cannot.
func (a Answer) Decode(tb testing.TB, v any) {
	tb.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		tb.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
}

// Caller sends requests with a fixed set of headers.
type Caller struct {
	url    string
	header http.Header
	client *http.Client
}

// Bearer returns a Caller with that token, acting as the person where actAs is not empty.
func (s *Server) Bearer(token, actAs string) *Caller {
	h := http.Header{"Authorization": {"Bearer " + token}}
	if actAs != "" {
		h.Set("X-Glean-ActAs", actAs)
	}
	return &Caller{url: s.URL, header: h, client: &http.Client{Timeout: 30 * time.Second}}
}

// Do sends body, as JSON unless it is nil or a []byte, and returns once the answer has been read to its end. An error
// means that no whole answer came: the server may or may not have done it.
func (c *Caller) Do(ctx context.Context, method, path string, body any) (Answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return Answer{}, err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, reader)
	if err != nil {
		return Answer{}, err
	}
	req.Header = c.header.Clone()
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: raw}, nil
}

// Must is Do for a request that has to succeed.
func (c *Caller) Must(tb testing.TB, method, path string, body any) Answer {
	tb.Helper()
	a, err := c.Do(tb.Context(), method, path, body)
	if err != nil {
		tb.Fatalf("%s %s: %v", method, path, err)
	}
	if !a.OK() {
		tb.Fatalf("%s %s = %d %s, want success", method, path, a.Status, a.Body)
	}
	return a
}

// SignIn signs the person in with a single-use code and returns a Caller of
// the admin API.
func (s *Server) SignIn(tb testing.TB, email string) *Caller {
	tb.Helper()
	code := s.CLI(tb, "signin", "--email", email)["code"]
	a := (&Caller{url: s.URL, header: http.Header{}, client: http.DefaultClient}).Must(tb, http.MethodPost, "/api/admin/v1/session", map[string]any{"code": code})
	var session struct {
		CSRFToken string `json:"csrfToken"`
	}
	a.Decode(tb, &session)
	if session.CSRFToken == "" {
		tb.Fatalf("POST session = %s, want a csrfToken", a.Body)
	}
	var cookies []string
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return &Caller{
		url:    s.URL,
		header: http.Header{"Cookie": {strings.Join(cookies, "; ")}, "X-Csrf-Token": {session.CSRFToken}},
		client: &http.Client{Timeout: 30 * time.Second},
	}
}

// At returns the same Caller towards another run of the server.
func (c *Caller) At(s *Server) *Caller {
	return &Caller{url: s.URL, header: c.header, client: c.client}
}

// Eventually repeats check until it returns nil, and fails the test with its last words after that long.
func Eventually(tb testing.TB, within time.Duration, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("not within %v: %v", within, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Hit is one search result, as far as these tests look at it.
type Hit struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// SearchAll reads every page of a query and returns the hits in order.
func SearchAll(ctx context.Context, c *Caller, query string) ([]Hit, error) {
	var all []Hit
	body := map[string]any{"query": query, "pageSize": 100}
	for {
		a, err := c.Do(ctx, http.MethodPost, "/rest/api/v1/search", body)
		if err != nil {
			return nil, err
		}
		if a.Status != http.StatusOK {
			return nil, fmt.Errorf("search %q = %d %s", query, a.Status, a.Body)
		}
		var page struct {
			Results        []Hit  `json:"results"`
			Cursor         string `json:"cursor"`
			HasMoreResults bool   `json:"hasMoreResults"`
		}
		if err := json.Unmarshal(a.Body, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Results...)
		switch {
		case !page.HasMoreResults:
			return all, nil
		case page.Cursor == "" || len(page.Results) == 0:
			return nil, errors.New("a page says that there are more results, and shows no way to them")
		}
		body["cursor"] = page.Cursor
	}
}
