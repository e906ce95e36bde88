package oauth_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// BenchmarkBareRS256 checks the signature of such a token and nothing else, for comparison.
func BenchmarkBareRS256(b *testing.B) {
	w, token := benchWorld(b)
	at := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		b.Fatal(err)
	}
	public := w.key.Private.Public().(*rsa.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256([]byte(token[:at]))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrivialOperation compares whole requests over a connection. OAuth promises at least 90 % of the throughput of an issued token. What runs
// beside one kind of token runs beside the other in "in turns", whose metric is the share.
func BenchmarkTrivialOperation(b *testing.B) {
	w, token := benchWorld(b)
	site := httptest.NewServer(w.Handler())
	defer site.Close()
	client := site.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	ask := func(b *testing.B, token, kind string) {
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, site.URL+"/rest/api/v1/search", strings.NewReader(`{"query":""}`))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		if kind != "" {
			r.Header.Set("X-Glean-Auth-Type", kind)
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
		}
	}
	cases := []struct{ name, token, kind string }{{"issued", w.As(mira), ""}, {"oauth", token, "OAUTH"}}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() && !b.Failed() {
					ask(b, c.token, c.kind)
				}
			})
		})
	}
	b.Run("in turns", func(b *testing.B) {
		var took [2]atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() && !b.Failed() {
				for i, c := range cases {
					began := time.Now()
					ask(b, c.token, c.kind)
					took[i].Add(int64(time.Since(began)))
				}
			}
		})
		b.ReportMetric(float64(took[0].Load())/float64(took[1].Load()), "oauth/issued")
	})
}
