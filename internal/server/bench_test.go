package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

type pingRequest struct {
	Text string `json:"text"`
}

// connection sends the same request over one kept connection, with as little work of its own as can be, so that what is
// measured is the server.
type connection struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func dial(b *testing.B, url, path, token, body string) *connection {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, token, len(body), body)
	return &connection{conn, bufio.NewReaderSize(conn, 64<<10), []byte(request)}
}

// do sends the request and reads the answer.
func (c *connection) do() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("answer %q", line)
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("no Content-Length")
	}
	_, err := c.in.Discard(length)
	return err
}

// hammer runs all connections for a while and returns the requests answered in a second.
func hammer(b *testing.B, list []*connection, d time.Duration) float64 {
	b.Helper()
	var n atomic.Int64
	var wait sync.WaitGroup
	begun := time.Now()
	for _, c := range list {
		wait.Go(func() {
			for time.Since(begun) < d {
				if err := c.do(); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	wait.Wait()
	return float64(n.Load()) / time.Since(begun).Seconds()
}

// BenchmarkEdge compares an authorised operation that does next to nothing, with its log line and its metric, with a bare
// handler that takes the same request and writes the same answer. The two take turns, so that a noisy machine disturbs both.
// The echo decodes a body and encodes another; its bare twin copies bytes. The constant reads no body.
func BenchmarkEdge(b *testing.B) {
	s := sheaftest.Open(b)
	s.Person("ada@quillmere.example", grant.RoleMember)
	api := rpc.NewServer(rpc.Config{
		Admitter: s.Authority, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Rooms: []rpc.Room{rpc.Open(grant.Search, grant.User,
			rpc.JSON("POST /rest/api/v1/echo", "Echoes.", func(_ context.Context, _ grant.Caller, req pingRequest) (pingRequest, error) { return req, nil }),
			rpc.JSON("POST /rest/api/v1/constant", "Answers.", func(context.Context, grant.Caller, rpc.None) (pingRequest, error) { return pingRequest{"hello"}, nil }),
		)},
	})
	const body = `{"text":"hello"}`
	bare := http.NewServeMux()
	answer := func(w http.ResponseWriter, text []byte) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = w.Write(text)
	}
	bare.HandleFunc("POST /rest/api/v1/echo", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		answer(w, text)
	})
	bare.HandleFunc("POST /rest/api/v1/constant", func(w http.ResponseWriter, _ *http.Request) { answer(w, []byte(body)) })
	for name, body := range map[string]string{"echo": body, "constant": ""} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(compare(b, api, bare, "/rest/api/v1/"+name, s.As("ada@quillmere.example"), body), "%of-bare")
		})
	}
}

// compare returns the throughput of one handler as a percentage of another's: the median of many rounds in turn.
func compare(b *testing.B, one, other http.Handler, path, token, body string) float64 {
	b.Helper()
	const lines, round = 8, 200 * time.Millisecond
	first, second := httptest.NewServer(one), httptest.NewServer(other)
	defer first.Close()
	defer second.Close()
	var ours, theirs []*connection
	for range lines {
		ours, theirs = append(ours, dial(b, first.URL, path, token, body)), append(theirs, dial(b, second.URL, path, token, body))
	}
	hammer(b, ours, round)
	hammer(b, theirs, round)
	b.ResetTimer()
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, 100*hammer(b, ours, round)/hammer(b, theirs, round))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// BenchmarkSearchHTTP is a search of the sample company over HTTP, from the request's first byte to the answer's last. It
// reports the median and the 95th percentile.
func BenchmarkSearchHTTP(b *testing.B) {
	s := sheaftest.Demo(b)
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	for _, c := range []struct{ name, options string }{
		{"snippets", ""}, {"snippets and facets", `,"requestOptions":{"facetBucketSize":10}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			var lines []*connection
			for _, e := range demo.Examples() {
				lines = append(lines, dial(b, web.URL, "/rest/api/v1/search", s.As(e.Email), `{"query":`+strconv.Quote(e.Query)+c.options+`}`))
			}
			measure(b, lines)
		})
	}
}

// BenchmarkAutocompleteHTTP types the sample company's example queries into the search box, one more letter with each request.
func BenchmarkAutocompleteHTTP(b *testing.B) {
	s := sheaftest.Demo(b)
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	var lines []*connection
	for _, e := range demo.Examples() {
		token := s.As(e.Email)
		for end := range e.Query {
			if end > 0 {
				lines = append(lines, dial(b, web.URL, "/rest/api/v1/autocomplete", token, `{"query":`+strconv.Quote(e.Query[:end])+`}`))
			}
		}
	}
	measure(b, lines)
}

// measure sends the requests of all connections one after the other, over and over, and reports the median and the 95th percentile.
func measure(b *testing.B, lines []*connection) {
	b.Helper()
	b.ReportAllocs()
	times := make([]time.Duration, 0, 4096)
	for i := 0; b.Loop(); i++ {
		begun := time.Now()
		if err := lines[i%len(lines)].do(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds()), "p95-µs")
}

// durable makes the server wait for the disk, as a real one does.
func durable(b *testing.B) func(*server.Config) {
	b.Helper()
	dir := b.TempDir()
	return func(cfg *server.Config) { cfg.Database, cfg.Data, cfg.NoSync = "", dir, false }
}

// BenchmarkRevokeUnderLoad revokes tokens one after the other, each until the next request is refused, while a connector
// loads documents as fast as it can.
func BenchmarkRevokeUnderLoad(b *testing.B) {
	s := sheaftest.Open(b, durable(b))
	s.Person("ada@quillmere.example", grant.RoleMember)
	host := s.Authority.Maintenance()
	if err := s.Corpus.PutDatasource(b.Context(), host, []byte(`{"name":"bulk","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":".*"}`)); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var loaders sync.WaitGroup
	var loaded atomic.Int64
	for loader := range 4 {
		loaders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				docs := make([]corpus.Document, 100)
				for i := range docs {
					docs[i] = corpus.Document{
						ObjectType: "Page", ID: fmt.Sprintf("%d-%d-%d", loader, n%10, i), Title: "Load",
						ViewURL: "https://bulk.example/x", Body: strings.Repeat("wind and weather ", 200),
					}
				}
				if err := s.Corpus.Put(ctx, host, "bulk", docs, 0); err != nil && ctx.Err() == nil {
					b.Error(err)
					return
				}
				loaded.Add(int64(len(docs)))
			}
		})
	}
	var times []time.Duration
	begun := time.Now()
	for b.Loop() {
		b.StopTimer()
		t, secret := s.Token(authority.User, "ada@quillmere.example")
		if a := s.Do("POST", "/rest/api/v1/search", secret, `{"query":""}`); a.Status != 200 {
			b.Fatalf("search = %d %s", a.Status, a.Body)
		}
		b.StartTimer()
		start := time.Now()
		if err := s.Authority.RevokeToken(b.Context(), host, t.ID); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
		b.StopTimer()
		if a := s.Do("POST", "/rest/api/v1/search", secret, `{"query":""}`); a.Status != 401 {
			b.Fatalf("search with a revoked token = %d", a.Status)
		}
		b.StartTimer()
	}
	took := time.Since(begun)
	stop()
	loaders.Wait()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(loaded.Load())/took.Seconds(), "documents/s")
}
