package authority

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
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
