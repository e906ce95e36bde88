package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sheafsearch/sheaf/internal/activity"
	"github.com/sheafsearch/sheaf/internal/admin"
	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/indexer"
	"github.com/sheafsearch/sheaf/internal/intake/datasources"
	indocuments "github.com/sheafsearch/sheaf/internal/intake/documents"
	"github.com/sheafsearch/sheaf/internal/intake/metadata"
	inpeople "github.com/sheafsearch/sheaf/internal/intake/people"
	"github.com/sheafsearch/sheaf/internal/intake/permissions"
	inshortcuts "github.com/sheafsearch/sheaf/internal/intake/shortcuts"
	"github.com/sheafsearch/sheaf/internal/intake/submissions"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/limit"
	"github.com/sheafsearch/sheaf/internal/room/docpermissions"
	"github.com/sheafsearch/sheaf/internal/room/documents"
	"github.com/sheafsearch/sheaf/internal/room/entities"
	"github.com/sheafsearch/sheaf/internal/room/people"
	"github.com/sheafsearch/sheaf/internal/room/platformsearch"
	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/room/webauth"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/scim"
	"github.com/sheafsearch/sheaf/internal/shortcut"
	"github.com/sheafsearch/sheaf/internal/sso"
)

// Server is a whole sheaf: the core, the rooms, the index and what runs in the background.
type Server struct {
	*Core
	Corpus  *corpus.Corpus
	Index   *index.Index
	Indexer *indexer.Indexer
	// Activity is what people opened and searched for.
	Activity *activity.Log
	// FirstLink signs in the first Super Admin; nil where there were people already.
	FirstLink *authority.Link

	cfg      Config
	owner    *ownerLock
	finder   *search.Service
	api      *rpc.Server
	handler  http.Handler
	ops      http.Handler
	draining atomic.Bool
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Open opens the data directory, which it owns until Close, and starts what runs in the background.
func Open(ctx context.Context, cfg Config) (_ *Server, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AdminEmail == "" {
		cfg.AdminEmail = "admin@localhost"
	}
	s := &Server{cfg: cfg}
	defer func() {
		if err != nil {
			_ = s.Close() // the first error is the one to tell
		}
	}()
	// The lock first: a second, newer server must not migrate the database under the one that runs.
	if cfg.Data != "" {
		if s.owner, err = own(cfg.Data); err != nil {
			return nil, err
		}
	}
	if s.Core, err = OpenCore(ctx, cfg); err != nil {
		return nil, err
	}
	if err = s.rememberPublicURL(ctx); err != nil {
		return nil, err
	}
	if s.Corpus, err = corpus.Open(ctx, s.DB, s.People, corpus.Config{HideNewDatasources: cfg.HideNewDatasources}); err != nil {
		return nil, err
	}
	s.Activity = activity.Open(s.DB, activity.Config{Retention: cfg.ActivityRetention, Log: cfg.Log})
	s.Index = index.New(plain.New(), s.People.Access)
	s.finder = s.openFinder()
	if err = s.start(ctx); err != nil {
		return nil, err
	}
	link, first, err := s.Authority.FirstStart(ctx, cfg.AdminEmail)
	if err != nil {
		return nil, fmt.Errorf("make the first Super Admin: %w", err)
	}
	if first {
		s.FirstLink = &link
	}
	return s, s.wire()
}

// fillTime is how long a start waits for the index. A larger one goes on filling while the server answers, and
// /readyz says so.
const fillTime = 5 * time.Second

// start starts the goroutines that follow the queue and work on jobs, and waits a little for the index.
func (s *Server) start(ctx context.Context) error {
	s.Indexer = indexer.New(indexer.Config{
		Corpus: s.Corpus, Directory: s.People, Index: s.Index, Caller: s.Authority.Maintenance(), Log: s.cfg.Log, Shown: s.Corpus.Reveal,
		Fresh: func() (index.Engine, error) { return plain.New(), nil },
	})
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() {
		if err := s.Indexer.Run(background); err != nil {
			s.cfg.Log.Error("the index is not followed any more", "err", err)
		}
	})
	if s.owner != nil && s.cfg.Database == "" { // nobody else works on the jobs of a data directory's own database
		if err := job.Orphan(ctx, s.DB); err != nil {
			return err
		}
	}
	for _, lane := range s.works() {
		runner := job.NewRunner(s.DB, s.cfg.Log, lane)
		s.running.Go(func() { runner.Run(background) })
	}
	s.running.Go(func() { s.Corpus.WatchNames(background, s.Authority.Maintenance(), s.cfg.Log) })
	s.running.Go(func() { s.Corpus.Tend(background, s.Authority.Maintenance(), s.cfg.Log) })
	head, err := s.Corpus.Head(ctx, s.Authority.Maintenance())
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, fillTime)
	defer cancel()
	if err := s.Indexer.WaitFor(wait, head.Position); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}

// Rooms lists the rooms of this server; the operations that it does not have are in them too.
func (s *Server) Rooms() []rpc.Room {
	rooms := []rpc.Room{
		s.finder.Room(),
		documents.New(s.Corpus, s.People).Found(s.Index, s.Activity, s.finder, s.Keys).Room(),
		docpermissions.New(s.Corpus, s.People).Room(),
		people.New(s.People, s.cfg.Now).Room(),
		entities.New(entities.Config{
			Directory: s.People, Seal: s.Keys, Corpus: s.Corpus, Index: s.Index, Documents: documents.New(s.Corpus, s.People),
		}).Room(),
		datasources.New(s.Corpus).Room(),
		indocuments.New(s.Corpus).Room(),
		metadata.New(s.Corpus).Room(),
		submissions.New(s.Corpus).Room(),
		permissions.New(s.People).Room(),
		inpeople.New(s.People).Room(),
		inshortcuts.New(shortcut.New(s.DB)).Room(),
		webauth.New(webTokens{s.Authority}).Room(),
		platformsearch.New(platformFinder{s.finder}, s.Corpus, s.Keys).Room(),
		admin.New(s.Authority, s.Corpus, s.Audit, s.explainer(), s.uploads(), s.OAuth).Room(),
	}
	rooms = append(rooms, scim.New(s.People, s.Audit, s.PublicURL.String()).Room())
	rooms = append(rooms, s.intakeRooms()...)
	return append(rooms, contract.Unbuilt(rooms)...)
}

// openFinder makes the one search room: what it knows of people's names is kept once.
func (s *Server) openFinder() *search.Service {
	return search.New(search.Config{
		Index: s.Index, Documents: documents.New(s.Corpus, s.People), People: s.People, Sources: s.Corpus, History: s.Activity, Admin: s.Authority,
		Keys: s.Keys, Now: s.cfg.Now,
	})
}

// wire makes the handlers.
func (s *Server) wire() error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.gauges(metrics)
	s.Authority.Register(metrics)
	s.OAuth.Register(metrics)
	limits := limit.New(s.cfg.Limits, time.Now(), metrics)
	s.api = rpc.NewServer(rpc.Config{
		Admitter: s.Authority, Rooms: s.Rooms(), Audit: s.record, Refused: s.refused, Log: s.cfg.Log, Metrics: metrics, Proxies: s.cfg.Proxies,
		Limits: limits, Standing: contract.Standing(), HideExperimental: s.cfg.HideExperimental, Metadata: s.metadata,
	})
	signIn, err := sso.New(sso.Config{
		DB: s.DB, Authority: s.Authority, People: s.People, Audit: s.Audit, Keys: s.Keys, Providers: signOn{s.OAuth}, PublicURL: s.PublicURL, Log: s.cfg.Log, Now: s.cfg.Now,
	})
	if err != nil {
		return err
	}
	pages, err := console.New(console.Config{
		SignOn: signIn, OAuth: s.OAuth, PublicURL: s.PublicURL.String(), Authority: s.Authority, People: s.People, Datasources: pageDatasources{s, s.Corpus, s.Audit}, Audit: s.Audit,
		Search: pageSearch{s.finder, s.Corpus, s.People, s.Activity}, Why: s.explainer(), Proxies: s.cfg.Proxies, Log: s.cfg.Log, Now: s.cfg.Now,
	})
	if err != nil {
		return err
	}
	numbers := promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})
	mux := http.NewServeMux()
	s.health(mux)
	s.describe(mux)
	s.resource(mux)
	for _, pattern := range console.Patterns() {
		mux.Handle(pattern, s.limited(limits, pages.Handler()))
	}
	if s.cfg.MetricsToken != "" {
		mux.Handle("GET /metrics", behindToken(s.cfg.MetricsToken, numbers))
	}
	mux.Handle("/", s.api)
	s.handler = mux
	ops := http.NewServeMux()
	s.health(ops)
	ops.Handle("GET /metrics", numbers)
	s.ops = ops
	return nil
}

// Operations lists what the API serves.
func (s *Server) Operations() []rpc.Operation { return s.api.Operations() }

// Handler serves the APIs and the pages.
func (s *Server) Handler() http.Handler {
	h := direct{s.api, s.handler}
	if s.PublicURL.Scheme != "https" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Strict-Transport-Security"] = []string{"max-age=31536000"} // RFC 6797: a year
		h.ServeHTTP(w, r)
	})
}

// OpsHandler serves metrics and health checks alone.
func (s *Server) OpsHandler() http.Handler { return s.ops }

// direct takes the API's requests past the mux, which would answer an unclean path with a redirect.
type direct struct {
	api  http.Handler
	rest http.Handler
}

func (d direct) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rpc.FamilyOf(path.Clean(r.URL.Path)) != rpc.NoFamily {
		d.api.ServeHTTP(w, r)
		return
	}
	d.rest.ServeHTTP(w, r)
}

// health answers whether the process lives, and whether it can serve.
func (s *Server) health(mux *http.ServeMux) {
	fine := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = w.Write([]byte("ok\n"))
	}
	mux.HandleFunc("GET /livez", fine)
	mux.HandleFunc("GET /liveness_check", fine)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		switch err := s.DB.Ping(ctx); {
		case s.draining.Load():
			http.Error(w, "stopping", http.StatusServiceUnavailable)
		case err != nil:
			s.cfg.Log.Warn("not ready", "err", err)
			http.Error(w, "the database is away", http.StatusServiceUnavailable)
		case s.Indexer.Status().Filling:
			http.Error(w, "the index is being filled", http.StatusServiceUnavailable)
		default:
			fine(w, r)
		}
	})
}

// Drain makes /readyz say that the server stops, so that a load balancer turns away.
func (s *Server) Drain() { s.draining.Store(true) }

func behindToken(token string, h http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "This needs the metrics token.", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// record puts an audited request into the audit log.
func (s *Server) record(ctx context.Context, e rpc.Event) error {
	entry := audit.By(e.Caller)
	entry.Action, entry.Subject, entry.Address, entry.RequestID = e.Operation, e.Subject, e.Address.String(), e.RequestID
	switch {
	case e.Status >= http.StatusInternalServerError:
		entry.Outcome = audit.Failed
	case e.Status >= http.StatusBadRequest:
		entry.Outcome = audit.Refused
	}
	return s.Audit.Record(ctx, entry)
}

// gauges shows how far the index is and what waits for the database.
func (s *Server) gauges(metrics prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("sheaf_index_documents", "Live documents in the search index.", func() float64 { return float64(s.Index.State().Documents) })
	gauge("sheaf_index_position", "Place in the change queue that the index has reached.", func() float64 { return float64(s.Index.State().Position) })
	gauge("sheaf_database_waiting_writes", "Writes that wait for their turn.", func() float64 { return float64(s.DB.Stats().Waiting) })
	gauge("sheaf_database_commits_total", "Transactions committed by this process.", func() float64 { return float64(s.DB.Stats().Commits) })
}

// Close stops the background, writes down what is in memory, and lets go of the data directory.
func (s *Server) Close() error {
	var errs []error
	if s.stop != nil {
		s.stop()
		s.running.Wait()
	}
	if s.Index != nil {
		errs = append(errs, s.Index.Close())
	}
	if s.Activity != nil {
		errs = append(errs, s.Activity.Close())
	}
	if s.Core != nil {
		errs = append(errs, s.Core.Close())
	}
	if s.owner != nil {
		errs = append(errs, s.owner.release())
	}
	return errors.Join(errs...)
}
