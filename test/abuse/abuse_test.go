//go:build abuse

// Package abuse sends the real server what strangers send: broken, huge, nested and endless bodies, headers without
// end, connections that never ask. Each must be answered with a clear 4xx or shed, must show nothing of the inside,
// and must not keep the others waiting. It runs in .ci/run, behind the build tag abuse.
package abuse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/test/live"
)

const (
	admin      = "warden@abuse.example"
	other      = "visitor@abuse.example"
	searchMax  = 1 << 20
	indexMax   = 64 << 20
	headersMax = 32 << 10
)

// inside is what no answer may show: code, paths, queries of the database, or the names of libraries.
var inside = regexp.MustCompile(`(?i)goroutine|panic|runtime error|\.go:\d|/home/|/root/|/tmp/|sqlite|postgres|pgx|SELECT .* FROM|jsontext|go-json|net/http`)

// target is one server with the credentials that the requests below carry, so that they get past the lock.
type target struct {
	*live.Server
	user, intake, global string
	session              *live.Caller
}

func start(t *testing.T) *target {
	t.Helper()
	s := &target{Server: live.Start(t, t.TempDir()+"/data")}
	s.CLI(t, "user", "add", "--email", admin, "--role", "SUPER_ADMIN")
	s.CLI(t, "user", "add", "--email", other, "--role", "MEMBER")
	s.user = s.Secret(t, "token", "create", "--permission", "USER", "--user", admin, "--scopes", "ALL", "--description", "abuse user")
	s.global = s.Secret(t, "token", "create", "--permission", "GLOBAL", "--scopes", "ALL", "--description", "abuse global")
	s.intake = s.Secret(t, "indexing-token", "create", "--description", "abuse intake")
	s.session = s.SignIn(t, admin)
	in := s.Bearer(s.intake, "")
	in.Must(t, http.MethodPost, "/api/index/v1/adddatasource", map[string]any{
		"name": "abusenotes", "displayName": "Abuse notes", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "^https://abuse\\.example/.*$",
	})
	var docs []map[string]any
	for i := range 30 {
		docs = append(docs, map[string]any{
			"datasource": "abusenotes", "objectType": "Note", "id": fmt.Sprint("n", i), "viewURL": fmt.Sprint("https://abuse.example/", i),
			"title": fmt.Sprint("Note ", i), "body": map[string]any{"mimeType": "text/plain", "textContent": "a quiet harbour"},
			"permissions": map[string]any{"allowAnonymousAccess": true},
		})
	}
	in.Must(t, http.MethodPost, "/api/index/v1/indexdocuments", map[string]any{"datasource": "abusenotes", "documents": docs})
	live.Eventually(t, 5*time.Second, func() error {
		hits, err := live.SearchAll(t.Context(), s.Bearer(s.user, ""), "harbour")
		if err == nil && len(hits) != 30 {
			err = fmt.Errorf("%d hits, want 30", len(hits))
		}
		return err
	})
	return s
}

// refused wants an answer of the 4xx family that shows nothing of the inside.
func refused(t *testing.T, a live.Answer, err error, want ...int) {
	t.Helper()
	if err != nil {
		t.Errorf("no answer: %v", err)
		return
	}
	if a.Status < 400 || a.Status > 499 || (len(want) > 0 && !slices.Contains(want, a.Status)) {
		t.Errorf("status = %d %.200s, want one of %v", a.Status, a.Body, want)
	}
	if found := inside.Find(a.Body); found != nil {
		t.Errorf("the answer shows %q: %.300s", found, a.Body)
	}
	if len(a.Body) > 4096 {
		t.Errorf("the answer has %d bytes, more than a message needs", len(a.Body))
	}
}

func TestBodies(t *testing.T) {
	s := start(t)
	const (
		search = "/rest/api/v1/search"
		doc    = "/api/index/v1/indexdocument"
		tokens = "/api/admin/v1/tokens"
	)
	user, intake := s.Bearer(s.user, ""), s.Bearer(s.intake, "")
	for _, c := range []struct {
		name, path, body string
		caller           *live.Caller
		want             []int
	}{
		{"nothing at all", search, "", user, []int{400}},
		{"cut off", search, `{"query":`, user, []int{400}},
		{"two values", search, `{"query":"a"} {"query":"b"}`, user, []int{400}},
		{"text after the end", search, `{"query":"a"}x`, user, []int{400}},
		{"a list", search, `[]`, user, []int{400}},
		{"a string", search, `"query"`, user, []int{400}},
		{"query is a number", search, `{"query":7}`, user, []int{400}},
		{"query is an object", search, `{"query":{}}`, user, []int{400}},
		{"pageSize is a string", search, `{"query":"a","pageSize":"10"}`, user, []int{400}},
		{"pageSize is a fraction", search, `{"query":"a","pageSize":1.5}`, user, []int{400}},
		{"pageSize overflows", search, `{"query":"a","pageSize":99999999999999999999}`, user, []int{400}},
		{"the same key twice", search, `{"query":"a","query":"b"}`, user, []int{400}},
		{"the same unknown key twice", search, `{"query":"a","zzz":1,"zzz":2}`, user, []int{400}},
		{"bytes that are not UTF-8", search, "{\"query\":\"\xff\xfe\"}", user, []int{400}},
		{"a lone surrogate", search, `{"query":"\ud800"}`, user, []int{400}},
		{"nested without end", search, `{"query":"a","x":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`, user, []int{400}},
		{"a cursor that was never made", search, `{"query":"harbour","cursor":"AAAA"}`, user, []int{400}},
		{"an endless cursor", search, `{"query":"harbour","cursor":"` + strings.Repeat("A", 500_000) + `"}`, user, []int{400}},
		{"a document that is a list", doc, `{"document":[]}`, intake, []int{400}},
		{"no document", doc, `{}`, intake, []int{400}},
		{"an unknown datasource", doc, `{"document":{"datasource":"nowhere","id":"1","viewURL":"https://abuse.example/1"}}`, intake, []int{400}},
		{"NUL in an id", doc, `{"document":{"datasource":"abusenotes","objectType":"Note","id":"a\u0000b","viewURL":"https://abuse.example/1"}}`, intake, []int{400}},
		{"an id without end", doc, `{"document":{"datasource":"abusenotes","objectType":"Note","id":"` + strings.Repeat("i", 5000) + `","viewURL":"https://abuse.example/1"}}`, intake, []int{400}},
		{"a token of unknown permission", tokens, `{"description":"x","permission":"ROOT","scopes":["SEARCH"]}`, s.session, []int{400}},
		{"a token with an unknown key", tokens, `{"description":"x","permission":"USER","userEmail":"` + admin + `","scopes":["SEARCH"],"role":"SUPER_ADMIN"}`, s.session, []int{400}},
		{"a token with a key in another case", tokens, `{"description":"x","Permission":"USER","userEmail":"` + admin + `","scopes":["SEARCH"]}`, s.session, []int{400}},
		{"a token with no scope", tokens, `{"description":"x","permission":"USER","userEmail":"` + admin + `","scopes":[]}`, s.session, []int{400}},
		{"a token that expired before it was made", tokens, `{"description":"x","permission":"USER","userEmail":"` + admin + `","scopes":["SEARCH"],"expiresAt":1}`, s.session, []int{400}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := c.caller.Do(t.Context(), http.MethodPost, c.path, []byte(c.body))
			refused(t, a, err, c.want...)
		})
	}

	t.Run("extremes are bounded", func(t *testing.T) {
		for _, body := range []string{
			`{"query":"harbour","pageSize":2147483647}`, `{"query":"harbour","pageSize":-1}`, `{"query":"harbour","maxSnippetSize":-5}`,
			`{"query":"harbour","requestOptions":{"facetBucketSize":2147483647}}`,
			`{"query":"` + strings.Repeat("harbour ", 100_000) + `"}`, `{"query":"` + strings.Repeat("(", 100_000) + `"}`, `{"query":"` + strings.Repeat(`\"`, 100_000) + `"}`,
		} {
			begin := time.Now()
			a, err := user.Do(t.Context(), http.MethodPost, search, []byte(body))
			if err != nil || (a.Status != http.StatusOK && (a.Status < 400 || a.Status > 499)) {
				t.Errorf("search %.60s = %d %.200s, %v; want 200 or 4xx", body, a.Status, a.Body, err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("search %.60s took %v", body, took)
			}
		}
	})

	t.Run("a cursor belongs to its caller and its query", func(t *testing.T) {
		var page struct {
			Cursor string `json:"cursor"`
		}
		s.Bearer(s.global, admin).Must(t, http.MethodPost, search, map[string]any{"query": "harbour", "pageSize": 5}).Decode(t, &page)
		if page.Cursor == "" {
			t.Fatal("30 hits in pages of 5, and no cursor")
		}
		use := func(c *live.Caller, query, cursor string) (live.Answer, error) {
			return c.Do(t.Context(), http.MethodPost, search, map[string]any{"query": query, "pageSize": 5, "cursor": cursor})
		}
		if a, err := use(s.Bearer(s.global, admin), "harbour", page.Cursor); err != nil || a.Status != http.StatusOK {
			t.Errorf("its own cursor = %d %s, %v; want 200", a.Status, a.Body, err)
		}
		a, err := use(s.Bearer(s.global, other), "harbour", page.Cursor)
		refused(t, a, err, 400)
		a, err = use(s.Bearer(s.global, admin), "quiet", page.Cursor)
		refused(t, a, err, 400)
		a, err = use(s.Bearer(s.global, admin), "harbour", page.Cursor[:len(page.Cursor)-2])
		refused(t, a, err, 400)
	})
	stillServed(t, s)
}

func TestSizes(t *testing.T) {
	s := start(t)
	filler := func(n int) string { return strings.Repeat("a", n) }

	t.Run("a search body over its limit", func(t *testing.T) {
		a := s.send(t, "/rest/api/v1/search", s.user, `{"query":"a","x":"`+filler(searchMax)+`"}`, false)
		refused(t, a, nil, 413)
	})
	t.Run("the same without a declared length", func(t *testing.T) {
		a := s.send(t, "/rest/api/v1/search", s.user, `{"query":"a","x":"`+filler(searchMax)+`"}`, true)
		refused(t, a, nil, 413)
	})
	t.Run("a search body just under its limit", func(t *testing.T) {
		a := s.send(t, "/rest/api/v1/search", s.user, `{"query":"harbour","x":"`+filler(searchMax-100)+`"}`, false)
		if a.Status != http.StatusOK {
			t.Errorf("status = %d %.200s, want 200", a.Status, a.Body)
		}
	})
	t.Run("an indexing body over its limit", func(t *testing.T) {
		a := s.send(t, "/api/index/v1/indexdocuments", s.intake, `{"datasource":"abusenotes","documents":[],"x":"`+filler(indexMax)+`"}`, true)
		refused(t, a, nil, 413)
	})
	t.Run("a large body without a right to send one", func(t *testing.T) {
		a := s.send(t, "/api/index/v1/indexdocuments", "shf_i_unknown", filler(indexMax), false)
		refused(t, a, nil, 401)
	})
	t.Run("headers over their limit", func(t *testing.T) {
		for name, head := range map[string]string{
			"one long":  "X-Filler: " + filler(2*headersMax) + "\r\n",
			"many":      strings.Repeat("X-Filler: "+filler(100)+"\r\n", 2*headersMax/100),
			"long path": "",
		} {
			path := "/rest/api/v1/search"
			if head == "" {
				path += "?q=" + filler(2*headersMax)
			}
			a := s.raw(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.user+"\r\nContent-Length: 2\r\n"+head+"\r\n{}")
			if a.Status != 431 && a.Status != 414 {
				t.Errorf("%s: status = %d %.200s, want 431", name, a.Status, a.Body)
			}
		}
	})
	t.Run("a gzip bomb", func(t *testing.T) {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		_, _ = io.WriteString(z, `{"query":"a","x":"`)
		for range 1024 {
			_, _ = z.Write(bytes.Repeat([]byte("a"), 1<<20))
		}
		_, _ = io.WriteString(z, `"}`)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		for path, token := range map[string]string{"/rest/api/v1/search": s.user, "/api/index/v1/indexdocuments": s.intake} {
			a := s.raw(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s",
				path, token, bomb.Len(), bomb.String()))
			refused(t, a, nil, 400, 413, 415)
		}
	})
	t.Run("requests that disagree with themselves", func(t *testing.T) {
		head := "POST /rest/api/v1/search HTTP/1.1\r\nAuthorization: Bearer " + s.user + "\r\n"
		for name, request := range map[string]string{
			"no host":             head + "Content-Length: 2\r\n\r\n{}",
			"two lengths":         head + "Host: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
			"a broken chunk":      head + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
			"a negative length":   head + "Host: x\r\nContent-Length: -1\r\n\r\n",
			"no protocol":         "POST /rest/api/v1/search\r\n\r\n",
			"another protocol":    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
			"two Authorizations":  head + "Host: x\r\nAuthorization: Bearer " + s.user + "\r\nContent-Length: 2\r\n\r\n{}",
			"a path that climbs":  "POST /rest/api/v1/../../../etc/passwd HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.user + "\r\nContent-Length: 2\r\n\r\n{}",
			"a path in escapes":   "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET where POST goes": "GET /rest/api/v1/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.user + "\r\n\r\n",
			"a made-up method":    "GIMME /rest/api/v1/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.user + "\r\n\r\n",
			"a control character": head + "Host: x\r\nX-Glean-ActAs: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
		} {
			t.Run(name, func(t *testing.T) {
				a := s.raw(t, request)
				if a.Status >= 300 && a.Status <= 399 {
					return // to the same path, written properly
				}
				refused(t, a, nil)
			})
		}
	})
	stillServed(t, s)
	if peak := s.peakMemory(t); peak > 512<<20 {
		t.Errorf("the server took %d MiB at its peak, want at most 512: some body was held or unpacked as a whole", peak>>20)
	}
}

// TestConnections opens 300 connections that never finish asking, and some that never finish sending, and wants the
// others served under a second all the while, and the idle ones shed.
func TestConnections(t *testing.T) {
	s := start(t)
	const halfOpen, slowBody = 300, 50
	begin := time.Now()
	shed := make(chan error, halfOpen)
	for i := range halfOpen {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		t.Cleanup(func() { conn.Close() })
		if i%3 != 0 {
			// A third says nothing at all; the rest begins, and goes on too slowly.
			_, _ = io.WriteString(conn, "POST /rest/api/v1/search HTTP/1.1\r\nHost: x\r\n")
		}
		if i%3 == 2 {
			go func() {
				for range 600 {
					time.Sleep(200 * time.Millisecond)
					if _, err := io.WriteString(conn, "X"); err != nil {
						return
					}
				}
			}()
		}
		go func() {
			_ = conn.SetReadDeadline(begin.Add(time.Minute))
			_, err := io.Copy(io.Discard, conn)
			var timeout net.Error
			if !asTimeout(err, &timeout) {
				err = nil
			}
			shed <- err
		}()
	}
	for range slowBody {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "POST /rest/api/v1/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.user+"\r\nContent-Length: 1000\r\n\r\n{")
	}

	var slowest time.Duration
	for range 100 {
		one := time.Now()
		s.Bearer(s.user, "").Must(t, http.MethodPost, "/rest/api/v1/search", map[string]any{"query": "harbour"})
		slowest = max(slowest, time.Since(one))
	}
	if slowest > time.Second {
		t.Errorf("the slowest of 100 searches took %v beside %d half-open connections, want under a second", slowest, halfOpen)
	}
	for range halfOpen {
		if err := <-shed; err != nil {
			t.Fatalf("a connection that never asked was still open after a minute: %v", err)
		}
	}
	t.Logf("slowest of 100 searches %v; all %d half-open connections shed after %v", slowest, halfOpen, time.Since(begin).Round(time.Millisecond))
	stillServed(t, s)
}

func asTimeout(err error, target *net.Error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // a deadline comes unwrapped from a connection
	*target = timeout
	return ok && timeout.Timeout()
}

// stillServed wants the server alive and right after what it was sent.
func stillServed(t *testing.T, s *target) {
	t.Helper()
	if s.Ended() {
		t.Fatalf("the server ended:\n%s", s.Log())
	}
	hits, err := live.SearchAll(t.Context(), s.Bearer(s.user, ""), "harbour")
	if err != nil || len(hits) != 30 {
		t.Errorf("afterwards a search finds %d documents, %v; want 30", len(hits), err)
	}
	if log := s.Log(); strings.Contains(log, "goroutine ") {
		t.Errorf("the log holds a stack, so something panicked:\n%s", log)
	}
}

// send posts a body over a connection of its own. The server may answer, and close, before it has read everything.
func (s *target) send(t *testing.T, path, token, body string, chunked bool) live.Answer {
	t.Helper()
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n", path, token)
	if !chunked {
		return s.raw(t, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body))
	}
	return s.raw(t, fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body))
}

// raw sends bytes as they are and reads the first answer. The reading goes on beside the sending, as a careful client
// does it; a connection that is shed without a word counts as status 444, which refused accepts as a 4xx.
func (s *target) raw(t *testing.T, request string) live.Answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, request) }()
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		if timeout := net.Error(nil); asTimeout(err, &timeout) {
			t.Errorf("no answer within 20 s to %.80q", request)
		}
		return live.Answer{Status: 444}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return live.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

// peakMemory is the most that the server has held in memory so far.
func (s *target) peakMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		t.Fatalf("read the memory of the server: %v", err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kb, _ := strconv.Atoi(string(m[1]))
	return kb << 10
}
