package oauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

func benchWorld(b *testing.B) (*world, string) {
	w := newWorld(b)
	w.put(nil, provider("work", w.idp))
	token := w.good(nil)
	w.want("the token", token, 200)
	return w, token
}

func oauthRequest(token string) *http.Request {
	r := httptest.NewRequest("POST", "/rest/api/v1/search", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Glean-Auth-Type", "OAUTH")
	return r
}

// BenchmarkAdmitKeptJWT promises less than 3 µs and at most 2 allocations.
func BenchmarkAdmitKeptJWT(b *testing.B) {
	w, token := benchWorld(b)
	r := oauthRequest(token)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Authority.Admit(r, rpc.ClientAPI); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyRS256 promises less than 120 µs.
func BenchmarkVerifyRS256(b *testing.B) {
	w, token := benchWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.OAuth.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAdmitUncachedJWT admits a token that was never seen: signature, person and all. It promises less than 120 µs.
func BenchmarkAdmitUncachedJWT(b *testing.B) {
	w, _ := benchWorld(b)
	requests := make([]*http.Request, 512)
	for i := range requests {
		requests[i] = oauthRequest(w.good(map[string]any{"jti": i}))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(requests) { // the kept admissions end with any change
			b.StopTimer()
			w.Token(authority.User, mira)
			i = 0
			b.StartTimer()
		}
		if _, err := w.Authority.Admit(requests[i], rpc.ClientAPI); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkTrivialOperation compares whole requests over a connection. OAuth promises at least 90 % of the throughput of an issued token.
func BenchmarkTrivialOperation(b *testing.B) {
	w, token := benchWorld(b)
	site := httptest.NewServer(w.Handler())
	defer site.Close()
	client := site.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	for _, c := range []struct{ name, token, kind string }{{"issued", w.As(mira), ""}, {"oauth", token, "OAUTH"}} {
		b.Run(c.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, site.URL+"/rest/api/v1/search", strings.NewReader(`{"query":""}`))
					r.Header.Set("Authorization", "Bearer "+c.token)
					r.Header.Set("Content-Type", "application/json")
					if c.kind != "" {
						r.Header.Set("X-Glean-Auth-Type", c.kind)
					}
					answer, err := client.Do(r)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
					if answer.StatusCode != http.StatusOK {
						b.Errorf("status %d", answer.StatusCode)
						return
					}
				}
			})
		})
	}
}
