package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/limit"
)

// Admitter says who is asking. Package authority implements it.
type Admitter interface {
	// Admit returns the caller of r, judged by its headers, its address and the rules of the family.
	// It never reads the body. Its errors are faults, fit to be shown.
	Admit(r *http.Request, family Family) (grant.Caller, error)
}

// Event is what an audited request leaves behind.
type Event struct {
	Caller    grant.Caller
	Operation string // "POST /rest/api/v1/pin"
	Subject   string // the thing acted on, where the request names one
	Address   netip.Addr
	RequestID string
	Status    int
}

// Config says what a Server is made of. Admitter and Rooms are needed.
type Config struct {
	Admitter Admitter
	Rooms    []Room
	// Audit records an event before the answer is sent; its error becomes the answer. Nil records nothing.
	Audit func(context.Context, Event) error
	// Refused learns of each request of an admitted connector that would have changed something and was refused, with what the
	// connector was told. It returns at once. Nil learns nothing.
	Refused func(e Event, message string)
	// Log takes one line a request. Nil discards.
	Log *slog.Logger
	// Metrics registers the server's metrics. Nil keeps them to itself.
	Metrics prometheus.Registerer
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies Proxies
	// Deadline bounds the context of an operation; streams are bounded by it between items only by
	// their own reading of the context. Zero means two minutes.
	Deadline time.Duration
	// Limits hold callers to rates. Nil holds nobody.
	Limits *limit.Limits
	// Standing says how far operations, named "POST /path", are in their life. Others are ordinary ones.
	Standing map[string]Standing
	// HideExperimental hides experimental operations from requests that do not ask for them.
	HideExperimental bool
	// Metadata is the address at which a client learns where to get an access token (RFC 9728), and "" while none are taken. A
	// refusal for want of a token names it. Nil: none are ever taken.
	Metadata func(context.Context) string
}

// Server serves the operations of all rooms.
type Server struct {
	admitter Admitter
	audit    func(context.Context, Event) error
	refused  func(Event, string)
	log      *slog.Logger
	proxies  Proxies
	deadline time.Duration
	exact    map[string]map[string]*route // by path, then method: all paths without wildcards
	patterns *http.ServeMux               // paths with wildcards
	ops      []Operation
	requests *prometheus.CounterVec
	none     *route              // stands for no operation in logs and metrics
	large    *semaphore.Weighted // bytes of large bodies in memory
	outgoing outgoing
	limits   *limit.Limits
	// hidesExperimental is Config.HideExperimental.
	hidesExperimental bool
	metadata          func(context.Context) string
}

// largeBodies bounds the bytes of bodies above DefaultBody that are in memory at once.
const largeBodies = 4 * IndexingBody

// route is an operation with what is worked out once.
type route struct {
	op       Operation
	name     string
	duration prometheus.Observer
	fine     prometheus.Counter // answers with status 200
	log      slog.Handler       // writes the operation into every line, made ready once
	standing Standing
	// deprecated is the header of every answer of a deprecated operation.
	deprecated []string
	limit      limit.Name
}

// NewServer returns the server of cfg's rooms. It panics where two operations claim one path, so
// that the start stops.
func NewServer(cfg Config) *Server {
	s := &Server{
		admitter: cfg.Admitter, audit: cfg.Audit, refused: cfg.Refused, log: cfg.Log, proxies: cfg.Proxies, deadline: cfg.Deadline,
		exact: map[string]map[string]*route{}, patterns: http.NewServeMux(), large: semaphore.NewWeighted(largeBodies),
		outgoing: outgoing{all: largeAnswers, each: largeOfACaller, by: map[string]int64{}},
		limits:   cfg.Limits, hidesExperimental: cfg.HideExperimental, metadata: cfg.Metadata,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.deadline == 0 {
		s.deadline = 2 * time.Minute
	}
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sheaf_request_duration_seconds", Help: "Time from the request's headers to the end of its answer.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"op"})
	s.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sheaf_requests_total", Help: "Requests answered, by operation and status.",
	}, []string{"op", "status"})
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(durations, s.requests)
	}
	newRoute := func(op Operation, name string) *route {
		return &route{
			op: op, name: name, duration: durations.WithLabelValues(name), fine: s.requests.WithLabelValues(name, "200"),
			log:      s.log.Handler().WithAttrs([]slog.Attr{slog.String("op", name)}),
			standing: cfg.Standing[name], deprecated: deprecation(op, cfg.Standing[name]), limit: limit.NameOf(name),
		}
	}
	s.none = newRoute(Operation{}, "none")
	for _, room := range cfg.Rooms {
		for _, op := range room.ops {
			s.ops = append(s.ops, op)
			s.add(newRoute(op, op.Name()))
		}
	}
	return s
}

// Operations lists every operation that is served.
func (s *Server) Operations() []Operation { return s.ops }

func (s *Server) add(rt *route) {
	if len(rt.op.PathNames()) > 0 {
		s.patterns.HandleFunc(rt.op.Method+" "+rt.op.Path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, rt) })
		return
	}
	methods := s.exact[rt.op.Path]
	if methods == nil {
		methods = map[string]*route{}
		s.exact[rt.op.Path] = methods
	}
	if methods[rt.op.Method] != nil {
		panic("rpc: two operations claim " + rt.name)
	}
	methods[rt.op.Method] = rt
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if methods, ok := s.exact[r.URL.Path]; ok {
		if rt := methods[r.Method]; rt != nil {
			s.serve(w, r, rt)
			return
		}
	}
	// The mux answers an unclean path with a redirect, which would be followed with the credential.
	if p := r.URL.Path; p == path.Clean(p) {
		_, pattern := s.patterns.Handler(r)
		if pattern == "" {
			r = escapeID(r)
			_, pattern = s.patterns.Handler(r)
		}
		if pattern != "" {
			s.patterns.ServeHTTP(w, r)
			return
		}
	}
	s.refuse(w, r)
}

// refuse answers a path or method that no operation has, with or without a token.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	x := s.begin(w, r, nil)
	err := x.arrived()
	if err == nil {
		err = errNoPath
		if allow := s.methodsOf(r); len(allow) > 0 {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			err = fault.Newf(fault.MethodNotAllowed, "This path takes %s.", strings.Join(allow, " or "))
		}
	}
	x.render(FamilyOf(r.URL.Path), err)
	x.end(err)
}

func (s *Server) methodsOf(r *http.Request) []string {
	var allow []string
	probe := r.Clone(r.Context())
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe.Method = m
		if _, pattern := s.patterns.Handler(probe); s.exact[r.URL.Path][m] != nil || pattern != "" {
			allow = append(allow, m)
		}
	}
	return allow
}

// exchange is one request on its way through the server.
type exchange struct {
	s       *Server
	w       answer
	r       *http.Request
	rt      *route
	caller  grant.Caller
	subject string // of the audit entry
	context requestContext
	begun   time.Time
}

// answer remembers whether the answer has begun.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

const idDigits = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32, in lower case

// newRequestID returns 20 characters that need only differ, not be hard to guess.
func newRequestID() string {
	var id [20]byte
	a, b := rand.Uint64(), rand.Uint64() //nolint:gosec // no secret
	for i := range 10 {
		id[i], id[10+i] = idDigits[a&31], idDigits[b&31]
		a, b = a>>5, b>>5
	}
	return string(id[:])
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request, rt *route) *exchange {
	x := &exchange{s: s, w: answer{ResponseWriter: w}, r: r, rt: rt, begun: time.Now()}
	x.context = requestContext{parent: r.Context(), id: newRequestID(), request: r, proxies: s.proxies, deadline: x.begun.Add(s.deadline)}
	w.Header()["X-Request-Id"] = []string{x.context.id}
	return x
}

// serve takes one request through the lock to its handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, rt *route) {
	x := s.begin(w, r, rt)
	if rt.deprecated != nil {
		w.Header()[deprecatedHeader] = rt.deprecated
	}
	err := x.run()
	x.tell(err)
	begun := x.w.status != 0
	if err != nil && !begun {
		family := rt.op.Family
		if errors.Is(err, errExperimental) {
			family = PlatformAPI // which is where clients look for it
		}
		x.render(family, err)
	}
	x.end(err)
	if err != nil && begun {
		panic(http.ErrAbortHandler) // the one way to break a connection; net/http expects it
	}
}

// run admits, checks, handles and audits. A panic inside becomes an error that shows nothing.
func (x *exchange) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err = x.arrived(); err != nil {
		return err
	}
	if !x.rt.op.Bare {
		if x.caller, err = x.s.admitter.Admit(x.r, x.rt.op.Family); err != nil {
			return err
		}
	}
	defer x.context.end()
	if err = x.lock(); err == nil {
		if err = x.called(); err == nil {
			err = x.rt.op.serve(x)
		}
	}
	if err == nil || x.w.status != 0 {
		return err
	}
	// What failed is on record too where the caller acts as others; a record that fails wins.
	if auditErr := x.record(StatusOf(fault.KindOf(err))); auditErr != nil {
		return auditErr
	}
	return err
}

// arrived counts the request against the limits of its address and of the server.
func (x *exchange) arrived() error {
	if x.s.limits == nil {
		return nil
	}
	return x.s.limits.Arrived(x.s.proxies.Address(x.r), x.begun)
}

// called checks what is left before the body is read: that the operation is there for this request, and the
// limits of its caller.
func (x *exchange) called() error {
	if x.rt.op.Bare {
		return nil
	}
	if err := x.stands(); err != nil {
		return err
	}
	if x.s.limits == nil {
		return nil
	}
	c := limit.Call{Caller: x.caller, Name: x.rt.limit, At: x.begun}
	if x.caller.Is(grant.Anonymous) {
		c.Address = x.s.proxies.Address(x.r)
	}
	if c.Name == limit.CustomMetadata {
		c.Group = x.r.PathValue("groupName")
	}
	return x.s.limits.Called(c)
}

// lock checks scope and kind, before the body is read.
func (x *exchange) lock() error {
	if x.rt.op.Bare {
		return nil
	}
	if !x.caller.Has(x.rt.op.Scope) {
		return fault.Newf(fault.Forbidden, "This token lacks the scope %s, which this operation needs.", x.rt.op.Scope).
			WithCode(InsufficientScope).WithField(x.rt.op.Scope.String())
	}
	if !x.caller.Is(x.rt.op.Kinds) {
		return fault.Newf(fault.Forbidden, "A token with the permission %s does not open this operation.", x.caller.Kind()).
			WithCode(InsufficientScope).WithField(x.rt.op.Scope.String())
	}
	return nil
}

// record writes the audit entry of a change that succeeded, and of every request that acts as another.
func (x *exchange) record(status int) error {
	changed := x.rt.op.Changes && status < 300
	if x.s.audit == nil || !changed && x.caller.Kind() != grant.Global {
		return nil
	}
	return x.s.audit(&x.context, Event{
		Caller: x.caller, Operation: x.rt.name, Subject: x.subject, Address: x.s.proxies.Address(x.r),
		RequestID: x.context.id, Status: status,
	})
}

// tell says that a connector was refused something.
func (x *exchange) tell(err error) {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || x.s.refused == nil || x.rt.op.Family != IndexingAPI || !x.rt.op.Changes || !x.caller.Is(grant.Indexing) {
		return
	}
	x.s.refused(Event{
		Caller: x.caller, Operation: x.rt.name, Subject: x.subject, RequestID: x.context.id, Status: StatusOf(f.Kind),
	}, secretForm.ReplaceAllString(f.Message, "shf_${1}_…"))
}

// secretForm matches every secret that sheaf makes.
var secretForm = regexp.MustCompile(`shf_([a-z])_[0-9A-Za-z_-]{8,}`) //nolint:gochecknoglobals // constant

// end writes the log line and the metric.
func (x *exchange) end(err error) {
	status := x.w.status
	took := time.Since(x.begun)
	rt := x.rt
	if rt == nil {
		rt = x.s.none
	}
	rt.duration.Observe(took.Seconds())
	if status == http.StatusOK {
		rt.fine.Inc()
	} else {
		x.s.requests.WithLabelValues(rt.name, strconv.Itoa(status)).Inc()
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	if !x.s.log.Enabled(context.Background(), level) {
		return
	}
	// A record made here spares the look for the line of code that it comes from, which is always this one.
	record := slog.NewRecord(x.begun.Add(took), level, "request", 0)
	record.AddAttrs(slog.Int("status", status), slog.Duration("dur", took), slog.String("request", x.context.id),
		slog.String("caller", x.caller.Email()), slog.String("token", x.caller.Token()))
	if err != nil {
		// Errors about a body name its fields, and people put secrets into the wrong place.
		record.AddAttrs(slog.String("err", secretForm.ReplaceAllString(err.Error(), "shf_${1}_…")))
	}
	_ = rt.log.Handle(context.Background(), record) // there is nowhere to report a log that cannot be written
}
