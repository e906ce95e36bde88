package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// admit is an Admitter whose answer is the test's.
type admit func(*http.Request, Family) (grant.Caller, error)

func (a admit) Admit(r *http.Request, f Family) (grant.Caller, error) { return a(r, f) }

func as(kind grant.Kind, scopes ...grant.Scope) admit {
	c := grant.Mint(&grant.Facts{Kind: kind, Scopes: grant.ScopesOf(scopes...), Person: "p1", Email: "ada@quillmere.example", Token: "t1"})
	return func(*http.Request, Family) (grant.Caller, error) { return c, nil }
}

type echoRequest struct {
	Text   string                  `json:"text,omitzero"`
	Count  int                     `json:"count,omitzero"`
	Inner  struct{ Deep []string } `json:"inner,omitzero"`
	Name   string                  `path:"name" json:"-"`
	Locale string                  `query:"locale" json:"-"`
	Stream *bool                   `json:"stream,omitzero"`
}

func (e echoRequest) WantsStream() *bool   { return e.Stream }
func (e echoRequest) AuditSubject() string { return e.Text }

type echoResponse struct {
	Text   string `json:"text"`
	Name   string `json:"name,omitzero"`
	Locale string `json:"locale,omitzero"`
}

func echo(_ context.Context, _ grant.Caller, req echoRequest) (echoResponse, error) {
	switch req.Text {
	case "fail":
		return echoResponse{}, errors.New("disk 7 is on fire")
	case "panic":
		panic("disk 8 is on fire")
	case "gone":
		return echoResponse{}, fault.New(fault.NotFound, "No such thing.")
	case "typed":
		return echoResponse{}, fault.New(fault.Unprocessable, "Bad operator.").WithDetail(map[string]string{"why": "operator"})
	}
	return echoResponse{Text: req.Text, Name: req.Name, Locale: req.Locale}, nil
}

func echoes(ctx context.Context, c grant.Caller, req echoRequest) iter.Seq2[echoResponse, error] {
	return func(yield func(echoResponse, error) bool) {
		for _, word := range strings.Fields(req.Text) {
			resp, err := echo(ctx, c, echoRequest{Text: word})
			if !yield(resp, err) || err != nil {
				return
			}
		}
	}
}

func upload(_ context.Context, _ grant.Caller, req echoRequest, parts iter.Seq2[Part, error]) (echoResponse, error) {
	var b strings.Builder
	for part, err := range parts {
		if err != nil {
			return echoResponse{}, err
		}
		text, err := io.ReadAll(part.Content)
		if err != nil {
			return echoResponse{}, bodyFault(err, "The upload was cut off.")
		}
		b.WriteString(part.Field + "/" + part.Name + "=" + string(text) + ";")
	}
	return echoResponse{Text: b.String(), Name: req.Name}, nil
}

func download(context.Context, grant.Caller, None) (Content, error) {
	return Content{Name: "a b.txt", ContentType: "text/plain", Size: 3, ReadCloser: io.NopCloser(strings.NewReader("abc"))}, nil
}

func testServer(a Admitter, audit func(context.Context, Event) error, log io.Writer) *Server {
	all := grant.User | grant.Global | grant.Anonymous
	return NewServer(Config{
		Admitter: a, Audit: audit, Log: slog.New(slog.NewTextHandler(log, nil)),
		Rooms: []Room{
			Open(grant.Search, all,
				JSON("POST /rest/api/v1/echo", "Echoes.", echo),
				JSON("POST /rest/api/v1/narrow", "For people only.", echo).Only(grant.User),
				JSON("POST /rest/api/v1/change", "Changes.", echo).Audited(),
				JSON("POST /rest/api/v1/void", "Nothing in, nothing out.", func(context.Context, grant.Caller, None) (None, error) { return None{}, nil }),
				JSON("GET /rest/api/v1/things/{name}", "One thing.", echo),
				Lines("POST /rest/api/v1/lines", "Lines.", echoes),
				Events("POST /rest/api/v1/events", "Events.", echoes),
				JSONOrLines("POST /rest/api/v1/either", "Either.", echo, echoes),
				Upload("POST /rest/api/v1/upload", "Upload.", upload).Limit(4096),
				File("GET /rest/api/v1/file", "File.", download),
				JSON("POST /rest/api/v1/small", "Small.", echo).Limit(64),
				JSON("POST /api/platform", "Platform.", echo),
				JSON("POST /api/admin/v1/thing", "Admin.", echo),
				JSON("POST /api/index/v1/thing", "Index.", echo),
				JSON("PUT /rest/api/index/thing/{name}", "Index.", echo),
				Unbuilt("POST", "/rest/api/v1/later"),
			),
		},
	})
}

func do(t *testing.T, h http.Handler, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswers(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	deep := strings.Repeat("[", 20000)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		media, want              string // want is a part of the body
	}{
		{"json", "POST", "/rest/api/v1/echo", `{"text":"hi"}`, nil, 200, "application/json; charset=UTF-8", `{"text":"hi"}`},
		{"query", "POST", "/rest/api/v1/echo?locale=de", `{"text":"hi"}`, nil, 200, "application/json; charset=UTF-8", `"locale":"de"`},
		{"query twice", "POST", "/rest/api/v1/echo?locale=de&locale=fr", `{}`, nil, 400, "text/plain; charset=UTF-8", "more than once"},
		{"path value", "GET", "/rest/api/v1/things/oak", "", nil, 200, "application/json; charset=UTF-8", `"name":"oak"`},
		{"unknown field ignored", "POST", "/rest/api/v1/echo", `{"text":"hi","other":1}`, nil, 200, "", `{"text":"hi"}`},
		{"other key case is another field", "POST", "/rest/api/v1/echo", `{"Text":"hi"}`, nil, 200, "", `{"text":""}`},
		{"void", "POST", "/rest/api/v1/void", "", nil, 200, "", ""},
		{"duplicate key", "POST", "/rest/api/v1/echo", `{"text":"a","text":"b"}`, nil, 400, "", "text is given twice"},
		{"wrong type", "POST", "/rest/api/v1/echo", `{"inner":{"Deep":["a",3]}}`, nil, 400, "", "inner.Deep[1] is not a string"},
		{"out of range", "POST", "/rest/api/v1/echo", `{"count":99999999999999999999}`, nil, 400, "", "count is not a whole number in range"},
		{"broken", "POST", "/rest/api/v1/echo", `{"text":`, nil, 400, "", "not valid JSON at byte"},
		{"trailing", "POST", "/rest/api/v1/echo", `{"text":"a"} {}`, nil, 400, "", "not valid JSON"},
		{"deep", "POST", "/rest/api/v1/echo", `{"inner":{"Deep":` + deep, nil, 400, "", "not valid JSON"},
		{"bad utf-8", "POST", "/rest/api/v1/echo", "{\"text\":\"\xff\"}", nil, 400, "", "not valid JSON"},
		{"list", "POST", "/rest/api/v1/echo", `[]`, nil, 400, "", "not a JSON object"},
		{"null", "POST", "/rest/api/v1/echo", `null`, nil, 400, "", "not a JSON object"},
		{"empty", "POST", "/rest/api/v1/echo", " ", nil, 400, "", "is empty"},
		{"form", "POST", "/rest/api/v1/echo", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "", "Content-Type: application/json"},
		{"too large", "POST", "/rest/api/v1/small", `{"text":"` + strings.Repeat("x", 64) + `"}`, nil, 413, "", "larger than 64 bytes"},
		{"broken gzip", "POST", "/rest/api/v1/echo", "abc", []string{"Content-Encoding", "gzip"}, 400, "", "gzip"},
		{"other encoding", "POST", "/rest/api/v1/echo", "abc", []string{"Content-Encoding", "br"}, 415, "", "gzip or absent"},
		{"internal", "POST", "/rest/api/v1/echo", `{"text":"fail"}`, nil, 500, "text/plain; charset=UTF-8", "Internal error"},
		{"panic", "POST", "/rest/api/v1/echo", `{"text":"panic"}`, nil, 500, "", "Internal error"},
		{"not found", "POST", "/rest/api/v1/echo", `{"text":"gone"}`, nil, 404, "", "No such thing."},
		{"typed", "POST", "/rest/api/v1/echo", `{"text":"typed"}`, nil, 422, "application/json; charset=UTF-8", `{"why":"operator"}`},
		{"problem", "POST", "/api/platform", `{"text":"gone"}`, nil, 404, "application/problem+json", `"code":"resource_not_found"`},
		{"problem of an unknown field", "POST", "/api/platform", `{"texts":"gone"}`, nil, 400, "application/problem+json", `"errors":[{"pointer":"/texts"`},
		{"admin", "POST", "/api/admin/v1/thing", `{"Text":"x"}`, nil, 400, "application/json; charset=UTF-8", `{"error":{"code":"invalid","message":"Unknown field Text.","field":"Text"}}`},
		{"index", "POST", "/api/index/v1/thing", `{"text":"gone"}`, nil, 404, "text/plain; charset=UTF-8", "No such thing."},
		{"newer index", "PUT", "/rest/api/index/thing/a", `{"text":"gone"}`, nil, 404, "application/json; charset=UTF-8", `{"error":"Not Found","message":"No such thing."}`},
		{"unbuilt", "POST", "/rest/api/v1/later", "", nil, 404, "text/plain; charset=UTF-8", "does not have this operation"},
		{"unknown path", "POST", "/rest/api/v1/nothing", "", nil, 404, "text/plain; charset=UTF-8", "nothing at this path"},
		{"unknown platform path", "POST", "/api/nothing", "", nil, 404, "application/problem+json", `"status":404`},
		{"wrong method", "GET", "/rest/api/v1/echo", "", nil, 405, "", "This path takes POST."},
		{"wrong method of a pattern", "POST", "/rest/api/v1/things/oak", "", nil, 405, "", "This path takes GET."},
		{"unclean path", "POST", "/rest/api//v1/echo", `{}`, nil, 404, "", "nothing"},
		{"lines", "POST", "/rest/api/v1/lines", `{"text":"a b"}`, nil, 200, "text/plain; charset=UTF-8", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"},
		{"lines that fail at once", "POST", "/rest/api/v1/lines", `{"text":"gone"}`, nil, 404, "", "No such thing."},
		{"events", "POST", "/rest/api/v1/events", `{"text":"a b"}`, nil, 200, "text/event-stream; charset=UTF-8", "id: 2\nevent: message\ndata: {\"text\":\"b\"}\n\n"},
		{"either, whole", "POST", "/rest/api/v1/either", `{"text":"a b"}`, []string{"Accept", "application/json"}, 200, "application/json; charset=UTF-8", `{"text":"a b"}`},
		{"either, by Accept", "POST", "/rest/api/v1/either", `{"text":"a b"}`, []string{"Accept", "text/plain"}, 200, "text/plain; charset=UTF-8", "{\"text\":\"a\"}\n"},
		{"either, by flag", "POST", "/rest/api/v1/either", `{"text":"a b","stream":true}`, []string{"Accept", "application/json"}, 200, "text/plain; charset=UTF-8", "{\"text\":\"a\"}\n"},
		{"either, flag says no", "POST", "/rest/api/v1/either", `{"text":"a b","stream":false}`, []string{"Accept", "text/plain"}, 200, "application/json; charset=UTF-8", `{"text":"a b"}`},
		{"file", "GET", "/rest/api/v1/file", "", nil, 200, "text/plain", "abc"},
		{"upload without form", "POST", "/rest/api/v1/upload", `{}`, nil, 415, "", "multipart/form-data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := do(t, s, c.method, c.path, c.body, c.headers...)
			got := text(t, resp)
			if resp.StatusCode != c.status || !strings.Contains(got, c.want) || strings.Contains(got, "fire") {
				t.Errorf("%s %s %.80s = %d %q, want %d with %q", c.method, c.path, c.body, resp.StatusCode, got, c.status, c.want)
			}
			if media := resp.Header.Get("Content-Type"); c.media != "" && media != c.media {
				t.Errorf("Content-Type = %q, want %q", media, c.media)
			}
			if resp.Header.Get("X-Request-Id") == "" {
				t.Error("the answer has no X-Request-Id")
			}
		})
	}
}

func TestGzip(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return b.String()
	}
	resp := do(t, s, "POST", "/rest/api/v1/echo", zip(`{"text":"zipped"}`), "Content-Encoding", "gzip")
	if got := text(t, resp); resp.StatusCode != 200 || got != `{"text":"zipped"}` {
		t.Errorf("gzip = %d %q", resp.StatusCode, got)
	}
	bomb := zip(`{"text":"` + strings.Repeat("x", 8<<20) + `"}`)
	resp = do(t, s, "POST", "/rest/api/v1/echo", bomb, "Content-Encoding", "gzip")
	if resp.StatusCode != 413 {
		t.Errorf("a bomb of %d bytes = %d, want 413", len(bomb), resp.StatusCode)
	}
}

// TestSecretsStayOutOfLogs holds that a secret in the wrong place of a body is not written down with what is wrong.
func TestSecretsStayOutOfLogs(t *testing.T) {
	var log bytes.Buffer
	s := testServer(as(grant.User, grant.Search), nil, &log)
	do(t, s, "POST", "/api/admin/v1/thing", `{"shf_l_K30HiPm1mEfEsfHyK1FOrFC8ONP1AATI3LrR4x7aKLc4FE1pd":1}`)
	if text := log.String(); strings.Contains(text, "K30HiPm1") || !strings.Contains(text, "Unknown field shf_l_…") {
		t.Errorf("the log has %q, want the mistake without the secret", text)
	}
}

// TestAdminAnswersAreNotKept holds that no cache keeps what a cookie opens.
func TestAdminAnswersAreNotKept(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	for path, want := range map[string]string{"/api/admin/v1/thing": "no-store", "/rest/api/v1/echo": ""} {
		if got := do(t, s, "POST", path, `{"text":"x"}`).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control = %q, want %q", path, got, want)
		}
	}
}

func TestUpload(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	form := func(size int) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("files", "a.txt")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, strings.Repeat("x", size))
		_ = w.Close()
		return b.String(), w.FormDataContentType()
	}
	body, media := form(3)
	resp := do(t, s, "POST", "/rest/api/v1/upload", body, "Content-Type", media)
	if got := text(t, resp); resp.StatusCode != 200 || got != `{"text":"files/a.txt=xxx;"}` {
		t.Errorf("upload = %d %q", resp.StatusCode, got)
	}
	body, media = form(5000)
	if resp = do(t, s, "POST", "/rest/api/v1/upload", body, "Content-Type", media); resp.StatusCode != 413 {
		t.Errorf("large upload = %d, want 413", resp.StatusCode)
	}
	body, media = form(3)
	if resp = do(t, s, "POST", "/rest/api/v1/upload", body[:len(body)-20], "Content-Type", media); resp.StatusCode != 400 {
		t.Errorf("cut upload = %d, want 400", resp.StatusCode)
	}
}

// reader fails the test when anything reads it.
type reader struct{ t *testing.T }

func (r reader) Read([]byte) (int, error) {
	r.t.Error("the body was read")
	return 0, io.EOF
}

func TestLockBeforeBody(t *testing.T) {
	refuse := func(*http.Request, Family) (grant.Caller, error) {
		return grant.Caller{}, fault.New(fault.Unauthenticated, "No.")
	}
	for _, c := range []struct {
		name      string
		admitter  admit
		path      string
		status    int
		challenge string
	}{
		{"not admitted", refuse, "/rest/api/v1/echo", 401, "Bearer"},
		{"not admitted, unbuilt", refuse, "/rest/api/v1/later", 401, "Bearer"},
		{"not admitted, unknown path", refuse, "/rest/api/v1/nothing", 404, ""},
		{"wrong scope", as(grant.User, grant.Pins), "/rest/api/v1/echo", 403, `Bearer error="insufficient_scope", scope="SEARCH"`},
		{"wrong scope, unbuilt", as(grant.User, grant.Pins), "/rest/api/v1/later", 403, `Bearer error="insufficient_scope", scope="SEARCH"`},
		{"wrong kind", as(grant.Indexing, grant.Search), "/rest/api/v1/echo", 403, `Bearer error="insufficient_scope", scope="SEARCH"`},
		{"narrowed kind", as(grant.Anonymous, grant.Search), "/rest/api/v1/narrow", 403, `Bearer error="insufficient_scope", scope="SEARCH"`},
		{"the zero caller", func(*http.Request, Family) (grant.Caller, error) { return grant.Caller{}, nil }, "/rest/api/v1/echo", 403, `Bearer error="insufficient_scope", scope="SEARCH"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			testServer(c.admitter, nil, io.Discard).ServeHTTP(w, httptest.NewRequest("POST", c.path, reader{t}))
			if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge {
				t.Errorf("= %d %q, want %d %q", w.Code, w.Header().Get("WWW-Authenticate"), c.status, c.challenge)
			}
		})
	}
}

func TestAudit(t *testing.T) {
	var events []string
	record := func(_ context.Context, e Event) error {
		events = append(events, strings.Join([]string{e.Operation, e.Subject, e.Caller.Kind().String(), http.StatusText(e.Status)}, " | "))
		return nil
	}
	user := testServer(as(grant.User, grant.Search), record, io.Discard)
	global := testServer(as(grant.Global, grant.Search), record, io.Discard)
	do(t, user, "POST", "/rest/api/v1/echo", `{"text":"a"}`)
	do(t, user, "POST", "/rest/api/v1/change", `{"text":"b"}`)
	do(t, user, "POST", "/rest/api/v1/change", `{"text":"gone"}`)
	do(t, global, "POST", "/rest/api/v1/echo", `{"text":"c"}`)
	do(t, global, "POST", "/rest/api/v1/echo", `{"text":"gone"}`)
	do(t, global, "POST", "/rest/api/v1/narrow", `{"text":"d"}`)
	want := []string{
		"POST /rest/api/v1/change | b | USER | OK",
		"POST /rest/api/v1/echo | c | GLOBAL | OK",
		"POST /rest/api/v1/echo | gone | GLOBAL | Not Found",
		"POST /rest/api/v1/narrow |  | GLOBAL | Forbidden",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	broken := testServer(as(grant.User, grant.Search), func(context.Context, Event) error { return errors.New("full") }, io.Discard)
	if resp := do(t, broken, "POST", "/rest/api/v1/change", `{"text":"b"}`); resp.StatusCode != 500 {
		t.Errorf("a change that cannot be put on record = %d, want 500", resp.StatusCode)
	}
}

func TestLateErrorBreaksTheConnection(t *testing.T) {
	var log bytes.Buffer
	srv := httptest.NewServer(testServer(as(grant.User, grant.Search), nil, &log))
	defer srv.Close()
	resp, err := srv.Client().Post(srv.URL+"/rest/api/v1/lines", "application/json", strings.NewReader(`{"text":"a fail b"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the stream ended well with %q, want a broken connection", body)
	}
}

func TestStreamEndsWhenAdmissionDoes(t *testing.T) {
	checks := 0
	c := grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.AllScopes, Recheck: func() error {
		if checks++; checks > 1 {
			return fault.New(fault.Unauthenticated, "No.")
		}
		return nil
	}})
	s := httptest.NewServer(testServer(admit(func(*http.Request, Family) (grant.Caller, error) { return c, nil }), nil, io.Discard))
	defer s.Close()
	resp, err := s.Client().Post(s.URL+"/rest/api/v1/lines", "application/json", strings.NewReader(`{"text":"a b c d"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if got := strings.Count(string(body), "\n"); err == nil || got != 2 {
		t.Errorf("after a revocation the stream gave %d lines and error %v, want 2 lines and a broken connection", got, err)
	}
}

func TestLogHasOneLineAndNoSecret(t *testing.T) {
	var log bytes.Buffer
	s := testServer(as(grant.User, grant.Search), nil, &log)
	do(t, s, "POST", "/rest/api/v1/echo", `{"text":"fail"}`, "Authorization", "Bearer s3cret")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 1 || !strings.Contains(lines[0], "disk 7") || strings.Contains(lines[0], "s3cret") {
		t.Errorf("log = %q, want one line with the cause and no secret", lines)
	}
}

func TestOpenRefusesMistakes(t *testing.T) {
	op := JSON("POST /rest/api/v1/echo", "Echoes.", echo)
	for name, open := range map[string]func(){
		"no scope":      func() { Open(0, grant.User, op) },
		"no kinds":      func() { Open(grant.Search, 0, op) },
		"widened kinds": func() { Open(grant.Search, grant.User, op.Only(grant.User|grant.Global)) },
		"no family":     func() { Open(grant.Search, grant.User, JSON("POST /else", "Else.", echo)) },
		"no method":     func() { JSON("/rest/api/v1/echo", "Echoes.", echo) },
		"claimed twice": func() { NewServer(Config{Rooms: []Room{Open(grant.Search, grant.User, op, op)}}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			open()
		}()
	}
}

func TestProxies(t *testing.T) {
	trusted := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name    string
		proxies Proxies
		remote  string
		forward []string
		want    string
	}{
		{"nobody is trusted", nil, "10.0.0.1:99", []string{"1.2.3.4"}, "10.0.0.1"},
		{"a stranger is not believed", trusted, "9.9.9.9:99", []string{"1.2.3.4"}, "9.9.9.9"},
		{"the last untrusted hop", trusted, "10.0.0.1:99", []string{"6.6.6.6, 1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		{"several headers", trusted, "10.0.0.1:99", []string{"6.6.6.6", "1.2.3.4"}, "1.2.3.4"},
		{"rubbish", trusted, "10.0.0.1:99", []string{"1.2.3.4, x"}, "10.0.0.1"},
		{"mapped", trusted, "[::ffff:10.0.0.1]:99", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.forward
		if got := c.proxies.Address(r); got.String() != c.want {
			t.Errorf("%s: Address = %v, want %s", c.name, got, c.want)
		}
	}
}
