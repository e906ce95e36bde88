package outbound_test

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/outbound"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "20.190.128.1": true, "2606:4700::1": true, "64:ff9b::808:808": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "127.255.0.1": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.1.1": false, "192.0.0.8": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.7": false, "203.0.113.7": false, "224.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false,
		"fd12:3456::1": false, "ff02::1": false, "64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "::7f00:1": false, "100::1": false, "fec0::1": false, "3fff::1": false,
	} {
		if got := outbound.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %v, want %v", text, got, want)
		}
	}
}

// server counts what reaches it.
func server(t *testing.T, secure bool, h http.HandlerFunc) (s *httptest.Server, roots *x509.CertPool, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		h(w, r)
	})
	if !secure {
		s = httptest.NewServer(counted)
		t.Cleanup(s.Close)
		return s, nil, reached
	}
	s = httptest.NewTLSServer(counted)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots, reached
}

func get(t *testing.T, c *http.Client, url string) (status int, body string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

func TestPrivateAddressesAreNotReached(t *testing.T) {
	s, roots, reached := server(t, true, fine)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	c := outbound.New(outbound.Config{Roots: roots})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1.2.3"} {
		if _, _, err := get(t, c, "https://"+host+port); !errors.Is(err, outbound.ErrAddress) {
			t.Errorf("a call to %s = %v, want %v", host, err, outbound.ErrAddress)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d calls reached the server", n)
	}
	near := outbound.New(outbound.Config{Roots: roots, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if status, body, err := get(t, near, s.URL); status != 200 || body != "fine" || err != nil {
		t.Errorf("a call to an allowed range = %d %q %v, want fine", status, body, err)
	}
	far := outbound.New(outbound.Config{Roots: roots, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if _, _, err := get(t, far, s.URL); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("a call outside the allowed range = %v, want %v", err, outbound.ErrAddress)
	}
}

func TestPlainHTTPTakesDevelopment(t *testing.T) {
	s, _, reached := server(t, false, fine)
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	if _, _, err := get(t, outbound.New(outbound.Config{Allow: all}), s.URL); !errors.Is(err, outbound.ErrScheme) {
		t.Errorf("http = %v, want %v", err, outbound.ErrScheme)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d calls reached the server", n)
	}
	if _, body, err := get(t, outbound.New(outbound.Config{Development: true}), s.URL); body != "fine" || err != nil {
		t.Errorf("http under development = %q %v, want fine", body, err)
	}
}

func TestACertificateIsChecked(t *testing.T) {
	s, _, reached := server(t, true, fine)
	if _, _, err := get(t, outbound.New(outbound.Config{Development: true}), s.URL); err == nil {
		t.Error("a server with an unknown certificate was believed")
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d calls reached the server", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	s, _, reached := server(t, false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	status, _, err := get(t, outbound.New(outbound.Config{Development: true}), s.URL)
	if status != http.StatusFound || err != nil || reached.Load() != 1 {
		t.Errorf("a redirect = %d %v after %d calls, want 302 after one", status, err, reached.Load())
	}
}

func TestAnswersAreBoundedInSize(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	for name, h := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) },
		"streamed": func(w http.ResponseWriter, _ *http.Request) {
			for range 11 {
				_, _ = w.Write(make([]byte, 100))
				_ = http.NewResponseController(w).Flush()
			}
		},
		"packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		},
	} {
		s, _, _ := server(t, false, h)
		_, body, err := get(t, outbound.New(outbound.Config{Development: true, Size: 1000}), s.URL)
		if !errors.Is(err, outbound.ErrTooLarge) || len(body) > 1000 {
			t.Errorf("%s: %d bytes, %v, want %v", name, len(body), err, outbound.ErrTooLarge)
		}
	}
	s, _, _ := server(t, false, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) })
	if _, body, err := get(t, outbound.New(outbound.Config{Development: true, Size: 1000}), s.URL); len(body) != 1000 || err != nil {
		t.Errorf("an answer of just the bound: %d bytes, %v", len(body), err)
	}
}

func TestAnswersAreBoundedInTime(t *testing.T) {
	done := make(chan struct{})
	s, _, _ := server(t, false, func(w http.ResponseWriter, r *http.Request) {
		for { // a byte now and then keeps a connection open for ever
			_, _ = w.Write([]byte{' '})
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(20 * time.Millisecond):
			case <-r.Context().Done():
				return
			case <-done:
				return
			}
		}
	})
	defer close(done)
	begun := time.Now()
	_, _, err := get(t, outbound.New(outbound.Config{Development: true, Time: 200 * time.Millisecond}), s.URL)
	if err == nil || time.Since(begun) > 2*time.Second {
		t.Errorf("an endless answer = %v after %s, want an error after 200 ms", err, time.Since(begun))
	}
}
