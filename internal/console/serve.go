package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// visit is one request to a page, with whose it is.
type visit struct {
	c       *Console
	w       *answer
	r       *http.Request
	now     time.Time
	request string // id, in the log and on error pages

	session authority.Visit // zero before sign-in
	person  grant.Caller    // searches
	admin   grant.Caller    // administers
	name    string
	said    string     // what the post before this page did
	form    url.Values // the body of a post, read and checked
}

// answer remembers the status that went out.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// policy lets a page load its stylesheet, script and pictures from here, and nothing else from anywhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// serve wraps a page: headers, the request's id, the error page, one log line.
func (c *Console) serve(op string, h func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		r = c.cfg.Proxies.Identify(w, r)
		ctx := r.Context()
		v := &visit{c: c, w: &answer{ResponseWriter: w}, r: r, now: c.now(), request: rpc.RequestID(ctx)}
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: that makes browsers send "Origin: null" with our own forms (Fetch, section 3.1).
		head.Set("Referrer-Policy", "same-origin")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		head.Set("Cache-Control", "no-store")
		err := v.run(h)
		if err != nil {
			v.fail(err)
		}
		c.log.LogAttrs(ctx, slog.LevelInfo, "page", slog.String("op", op), slog.Int("status", v.w.status),
			slog.Duration("dur", time.Since(begun)), slog.String("caller", v.admin.Person()), slog.String("id", v.request))
	})
}

// run keeps a panic of one page from the others.
func (v *visit) run(h func(*visit) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // the value itself is the sign
				panic(p)
			}
			err = panicked{p, debug.Stack()}
		}
	}()
	if err := checkText(v.r.URL.Query()); err != nil {
		return err
	}
	if v.r.Method == http.MethodPost {
		if v.form, err = readForm(v.w, v.r); err != nil {
			return err
		}
	}
	return h(v)
}

// open serves a page that needs no sign-in.
func (c *Console) open(op string, h func(*visit) error) http.Handler { return c.serve(op, h) }

// signedIn serves a page to whoever is signed in, and leads everyone else to the sign-in page. A
// post must carry the session's own CSRF token.
func (c *Console) signedIn(op string, h func(*visit) error) http.Handler {
	return c.serve(op, func(v *visit) error {
		err := v.enter()
		if fault.KindOf(err) == fault.Unauthenticated {
			return v.leadIn()
		}
		if err == nil && v.r.Method == http.MethodPost {
			err = c.cfg.Authority.CheckForm(v.r, v.session, v.form.Get("csrf"))
		}
		if err != nil {
			return err
		}
		v.takeSaid()
		return h(v)
	})
}

// enter finds out who is visiting.
func (v *visit) enter() error {
	session, err := v.c.cfg.Authority.SessionFrom(v.r)
	if err != nil {
		return err
	}
	v.session, v.person, v.admin, v.name = session, session.User, session.Admin, session.Admin.Email()
	roster, err := v.c.cfg.People.Roster(v.r.Context())
	if err != nil {
		return err
	}
	if p, known := roster.ByID(v.admin.Person()); known {
		v.name = p.Name
	}
	return nil
}

// forRole serves a page of the console to people who have at least that role.
func (c *Console) forRole(least grant.Role, op string, h func(*visit) error) http.Handler {
	return c.signedIn(op, func(v *visit) error {
		if role := v.admin.Role(); role < least {
			return notAllowed{role, least}
		}
		return h(v)
	})
}

// leadIn goes to the sign-in page, and remembers where a GET was going.
func (v *visit) leadIn() error {
	to := "/signin"
	if v.r.Method == http.MethodGet && v.r.URL.RequestURI() != "/" {
		to += "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode()
	}
	return v.redirect(to)
}

// redirect answers a post, so that going back or reloading never posts again.
func (v *visit) redirect(to string) error {
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// local is the path if it leads to a page of ours, and fallback where it might lead elsewhere.
func local(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n") {
		return fallback
	}
	return path
}

// write answers with a page.
func (v *visit) write(status int, name string, f frame, body any) error {
	return v.c.write(v.w, v.r, status, name, f, body)
}

// frame is what surrounds this visitor's pages.
func (v *visit) frame(title string) frame {
	f := frame{Title: title, Theme: v.theme(), Here: v.r.URL.RequestURI(), Said: v.said}
	if v.r.Method != http.MethodGet {
		f.Here = "/"
		if strings.HasPrefix(v.r.URL.Path, "/admin/") {
			f.Here = "/admin/"
		}
	}
	role := v.admin.Role()
	f.CSRF, f.Name, f.Role = v.session.CSRF, v.name, roleOf(role).Name
	f.Face = faceOf(v.name, v.admin.Email())
	f.Wrench = role >= grant.RoleTokenCreator
	if f.Wrench {
		f.Nav = navOf(role, v.r.URL.Path)
	}
	return f
}

// notAllowed is the refusal of a console page. It is no fault of a service, and reads better as a page.
type notAllowed struct{ role, least grant.Role }

func (n notAllowed) Error() string { return "a console page needs the role " + n.least.String() }

type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return "panic in a page" }

type oopsView struct {
	Title, What, Request string
	Locked               bool
	Ways                 []way
}

type way struct {
	Name, Path string
	Primary    bool
}

// fail answers with the page for err. Nothing of an internal error is on it but the request's id.
func (v *visit) fail(err error) {
	if v.w.status != 0 {
		v.report(err)
		return
	}
	status, view := v.oops(err)
	f := frame{Title: view.Title, Theme: v.theme()}
	if err := v.write(status, "oops", f, view); err != nil {
		v.report(err)
		http.Error(v.w, "internal error, request "+v.request, http.StatusInternalServerError)
	}
}

func (v *visit) oops(err error) (int, oopsView) {
	if n, ok := errors.AsType[notAllowed](err); ok {
		return http.StatusForbidden, n.view()
	}
	home := way{"Go to the start page", "/", false}
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind == fault.Internal {
		v.report(err)
		return http.StatusInternalServerError, oopsView{
			Title: "Something broke here",
			What:  "It is not something you did, and nothing was changed by halves. Try again in a moment.", Request: v.request, Ways: []way{home},
		}
	}
	view := oopsView{What: f.Message, Ways: []way{home}}
	switch f.Kind {
	case fault.NotFound:
		view.Title = "There is nothing here"
	case fault.Forbidden:
		view.Title, view.Locked = "This is not open to you", true
	case fault.Unauthenticated:
		view.Title, view.Ways = "You are signed out", []way{{"Sign in", "/signin", true}}
	case fault.TooMany:
		view.Title = "Too many tries"
	case fault.Unavailable, fault.Timeout:
		v.report(err)
		view.Title, view.Request = "Not available right now", v.request
	default:
		view.Title = "This did not work"
	}
	return rpc.StatusOf(f.Kind), view
}

func (n notAllowed) view() oopsView {
	view := oopsView{Locked: true, Ways: []way{{"Go to search", "/", true}}}
	mine := roleOf(n.role).Name
	if n.role == grant.RoleMember {
		view.Title = "The console is for administrators"
		view.What = "You are signed in as a " + mine + ". Ask a Super Admin for the role you need; search stays open to you."
		return view
	}
	view.Title = "This page needs the role " + roleOf(n.least).Name
	view.What = "You are signed in as " + article(mine) + ". Ask a Super Admin to make the change, or to give you the role."
	view.Ways = []way{{"Go to API Tokens", pathTokens, true}, {"Go to search", "/", false}}
	return view
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "AEIOU") {
		return "an " + noun
	}
	return "a " + noun
}

// report logs what the page does not show.
func (v *visit) report(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	attrs := []slog.Attr{slog.String("id", v.request), slog.String("op", v.r.Method+" "+v.r.URL.Path), slog.Any("err", err)}
	if p, ok := errors.AsType[panicked](err); ok {
		attrs = append(attrs, slog.Any("panic", p.value), slog.String("stack", string(p.stack)))
	}
	v.c.log.LogAttrs(v.r.Context(), slog.LevelError, "page failed", attrs...)
}
