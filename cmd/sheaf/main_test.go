package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/admin"
)

// sheaf runs one command line as a shell would.
func sheaf(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// must runs a command that has to succeed, and decodes the one JSON object that it prints.
func must(t *testing.T, v any, args ...string) {
	t.Helper()
	code, stdout, stderr := sheaf(t, append(args, "--json")...)
	if code != 0 {
		t.Fatalf("sheaf %s = %d: %s", strings.Join(args, " "), code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), v); err != nil {
		t.Fatalf("sheaf %s printed %q: %v", strings.Join(args, " "), stdout, err)
	}
}

func TestUsage(t *testing.T) {
	data := t.TempDir()
	config := filepath.Join(t.TempDir(), "sheaf.yaml")
	if err := os.WriteFile(config, []byte("listen: 127.0.0.1:0\nlisten-to: nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var first admin.User
	must(t, &first, "user", "add", "--data", data, "--email", "first@example.com", "--role", "SUPER_ADMIN")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"signin", "--data", data + "x", "--email", "first@example.com"}, 1, "no data directory"},
		{[]string{"help"}, 0, ""},
		{[]string{"--version"}, 0, ""},
		{[]string{"reap"}, 2, "reap"},
		{[]string{"serve", "--sickle"}, 2, "unknown flag: --sickle"},
		{[]string{"serve"}, 2, "--data names the directory"},
		{[]string{"serve", "--data", data, "--new-datasources", "maybe"}, 2, "visible or hidden"},
		{[]string{"serve", "--data", data, "--config", config}, 2, `unknown setting "listen-to"`},
		{[]string{"serve", "--data", data, "--config", config + "x"}, 2, "does not exist"},
		{[]string{"serve", "--data", data, "--tls-cert", "a"}, 2, "go together"},
		{[]string{"serve", "--data", data, "--trusted-proxies", "everybody"}, 2, "not an address"},
		{[]string{"serve", "--data", data, "--rate-limits", "standard,search=5"}, 2, "is no rate"},
		{[]string{"serve", "--data", data, "--rate-limits", "sickle=5/s"}, 2, "no limit \"sickle\""},
		{[]string{"serve", "--data", data, "--experimental", "never"}, 2, "always or header"},
		{[]string{"serve", "--data", data, "--auth-token-life", "25h"}, 2, "from 1m to 24h"},
		{[]string{"serve", "--data", data, "--oauth-key-age", "14s"}, 2, "from 15s to 1h"},
		{[]string{"serve", "--data", data, "--oauth", `{"providers":[{"name":"w","kind":"saml"}]}`}, 2, "providers[0].kind"},
		{[]string{"serve", "--data", data, "--oauth", "yes"}, 2, "oauth"},
		{[]string{"serve", "--data", data, "--outbound-allow", "home"}, 2, "not an address"},
		{[]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--public-url", "ftp://x"}, 1, "public address"},
		{[]string{"user"}, 2, "needs one of its commands"},
		{[]string{"user", "add", "--data", data, "--email", "ada@example.com", "--role", "QUEEN"}, 2, "--role is"},
		{[]string{"user", "add", "--data", data, "--role", "MEMBER"}, 2, "--email is needed"},
		{[]string{"user", "add", "--email", "ada@example.com", "--role", "MEMBER"}, 2, "--data names"},
		{[]string{"signin", "--data", data, "--email", "nobody@example.com"}, 1, "person"},
		{[]string{"token", "create", "--data", data, "--permission", "USER", "--user", "x@example.com", "--scopes", "REAPING"}, 2, "no scope"},
		{[]string{"token", "create", "--data", data, "--permission", "USER", "--user", "x@example.com", "--scopes", "ALL", "--expires", "soon"}, 2, "--expires takes"},
		{[]string{"token", "create", "--data", data, "--permission", "OWN", "--scopes", "ALL"}, 1, "ermission"},
		{[]string{"token", "revoke", "--data", data}, 2, "by its id"},
		{[]string{"token", "revoke", "--data", data, "no-such-token"}, 1, ""},
		{[]string{"indexing-token", "create", "--data", data, "--expires", "never"}, 2, "always ends"},
		{[]string{"push", "--datasource", "notes", "--token", "x", "--allow", "ada", "."}, 2, "not an address"},
		{[]string{"push", "--datasource", "notes", "."}, 2, "takes an indexing token"},
		{[]string{"push", "--datasource", "no/tes", "--token", "x", "--allow", "everyone", "."}, 2, "--datasource takes"},
		{[]string{"push", "--datasource", "notes", "--token", "x", "--allow", "everyone"}, 2, "name a folder"},
	} {
		code, _, stderr := sheaf(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("sheaf %s = %d %q, want %d with %q", strings.Join(c.args, " "), code, stderr, c.code, c.says)
		}
	}
}

func TestTokensOnTheCommandLine(t *testing.T) {
	data := t.TempDir()
	var ada admin.User
	must(t, &ada, "user", "add", "--data", data, "--email", "Ada@Example.com", "--name", "Ada", "--role", "SUPER_ADMIN")
	if ada.Email != "ada@example.com" || ada.Role != "SUPER_ADMIN" || !ada.Active {
		t.Errorf("user add = %+v", ada)
	}
	var link admin.Link
	must(t, &link, "signin", "--data", data, "--email", "ada@example.com", "--public-url", "https://search.example.com")
	if !strings.HasPrefix(link.URL, "https://search.example.com/signin?code=") || !strings.HasSuffix(link.URL, link.Code) {
		t.Errorf("signin = %+v", link)
	}
	var token admin.Token
	must(t, &token, "token", "create", "--data", data, "--permission", "USER", "--user", "ada@example.com", "--scopes", "SEARCH, CHAT", "--expires", "30d", "--description", "for a test")
	if !strings.HasPrefix(token.Secret, "shf_c_") || !slices.Equal(token.Scopes, []string{"CHAT", "SEARCH"}) || token.ExpiresAt == 0 || token.UserEmail != "ada@example.com" {
		t.Errorf("token create = %+v", token)
	}
	var revoked struct {
		ID      string `json:"id"`
		Revoked bool   `json:"revoked"`
	}
	must(t, &revoked, "token", "revoke", "--data", data, token.ID)
	var list admin.Tokens
	must(t, &list, "token", "list", "--data", data)
	if len(list.Tokens) != 1 || list.Tokens[0].State != "REVOKED" || list.Tokens[0].Secret != "" {
		t.Errorf("token list = %+v", list)
	}
	var indexing admin.IndexingToken
	must(t, &indexing, "indexing-token", "create", "--data", data, "--datasources", "wiki,drive", "--allowed-cidrs", "127.0.0.0/8", "--rotation-minutes", "1440")
	if !strings.HasPrefix(indexing.Secret, "shf_i_") || len(indexing.Datasources) != 2 || indexing.RotationPeriodMinutes != 1440 {
		t.Errorf("indexing-token create = %+v", indexing)
	}
	if code, stdout, _ := sheaf(t, "indexing-token", "list", "--data", data); code != 0 || !strings.Contains(stdout, "drive,wiki") {
		t.Errorf("indexing-token list = %d %q", code, stdout)
	}
	var provisioning admin.SCIMToken
	must(t, &provisioning, "scim-token", "create", "--data", data, "--expires", "never", "--description", "Entra ID")
	if !strings.HasPrefix(provisioning.Secret, "shf_p_") || provisioning.ExpiresAt != 0 || provisioning.Description != "Entra ID" {
		t.Errorf("scim-token create = %+v", provisioning)
	}
	must(t, &revoked, "scim-token", "revoke", "--data", data, provisioning.ID)
	if code, stdout, _ := sheaf(t, "scim-token", "list", "--data", data); code != 0 || !strings.Contains(stdout, "Entra ID") || !strings.Contains(stdout, "REVOKED") {
		t.Errorf("scim-token list = %d %q", code, stdout)
	}
	if code, stdout, _ := sheaf(t, "scim-token", "create", "--data", data); code != 0 || !strings.Contains(stdout, "/scim/v2") {
		t.Errorf("scim-token create = %d %q, want the base URL", code, stdout)
	}
}

// serving runs a server until the test ends and returns its address and what it printed.
func serving(t *testing.T, args ...string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	listener := freePort(t)
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, append(args, "--listen", listener), &out, &errs) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with %d: %s", code, errs.String())
		}
	})
	url = "http://" + listener
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get(url + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
	}
	t.Fatalf("the server does not come up: %s", errs.String())
	return ""
}

// docx makes a document of one paragraph.
func docx(t *testing.T, paragraph string) string {
	t.Helper()
	var out strings.Builder
	z := zip.NewWriter(&out)
	for name, text := range map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml"` +
			` ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
		"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"` +
			` Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml": `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>` + paragraph +
			`</w:t></w:r></w:p></w:body></w:document>`,
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPush puts a folder into a running server, and finds in it what may be found.
func TestPush(t *testing.T) {
	data, folder := t.TempDir(), t.TempDir()
	url := serving(t, "serve", "--data", data)
	write := func(name, text string) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("harbour/tides.md", "# Tides at the harbour\n\nHigh water comes twice a day.")
	write("moon.txt", "The moon pulls the water.")
	write("chart.html", "<html><head><title>Chart</title></head><body><p>Depths in <b>fathoms</b>.</p></body></html>")
	write("photo.png", "\x89PNG")
	write("broken.txt", "\xff\xfe")
	write("anchors.docx", docx(t, "Anchors hold in sand."))
	write("torn.pdf", "%PDF-1.7\nnothing follows")
	write(".git/config", "hidden")
	write("more.jsonl", `{"objectType":"Note","id":"n1","title":"From a line","viewURL":"https://notes.example.com/1","body":{"mimeType":"text/plain","textContent":"barnacles"}}`+"\n")
	var indexing admin.IndexingToken
	must(t, &indexing, "indexing-token", "create", "--data", data)
	var done pushed
	must(t, &done, "push", "--server", url, "--token", indexing.Secret, "--datasource", "notes", "--allow", "everyone", folder, filepath.Join(folder, "more.jsonl"))
	if done.Documents != 5 || done.Skipped["not a text, Markdown, HTML, PDF or Office file"] != 2 || done.Skipped["not UTF-8 text"] != 1 ||
		done.Skipped["a body that the server cannot read"] != 1 {
		t.Errorf("push = %+v, want 5 documents, 2 of other kinds, 1 that is no text and 1 that is broken", done)
	}
	var token admin.Token
	must(t, &token, "token", "create", "--data", data, "--permission", "USER", "--user", "admin@localhost", "--scopes", "SEARCH")
	for query, title := range map[string]string{"fathoms": "Chart", "twice a day": "Tides at the harbour", "moon": "moon", "sand": "anchors.docx", "barnacles": "From a line"} {
		if !finds(t, url, token.Secret, query, title) {
			t.Errorf("searching %q does not find %q", query, title)
		}
	}
	write("null.jsonl", "null\n")
	code, _, stderr := sheaf(t, "push", "--server", url, "--token", indexing.Secret, "--datasource", "notes", filepath.Join(folder, "null.jsonl"))
	if code != 1 || !strings.Contains(stderr, "document 1: null is no document") {
		t.Errorf("push of a line that is null = %d %q, want 1 and where it stands", code, stderr)
	}
	write("more/gulls.txt", "Herring gulls nest on roofs.")
	must(t, &done, "push", "--data", data, "--datasource", "birds", "--allow", "admin@localhost", filepath.Join(folder, "more"))
	if done.Documents != 1 {
		t.Errorf("push on the host = %+v, want 1 document", done)
	}
	if !finds(t, url, token.Secret, "gulls", "gulls") {
		t.Error("the one reader of a push does not find it")
	}
	var tokens admin.IndexingTokens
	must(t, &tokens, "indexing-token", "list", "--data", data)
	for _, k := range tokens.Tokens {
		if k.Description == "sheaf push" && k.State != "REVOKED" {
			t.Errorf("the token of a push is %s afterwards, want REVOKED", k.State)
		}
	}
	if code, _, stderr := sheaf(t, "push", "--server", url, "--token", token.Secret, "--datasource", "notes", "--allow", "everyone", folder); code != 1 || !strings.Contains(stderr, "401") {
		t.Errorf("push with a client token = %d %q, want 1 and the server's 401", code, stderr)
	}
}

// finds asks until the title is among the results, for a second at most: what was pushed is visible by then.
func finds(t *testing.T, url, token, query, title string) bool {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/rest/api/v1/search", strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Results []struct {
				Title string `json:"title"`
			} `json:"results"`
		}
		err = json.UnmarshalRead(resp.Body, &page)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Results {
			if r.Title == title {
				return true
			}
		}
	}
	return false
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// What a machine's server is set to must not lead the sample company into its database.
func TestDemoKeepsToItself(t *testing.T) {
	real := filepath.Join(t.TempDir(), "real.db")
	t.Setenv("SHEAF_DATABASE", real)
	t.Setenv("SHEAF_NEW_DATASOURCES", "hidden")
	ctx, stop := context.WithCancel(t.Context())
	var errs bytes.Buffer
	out := &stopper{stop: stop}
	if code := run(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--json"}, out, &errs); code != 0 {
		t.Errorf("sheaf demo = %d: %s", code, errs.String())
	}
	if !strings.Contains(out.String(), `"userToken"`) {
		t.Errorf("sheaf demo printed %q, want its tokens", out.String())
	}
	if _, err := os.Stat(real); !os.IsNotExist(err) {
		t.Errorf("sheaf demo opened the database of SHEAF_DATABASE: %v", err)
	}
}

// stopper stops a command once it has printed something.
type stopper struct {
	bytes.Buffer
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	defer s.stop()
	return s.Buffer.Write(p)
}

func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sheaf.yaml")
	if err := os.WriteFile(file, []byte("listen: from-file\npublic-url: https://file.example\ntrusted-proxies: [10.0.0.1, 10.0.0.2]\nadmin-email: file@example.com\nrate-limits: [standard, search=20/s]\noauth:\n  enabled: true\n  providers: [{name: work, clientIds: [a, b]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := newServe()
	if err := cmd.ParseFlags([]string{"--config", file, "--listen", "from-flag"}); err != nil {
		t.Fatal(err)
	}
	unknown, err := settle(cmd, []string{"SHEAF_LISTEN=from-env", "SHEAF_PUBLIC_URL=https://env.example", "SHEAF_SICKLE=1", "SHEAF_MASTER_KEY=x", "SHEAF_PORT=tcp://1", "SHEAF_SERVICE_HOST=x", "OTHER=1"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(unknown, []string{"SHEAF_SICKLE"}) {
		t.Errorf("unknown variables = %q, want SHEAF_SICKLE alone", unknown)
	}
	for name, want := range map[string]string{
		"listen": "from-flag", "public-url": "https://env.example", "trusted-proxies": "10.0.0.1,10.0.0.2",
		"admin-email": "file@example.com", "new-datasources": "visible", "rate-limits": "standard,search=20/s",
		"oauth": `{"enabled":true,"providers":[{"clientIds":["a","b"],"name":"work"}]}`,
	} {
		if got := cmd.Flag(name).Value.String(); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
