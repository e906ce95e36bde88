package sheaftest

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Wire runs a file of requests against the server, in their order, and compares what comes back with what the file says.
// With update it writes the file anew. Each answer of an operation of the contract is held against the contract too.
//
// A file is a row of exchanges, each under a heading that says what it shows:
//
//	== one page of results
//	as user sofie.lund@quillmere.example
//	keep next cursor
//	show results[].title hasMoreResults
//	POST /rest/api/v1/search
//	{"query": "calibration", "pageSize": 1}
//	-> 200 application/json; charset=UTF-8
//	results[0].title: "Calibrating a W4 in the field"
//	hasMoreResults: true
//
// Who asks is one of: nobody; user EMAIL; global; global acting EMAIL; anonymous; indexing; session EMAIL; all but the first
// can be followed by "with SCOPE,SCOPE". Under the request's line stand headers, then the body. "show" leaves all but some values of an answer
// out, "keep" gives one a name, which later requests use as ${name}. What differs from run to run is masked: <id>, <secret>, <cursor>.
// Lines that begin with # are for the reader. Objects with free keys come in any order, so show one key of them.
func (s *Server) Wire(t *testing.T, path string, update bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &wireFile{s: s, t: t, kept: map[string]string{}, sessions: map[string]Session{}}
	head, blocks := cutBlocks(string(text))
	var out strings.Builder
	out.WriteString(head)
	for _, block := range blocks {
		out.WriteString(w.run(block))
	}
	if update {
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// cutBlocks separates what stands before the first heading from the exchanges.
func cutBlocks(text string) (head string, blocks []string) {
	parts := strings.Split("\n"+text, "\n== ")
	for _, part := range parts[1:] {
		blocks = append(blocks, "== "+part)
	}
	head = strings.TrimPrefix(parts[0], "\n")
	if head != "" {
		head += "\n"
	}
	return head, blocks
}

// wireFile is a file on its way through the server.
type wireFile struct {
	s        *Server
	t        *testing.T
	kept     map[string]string
	sessions map[string]Session
}

// asked is one request as the file has it.
type asked struct {
	title, who, method, path, body string
	headers                        [][2]string
	show                           []string
	keep                           [][2]string // name and path
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (/\S*)$`)
	headerLine  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*): (.*)$`)
	variable    = regexp.MustCompile(`\$\{(\w+)\}`)
)

// run sends the request of one block and returns the block with what came back.
func (w *wireFile) run(block string) string {
	w.t.Helper()
	input, _, _ := strings.Cut(block, "\n-> ")
	q := w.parse(strings.TrimRight(input, "\n"))
	headers, token := w.credentials(q)
	for _, h := range q.headers {
		headers.Del(h[0])
	}
	var flat []string
	for name, values := range headers {
		flat = append(flat, name, values[0])
	}
	for _, h := range q.headers {
		flat = append(flat, h[0], h[1])
	}
	var body any
	if q.body != "" {
		body = q.body
	}
	a := w.s.Do(q.method, q.path, token, body, flat...)
	if rpc.FamilyOf(q.path) == rpc.IndexingAPI && a.Status == http.StatusOK {
		w.s.CatchUp()
	}
	w.hold(q, a)
	for _, k := range q.keep {
		w.kept[k[0]] = w.pick(q.title, a.Body, k[1])
	}
	return strings.TrimRight(input, "\n") + "\n-> " + w.print(q, a) + "\n"
}

func (w *wireFile) parse(input string) asked {
	w.t.Helper()
	lines := strings.Split(input, "\n")
	q := asked{title: strings.TrimPrefix(lines[0], "== ")}
	at := 1
	for ; at < len(lines) && q.method == ""; at++ {
		word, rest, _ := strings.Cut(lines[at], " ")
		switch m := requestLine.FindStringSubmatch(lines[at]); {
		case m != nil:
			q.method, q.path = m[1], w.fill(m[2])
		case word == "as":
			q.who = rest
		case word == "show":
			q.show = append(q.show, strings.Fields(rest)...)
		case word == "keep":
			name, path, _ := strings.Cut(rest, " ")
			q.keep = append(q.keep, [2]string{name, path})
		case lines[at] != "" && word[0] != '#':
			w.t.Fatalf("%s: line %q says nothing", q.title, lines[at])
		}
	}
	for ; at < len(lines); at++ {
		m := headerLine.FindStringSubmatch(lines[at])
		if m == nil {
			break
		}
		q.headers = append(q.headers, [2]string{m[1], w.fill(m[2])})
	}
	q.body = w.fill(strings.Join(lines[at:], "\n"))
	if q.method == "" || q.who == "" {
		w.t.Fatalf("%s: an exchange has a line \"as …\" and a line \"METHOD /path\"", q.title)
	}
	return q
}

// fill puts what was kept in the place of its name.
func (w *wireFile) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := w.kept[name[2:len(name)-1]]
		if !ok {
			w.t.Fatalf("nothing was kept as %s", name)
		}
		return value
	})
}

// credentials returns what the one who asks sends along.
func (w *wireFile) credentials(q asked) (headers http.Header, token string) {
	w.t.Helper()
	headers = http.Header{}
	who, names, _ := strings.Cut(q.who, " with ")
	var scopes []grant.Scope
	if names != "" {
		set, err := authority.ParseScopes(strings.Split(names, ","))
		if err != nil {
			w.t.Fatalf("%s: %v", q.title, err)
		}
		for scope := range set.All() {
			scopes = append(scopes, scope)
		}
	}
	role, email, _ := strings.Cut(who, " ")
	switch role {
	case "nobody":
	case "user":
		if token = w.s.As(email); scopes != nil {
			_, token = w.s.Token(authority.User, email, scopes...)
		}
	case "global":
		_, token = w.s.Token(authority.Global, "", scopes...)
		if acted, ok := strings.CutPrefix(email, "acting "); ok {
			headers.Set("X-Glean-ActAs", acted)
		}
	case "anonymous":
		_, token = w.s.Token(authority.Anonymous, "", append(scopes, grant.Search)...)
	case "indexing":
		token = w.s.Indexing()
	case "session":
		session, ok := w.sessions[email]
		if !ok {
			session = w.s.SignIn(email)
			w.sessions[email] = session
		}
		headers.Set("Cookie", session.Cookie)
		headers.Set("X-Csrf-Token", session.CSRF)
	default:
		w.t.Fatalf("%s: nobody is called %q", q.title, q.who)
	}
	return headers, token
}

// hold holds an answer against the contract.
func (w *wireFile) hold(q asked, a Answer) {
	w.t.Helper()
	path, _, _ := strings.Cut(q.path, "?")
	for _, op := range w.s.Operations() {
		if op.Method != q.method || !op.Built || op.Family == rpc.AdminAPI || !fits(op.Path, path) {
			continue
		}
		if err := contract.ValidateResponse(op.Method+" "+op.Path, a.Status, a.Header.Get("Content-Type"), []byte(a.Body)); err != nil {
			w.t.Errorf("%s: %v", q.title, err)
		}
	}
}

// fits reports whether path is one that the pattern, with {wildcards}, stands for.
func fits(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

// shownHeaders are the headers of an answer that a file has.
var shownHeaders = []string{"WWW-Authenticate", "Allow", "Retry-After", "Set-Cookie"}

// print writes an answer down.
func (w *wireFile) print(q asked, a Answer) string {
	w.t.Helper()
	var out strings.Builder
	out.WriteString(strings.TrimSpace(strconv.Itoa(a.Status)+" "+a.Header.Get("Content-Type")) + "\n")
	for _, name := range shownHeaders {
		for _, value := range a.Header[http.CanonicalHeaderKey(name)] {
			fmt.Fprintf(&out, "%s: %s\n", name, maskText(value))
		}
	}
	body := strings.TrimRight(a.Body, "\n")
	if isJSON := strings.Contains(a.Header.Get("Content-Type"), "json"); !isJSON {
		body = maskText(body)
	} else {
		masked, err := maskJSON(body)
		if err != nil {
			w.t.Fatalf("%s: %v in %s", q.title, err, a.Body)
		}
		if body = string(masked); len(q.show) > 0 {
			body = showJSON(masked, q.show)
		}
	}
	if body != "" {
		out.WriteString(body + "\n")
	}
	return out.String()
}
