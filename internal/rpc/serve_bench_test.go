package rpc

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/limit"
)

// sink is an answer that goes nowhere.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkServe is what the edge adds to a request: admission by a fixed caller, the lock, decoding, encoding, the log line
// and the metric, without a connection.
func BenchmarkServe(b *testing.B) {
	serve(b, nil)
}

// BenchmarkServeLimited is BenchmarkServe with every limit on, none of which is reached.
func BenchmarkServeLimited(b *testing.B) {
	rules, err := limit.Parse([]string{"deployment=1000000/s", "address=1000000/s", "user=1000000/s", "others=1000000/s"})
	if err != nil {
		b.Fatal(err)
	}
	serve(b, limit.New(rules, time.Now(), nil))
}

func serve(b *testing.B, limits *limit.Limits) {
	s := NewServer(Config{
		Limits: limits, Admitter: as(grant.User, grant.Search), Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Rooms: []Room{Open(grant.Search, grant.User, JSON("POST /rest/api/v1/echo", "Echoes.", echo))},
	})
	body := strings.NewReader(`{"text":"hello"}`)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/rest/api/v1/echo", body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "192.0.2.1:5000"
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(`{"text":"hello"}`)
		clear(w.header)
		s.ServeHTTP(w, r)
	}
}
