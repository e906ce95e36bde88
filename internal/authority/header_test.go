package authority

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

func TestBearer(t *testing.T) {
	long := strings.Repeat("a", maxToken)
	for _, tc := range []struct {
		values []string
		token  string
		ok     bool
	}{
		{nil, "", false},
		{[]string{"Bearer abc"}, "abc", true},
		{[]string{"bEARER abc"}, "abc", true},
		{[]string{"Bearer abc=="}, "abc==", true},
		{[]string{"Bearer a-b._~+/0"}, "a-b._~+/0", true},
		{[]string{"Bearer " + long}, long, true},
		{[]string{"Bearer " + long + "a"}, "", false},
		{[]string{"Bearer abc", "Bearer abc"}, "", false},
		{[]string{"Bearer abc", ""}, "", false},
		{[]string{"Bearer  abc"}, "", false},
		{[]string{"Bearer\tabc"}, "", false},
		{[]string{" Bearer abc"}, "", false},
		{[]string{"Bearer abc "}, "", false},
		{[]string{"Bearer"}, "", false},
		{[]string{"Bearer "}, "", false},
		{[]string{"Bearer =="}, "", false},
		{[]string{"Bearer a=b"}, "", false},
		{[]string{"Bearer abc, Bearer abc"}, "", false},
		{[]string{"Bearer \"abc\""}, "", false},
		{[]string{"Bearer ab\x00c"}, "", false},
		{[]string{"Bearer ä"}, "", false},
		{[]string{"Basic YTpi"}, "", false},
		{[]string{"abc"}, "", false},
	} {
		if token, ok := bearer(tc.values); token != tc.token || ok != tc.ok {
			t.Errorf("bearer(%.60q) = %.40q, %v; want %.40q, %v", tc.values, token, ok, tc.token, tc.ok)
		}
	}
}

// FuzzCredentials reads header blocks as a connection brings them. Whatever is accepted must be in
// the one form that every reader takes alike.
func FuzzCredentials(f *testing.F) {
	f.Add("Authorization: Bearer abc\r\nX-Glean-ActAs: a@b.c\r\n")
	f.Fuzz(func(t *testing.T, block string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: x\r\n" + block + "\r\n\r\n")))
		if err != nil {
			return
		}
		c, err := readCredentials(r.Header)
		if err != nil {
			if c != (credentials{}) {
				t.Errorf("readCredentials(%q) = %+v with %v, want nothing beside an error", block, c, err)
			}
			return
		}
		if again, ok := bearer([]string{"Bearer " + c.token}); !ok || again != c.token || strings.ContainsAny(c.token, " ,;\t\"") {
			t.Errorf("readCredentials(%q) took the token %q", block, c.token)
		}
		if n := len(r.Header.Values("Authorization")); n != 1 {
			t.Errorf("readCredentials(%q) took one of %d Authorization headers", block, n)
		}
		spelt := 0
		for _, name := range []string{"X-Glean-ActAs", "X-Glean-Act-As", "X-Scio-ActAs"} {
			if n := len(r.Header.Values(name)); n > 1 && c.late == nil {
				t.Errorf("readCredentials(%q) took %s sent %d times", block, name, n)
			}
			spelt += len(r.Header.Values(name))
		}
		switch {
		case c.late != nil && c.actAs != "":
			t.Errorf("readCredentials(%q) = ActAs %q beside %v", block, c.actAs, c.late)
		case c.actAs != "":
			if folded, err := directory.FoldEmail(c.actAs); err != nil || folded != c.actAs || spelt == 0 {
				t.Errorf("readCredentials(%q) = ActAs %q, want it folded (%q, %v)", block, c.actAs, folded, err)
			}
		}
	})
}

// tokenForm is the one form of an Authorization header that carries a token (RFC 6750, section 2.1).
var tokenForm = regexp.MustCompile(`^(?i:bearer) ([A-Za-z0-9._~+/-]+=*)\z`)

// FuzzBearer holds that a header is taken in one form alone, and that nothing anybody makes up gets in by any API, whatever its type says.
func FuzzBearer(f *testing.F) {
	n := newNode(f)
	n.cfg.OAuth = refuser{fault.Unauthenticated}
	made := newSecret(clientSecret).Reveal()
	for _, seed := range [][2]string{
		{"Bearer " + made, ""},
		{"bearer " + made, "OAUTH"},
		{"Bearer  " + made, "oauth"},
		{"Bearer " + made + ",", "BEARER"},
		{"Bearer " + newSecret(indexingSecret).Reveal(), ""},
		{"Bearer " + newSecret(scimSecret).Reveal(), "GLOBAL"},
		{"Bearer " + newSecret(sessionSecret).Reveal(), ""},
		{"Bearer shf_w_" + strings.Repeat("A", 60), ""},
		{"Bearer eyJhbGciOiJSUzI1NiJ9.e30.AA", "OAUTH"},
		{"Basic YTpi", ""},
		{"Bearer a==", ""},
		{"Bearer =", ""},
		{"Bearer\ta", ""},
		{"Bearer " + strings.Repeat("a", maxToken+1), "OAUTH"},
		{"\u212aearer a", ""},
		{"Bearer a\r\nX: y", ""},
		{"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, value, kind string) {
		want := ""
		if m := tokenForm.FindStringSubmatch(value); m != nil && len(m[1]) <= maxToken {
			want = m[1]
		}
		if got, ok := bearer([]string{value}); got != want || ok != (want != "") {
			t.Errorf("bearer(%q) = %q, %t, want %q", value, got, ok, want)
		}
		if got, ok := bearer([]string{value, value}); ok {
			t.Errorf("bearer takes %q of two headers", got)
		}
		for _, family := range []rpc.Family{rpc.ClientAPI, rpc.PlatformAPI, rpc.IndexingAPI, rpc.SCIMAPI, rpc.AdminAPI} {
			r := httptest.NewRequest(http.MethodPost, "/rest/api/v1/search", nil)
			r.Header["Authorization"], r.Header[authTypeHeader] = []string{value}, []string{kind}
			if c, err := n.Admit(r, family); fault.KindOf(err) != fault.Unauthenticated || c.Kind() != 0 {
				t.Errorf("%q, typed %q, = %s, %v, want a refusal", value, kind, c.Kind(), err)
			}
		}
	})
}

// FuzzActAs holds that a GLOBAL token acts as exactly the one person that the headers name, and that no other token acts as anybody by them.
func FuzzActAs(f *testing.F) {
	n := newNode(f)
	for _, email := range []string{"ada@example.com", "ada+x@example.com", "bo@example.com"} {
		n.person(f, email, grant.RoleMember)
	}
	_, global := n.token(f, Global, "", grant.Search)
	_, user := n.token(f, User, "ada@example.com", grant.Search)
	for _, seed := range [][3]string{
		{"ada@example.com", "", ""},
		{" ADA@example.com\t", "ada@EXAMPLE.com", ""},
		{"ada@example.com", "bo@example.com", ""},
		{"", " ", "bo@example.com"},
		{"ada", "", ""},
		{"nobody@example.com", "", ""},
		{"ada@example.com,bo@example.com", "", ""},
		{"\u212ada@example.com", "", ""},
		{"ada@example.com\u00a0", "", ""},
		{"<ada@example.com>", "", ""},
		{"ada@example.com", "ada+x@example.com", "ada@example.com"},
		{"ada@ex\u0430mple.com", "", ""},
		{"ada@example.com\x00", "", ""},
		{"", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], false)
	}
	f.Add("ada@example.com", "", "", true)
	f.Fuzz(func(t *testing.T, one, two, three string, twice bool) {
		headers := http.Header{actAsHeader: {one}, actAsHyphened: {two}, actAsOlder: {three}}
		if twice {
			headers[actAsHeader] = append(headers[actAsHeader], one)
		}
		named := map[string]bool{} // as a plain reader takes it: ASCII, blanks cut off, letters folded
		for _, value := range []string{one, two, three} {
			if value = strings.Trim(value, " \t"); value != "" {
				named[asciiLower(value)] = true
			}
		}
		admit := func(secret string) (grant.Caller, error) {
			r := httptest.NewRequest(http.MethodPost, "/rest/api/v1/search", nil)
			r.Header = headers.Clone()
			r.Header.Set("Authorization", "Bearer "+secret)
			return n.Admit(r, rpc.ClientAPI)
		}
		c, err := admit(global)
		if err == nil && (twice || len(named) != 1 || !named[c.Email()] || !c.Is(grant.Global)) {
			t.Errorf("%q, %q, %q, twice %t: a GLOBAL token acts as %q", one, two, three, twice, c.Email())
		}
		if err != nil && !twice && len(named) == 1 && (named["ada@example.com"] || named["bo@example.com"]) {
			t.Errorf("%q, %q, %q: a GLOBAL token is refused: %v", one, two, three, err)
		}
		if k := fault.KindOf(err); err != nil && k != fault.Invalid && k != fault.Unauthenticated {
			t.Errorf("%q, %q, %q: %v", one, two, three, err)
		}
		c, err = admit(user)
		if (err == nil) != (len(named) == 0 && !twice) || err == nil && c.Email() != "ada@example.com" || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q, %q, %q, twice %t: a USER token acts as %q, %v", one, two, three, twice, c.Email(), err)
		}
	})
}

func asciiLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
