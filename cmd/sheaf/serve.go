package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/limit"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/server"
)

// Bounds of one connection. They shed whoever holds a connection and sends nothing.
const (
	headerTime   = 5 * time.Second
	readTime     = 2 * time.Minute // a body of 64 MiB on a slow line
	writeTime    = 2 * time.Minute // streams extend theirs with each item
	idleTime     = 90 * time.Second
	maxHeader    = 32<<10 - 4096 // net/http adds 4096 to what it is told
	shutdownTime = 20 * time.Second
)

// serveOptions are the settings of a running server.
type serveOptions struct {
	listen, opsListen           string
	data, database, publicURL   string
	adminEmail, proxies         string
	tlsCert, tlsKey             string
	newDatasources, metricsFile string
	auditRetention              string
	activityRetention           string
	logLevel                    string
	rateLimits, experimental    string
	webTokenLife                time.Duration
	oauth, outboundAllow        string
	keyAge                      time.Duration
	development                 bool
	drain                       time.Duration
	temporary                   bool // the data is thrown away at the end
}

func (o *serveOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("config", "", "a YAML file of these settings, by the same names (SHEAF_CONFIG)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the address to serve on")
	f.StringVar(&o.opsListen, "ops-listen", "", "a second address, for /metrics and the health checks alone")
	f.StringVar(&o.data, "data", "", "the data directory; made where it does not exist")
	f.StringVar(&o.database, "database", "", "a PostgreSQL address (postgres://…); a SQLite file in the data directory otherwise")
	f.StringVar(&o.publicURL, "public-url", "", "the address at which people reach this server (default: http or https at --listen)")
	f.StringVar(&o.adminEmail, "admin-email", "admin@localhost", "who becomes the Super Admin where a first start finds no person")
	f.StringVar(&o.proxies, "trusted-proxies", "", "the address ranges of proxies whose X-Forwarded-For is believed, separated by commas")
	f.StringVar(&o.tlsCert, "tls-cert", "", "a certificate file in PEM form; read again when it changes")
	f.StringVar(&o.tlsKey, "tls-key", "", "the certificate's key file")
	f.StringVar(&o.newDatasources, "new-datasources", "visible", "whether a new datasource is visible at once, or hidden until an administrator shows it")
	f.StringVar(&o.metricsFile, "metrics-token-file", "", "a file with the bearer token that opens /metrics on the main address")
	f.StringVar(&o.auditRetention, "audit-retention", "400d", "how long the audit log is kept, in days, or forever")
	f.StringVar(&o.activityRetention, "activity-retention", "365d", "how long what people opened and searched for is kept, in days, or forever")
	f.StringVar(&o.rateLimits, "rate-limits", "off", "off, standard, or a list such as standard,search=20/s,address=off: how often people, tokens and addresses may ask")
	f.StringVar(&o.experimental, "experimental", "always", "whether experimental operations answer always, or only with the header X-Glean-Include-Experimental: true")
	f.DurationVar(&o.webTokenLife, "auth-token-life", 2*time.Hour, "how long a token of createauthtoken lives, from 1m to 24h")
	f.StringVar(&o.oauth, "oauth", "", "identity providers whose access tokens are accepted, as JSON; a mapping in the configuration file. What it sets is read-only in the console")
	f.DurationVar(&o.keyAge, "oauth-key-age", 5*time.Minute, "within which time a key that an identity provider withdraws stops to count, from 15s to 1h")
	f.StringVar(&o.outboundAllow, "outbound-allow", "", "address ranges inside your network that calls to identity providers may go to, separated by commas")
	f.BoolVar(&o.development, "outbound-development", false, "let calls to identity providers go over plain http and to every address; for a provider on a developer's machine alone")
	f.DurationVar(&o.drain, "drain-time", 0, "how long to go on serving after a signal to stop, with /readyz at 503, so that a load balancer can turn away")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
}

// retention reads a number of days, or forever, which is less than zero.
func retention(name, text string) (time.Duration, error) {
	if text == "forever" {
		return -1, nil
	}
	days, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil || days < 1 || days > 100_000 {
		return 0, usagef("--%s takes a number of days such as 400d, or forever", name)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// config checks the settings and turns them into the server's.
func (o *serveOptions) config(log *slog.Logger) (server.Config, error) {
	cfg := server.Config{
		Data: o.data, Database: o.database, PublicURL: o.publicURL, AdminEmail: o.adminEmail, Log: log,
		HideNewDatasources: o.newDatasources == "hidden", NoSync: o.temporary,
	}
	if o.newDatasources != "visible" && o.newDatasources != "hidden" {
		return cfg, usagef("--new-datasources is visible or hidden")
	}
	if o.experimental != "always" && o.experimental != "header" {
		return cfg, usagef("--experimental is always or header")
	}
	cfg.HideExperimental = o.experimental == "header"
	if cfg.WebTokenLife = o.webTokenLife; cfg.WebTokenLife < time.Minute || cfg.WebTokenLife > 24*time.Hour {
		return cfg, usagef("--auth-token-life is from 1m to 24h")
	}
	var err error
	if cfg.Limits, err = limit.Parse(splitList(o.rateLimits)); err != nil {
		return cfg, usagef("--rate-limits: %v", err)
	}
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return cfg, usagef("--tls-cert and --tls-key go together")
	}
	for _, text := range splitList(o.proxies) {
		prefix, err := parsePrefix(text)
		if err != nil {
			return cfg, usagef("--trusted-proxies: %q is not an address or a range of addresses", text)
		}
		cfg.Proxies = append(cfg.Proxies, prefix)
	}
	if cfg.AuditRetention, err = retention("audit-retention", o.auditRetention); err != nil {
		return cfg, err
	}
	if cfg.ActivityRetention, err = retention("activity-retention", o.activityRetention); err != nil {
		return cfg, err
	}
	if err = o.outbound(&cfg); err != nil {
		return cfg, err
	}
	if o.metricsFile != "" {
		text, err := os.ReadFile(o.metricsFile)
		if err != nil {
			return cfg, fmt.Errorf("--metrics-token-file: %w", err)
		}
		if cfg.MetricsToken = strings.TrimSpace(string(text)); len(cfg.MetricsToken) < 16 {
			return cfg, usagef("--metrics-token-file: the token has fewer than 16 characters")
		}
	}
	return cfg, nil
}

// outbound reads the settings of identity providers and of calls to them.
func (o *serveOptions) outbound(cfg *server.Config) (err error) {
	cfg.MasterKey = os.Getenv(masterKeyVariable)
	if cfg.KeyAge = o.keyAge; cfg.KeyAge < oauth.LeastKeyAge || cfg.KeyAge > time.Hour {
		return usagef("--oauth-key-age is from 15s to 1h")
	}
	if o.oauth != "" {
		if cfg.OAuth, err = oauth.ParseFile([]byte(o.oauth)); err != nil {
			return usagef("--%v", err)
		}
	}
	cfg.Outbound.Development = o.development
	for _, text := range splitList(o.outboundAllow) {
		prefix, err := parsePrefix(text)
		if err != nil {
			return usagef("--outbound-allow: %q is not an address or a range of addresses", text)
		}
		cfg.Outbound.Allow = append(cfg.Outbound.Allow, prefix)
	}
	return nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return address.Prefix(address.BitLen())
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use: "serve --data DIR", Short: "Run the server", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			unknown, err := settle(cmd, os.Environ())
			if err != nil {
				return err
			}
			if o.data == "" {
				return usagef("--data names the directory in which the server keeps its data")
			}
			return o.run(cmd.Context(), cmd.ErrOrStderr(), unknown, func(s *server.Server) error { return greet(cmd.OutOrStdout(), s) })
		},
	}
	o.flags(cmd)
	return cmd
}

// greet tells whoever starts a server how to sign in for the first time, and where it is.
func greet(w io.Writer, s *server.Server) error {
	if s.FirstLink != nil {
		fmt.Fprintf(w, "This is a first start. Sign in as %s within 15 minutes, once:\n\n  %s\n\n", s.FirstLink.Person.Email, s.FirstLink.URL)
	}
	_, err := fmt.Fprintf(w, "sheaf %s serves %s\n", version, s.PublicURL)
	return err
}

// run serves until ctx ends. The greeting comes once everything is open, just before the first request is taken.
func (o *serveOptions) run(ctx context.Context, stderr io.Writer, unknown []string, greet func(*server.Server) error) (err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return usagef("--log-level is debug, info, warn or error")
	}
	log, endLog := newLog(stderr, level)
	defer endLog()
	for _, name := range unknown {
		log.Warn("an environment variable names no setting", "variable", name)
	}
	cfg, err := o.config(log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // closed already where serving began
	if cfg.PublicURL == "" {
		cfg.PublicURL = o.defaultURL(listener.Addr())
	}
	if o.development {
		log.Warn("calls to identity providers may go over plain http and to every address (--outbound-development)")
	}
	warnIfExposed(log, listener.Addr(), o.tlsCert != "", len(cfg.Proxies) > 0)
	s, err := server.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := greet(s); err != nil {
		return err
	}
	return o.listenAndServe(ctx, log, s, listener)
}

// defaultURL is the address of the listener as a browser on this machine would write it.
func (o *serveOptions) defaultURL(address net.Addr) string {
	scheme := "http"
	if o.tlsCert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return server.DefaultPublicURL
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func warnIfExposed(log *slog.Logger, address net.Addr, tls, proxied bool) {
	tcp, ok := address.(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() && !tls && !proxied {
		log.Warn("serving in the clear to the network: tokens and documents can be read on the way; give --tls-cert and --tls-key, or put a proxy in front and name it with --trusted-proxies", "listen", address.String())
	}
}

// listenAndServe serves until ctx ends, then lets what is under way finish.
func (o *serveOptions) listenAndServe(ctx context.Context, log *slog.Logger, s *server.Server, listener net.Listener) error {
	servers := []*http.Server{newHTTPServer(s.Handler(), log)}
	failed := make(chan error, 2)
	if o.tlsCert != "" {
		certs, err := newCertificate(o.tlsCert, o.tlsKey)
		if err != nil {
			return err
		}
		servers[0].TLSConfig = certs.config()
		go func() { failed <- servers[0].ServeTLS(listener, "", "") }()
	} else {
		go func() { failed <- servers[0].Serve(listener) }()
	}
	if o.opsListen != "" {
		ops, err := net.Listen("tcp", o.opsListen)
		if err != nil {
			return fmt.Errorf("listen for operators: %w", err)
		}
		servers = append(servers, newHTTPServer(s.OpsHandler(), log))
		go func() { failed <- servers[1].Serve(ops) }()
	}
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		log.Info("stopping")
	}
	s.Drain()
	if err == nil && o.drain > 0 {
		time.Sleep(o.drain)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(end) != nil {
			_ = server.Close() // what is still under way after that long is cut
		}
	}
	return err
}

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
