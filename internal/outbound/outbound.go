// Package outbound makes the one HTTP client for calls to elsewhere: identity providers, and whatever else an administrator
// names by its address.
//
// Its one idea is that an address which somebody typed, or which a document from outside names, must not let the server reach
// what only the server can: so a call goes over https, to a public address, judged after the name was resolved and at the
// moment of the connection; it follows no redirect, and its answer is bounded in size and time. Every package that calls
// elsewhere is handed a client of this one.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Bounds of one call where Config names none.
const (
	DefaultTime = 5 * time.Second
	DefaultSize = 1 << 20
)

// Config says how far a client reaches. The zero value reaches public addresses over https.
type Config struct {
	// Allow are address ranges inside the own network that calls may go to all the same.
	Allow []netip.Prefix
	// Development lets calls go over plain http and to every address. It is for a provider on the developer's machine.
	Development bool
	// Time bounds a call from the connection to the last byte of its answer. Zero means DefaultTime.
	Time time.Duration
	// Size bounds the body of an answer, in bytes as it is read. Zero means DefaultSize.
	Size int64
	// Roots are the authorities that certificates are checked against. Nil means the system's.
	Roots *x509.CertPool
}

// The errors of calls that are not made, or whose answer is not read on.
var (
	ErrAddress  = errors.New("the address is private or reserved, and calls there are not allowed")
	ErrScheme   = errors.New("calls go over https only")
	ErrTooLarge = errors.New("the answer is too large")
)

// New returns a client as cfg says. It keeps no cookies, uses no proxy, and hands a redirect back as the answer. It is safe
// for concurrent use.
func New(cfg Config) *http.Client {
	if cfg.Time == 0 {
		cfg.Time = DefaultTime
	}
	if cfg.Size == 0 {
		cfg.Size = DefaultSize
	}
	dialer := &net.Dialer{Timeout: cfg.Time, KeepAlive: 30 * time.Second, ControlContext: cfg.control}
	return &http.Client{
		Timeout: cfg.Time,
		Transport: guard{cfg: cfg, next: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: cfg.Time, ResponseHeaderTimeout: cfg.Time,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
			ForceAttemptHTTP2: true, MaxIdleConns: 32, MaxIdleConnsPerHost: 8, MaxConnsPerHost: 64, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// control is asked for each address that a name resolved to, before the connection to it: a name whose address changes between
// a check and the use of it (DNS rebinding) has no such gap here.
func (cfg Config) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	if cfg.Development {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrAddress)
	}
	if ip := to.Addr().WithZone("").Unmap(); !Public(ip) && !within(ip, cfg.Allow) {
		return fmt.Errorf("%s: %w", ip, ErrAddress)
	}
	return nil
}

func within(ip netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// guard refuses what is not https, and bounds what is read of an answer.
type guard struct {
	cfg  Config
	next http.RoundTripper
}

// RoundTrip makes one call.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (!g.cfg.Development || r.URL.Scheme != "http") {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, ErrScheme
	}
	answer, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &bounded{body: answer.Body, left: g.cfg.Size}
	return answer, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the connections.
func (g guard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// bounded fails once more than left was read. It counts what the transport has unpacked.
type bounded struct {
	body io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n + int(b.left), ErrTooLarge
	}
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }
