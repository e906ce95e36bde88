package console

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"
)

// TestLook serves a populated console for as long as the test runs, when CONSOLE_LOOK names the
// address to listen on. Every visitor is the Super Admin, so that a headless browser needs no sign-in;
// ?as= with another address, or with none, makes the visitor somebody else for that page.
// CONSOLE_LOOK=127.0.0.1:8099 go test -run TestLook -timeout 1h ./internal/console
func TestLook(t *testing.T) {
	address := os.Getenv("CONSOLE_LOOK")
	if address == "" {
		t.Skip("CONSOLE_LOOK is not set")
	}
	w := newWorld(t)
	w.populate()
	target, err := url.Parse(w.url)
	fatal(t, err)
	sessions := map[string][]*http.Cookie{}
	for _, who := range []string{mira, jonas, priya, omar} {
		sessions[who] = w.as(who).client.Jar.Cookies(target)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		who := mira
		if r.In.URL.Query().Has("as") {
			who = r.In.URL.Query().Get("as")
		}
		for _, c := range sessions[who] {
			r.Out.AddCookie(c)
		}
		if r.In.Method == http.MethodPost {
			r.Out.Header.Set("Origin", w.url)
			r.Out.Header.Del("Sec-Fetch-Site")
		}
	}}
	t.Fatal(http.ListenAndServe(address, proxy))
}
