package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sso"
)

// SignOn signs people in through identity providers. *sso.Service is one.
type SignOn interface {
	Choices(ctx context.Context) []string
	Begin(r *http.Request, provider, next string) (sso.Departure, error)
	End(r *http.Request, provider string) (sso.Arrival, error)
	Release(ctx context.Context, c grant.Caller, person *directory.Person) (bool, error)
	Linked(ctx context.Context, ids []string) (map[string]bool, error)
}

type signInView struct {
	Title, Code, Next, Problem string
	// Providers are the ways through a provider; Links says that a link is a way, too.
	Providers []way
	Links     bool
	// Again is what replaces the address of a sign-in that failed: what stands in it must not be sent again.
	Again string
}

// ways completes a view with the ways to sign in that there are now.
func (c *Console) ways(v *visit, view signInView) signInView {
	for _, name := range c.cfg.SignOn.Choices(v.r.Context()) {
		path := "/signin/" + url.PathEscape(name)
		if view.Next != "" {
			path += "?" + url.Values{"next": {view.Next}}.Encode()
		}
		view.Providers = append(view.Providers, way{"Sign in with " + name, path, len(view.Providers) == 0})
	}
	view.Links = len(view.Providers) == 0 || !c.cfg.Authority.LinksOff(v.r.Context())
	return view
}

// maxCode is more than any code has.
const maxCode = 200

// signInPage asks for a click where a link brought a code, and says how to get a link where none did.
// It changes nothing: scanners and previews follow links, and must not use a code up.
func (c *Console) signInPage(v *visit) error {
	form := v.r.URL.Query()
	view := signInView{Title: "Sign in to sheaf", Code: form.Get("code"), Next: local(form.Get("next"), "")}
	if len(view.Code) > maxCode {
		view.Code = ""
	}
	if _, err := c.cfg.Authority.SessionFrom(v.r); err == nil && view.Code == "" {
		if view.Next == "" {
			view.Next = "/"
		}
		return v.redirect(view.Next)
	}
	return v.write(http.StatusOK, "signin", frame{Title: "Sign in", Theme: v.theme()}, c.ways(v, view))
}

// signIn exchanges a code for a session.
func (c *Console) signIn(v *visit) error {
	next := local(v.form.Get("next"), "/")
	_, cookie, err := c.cfg.Authority.SignIn(v.r, v.form.Get("code"))
	if err == nil {
		http.SetCookie(v.w, cookie)
		return v.redirect(next)
	}
	return c.notSignedIn(v, err, signInView{Next: local(v.form.Get("next"), "")})
}

// notSignedIn is the sign-in page with what went wrong.
func (c *Console) notSignedIn(v *visit, err error, view signInView) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind == fault.Internal || f.Code == "csrf" {
		return err
	}
	if f.Kind == fault.Unavailable || f.Kind == fault.Timeout {
		v.report(err)
	}
	if f.RetryAfter > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())+1))
	}
	view.Title, view.Problem = "You are not signed in", f.Message
	return v.write(rpc.StatusOf(f.Kind), "signin", frame{Title: "Not signed in", Theme: v.theme()}, c.ways(v, view))
}

// beginSignOn sends the browser to a provider.
func (c *Console) beginSignOn(v *visit) error {
	next := local(v.r.URL.Query().Get("next"), "")
	out, err := c.cfg.SignOn.Begin(v.r, v.r.PathValue("provider"), next)
	if err != nil {
		return c.notSignedIn(v, err, signInView{Next: next})
	}
	for _, k := range out.Cookies {
		http.SetCookie(v.w, k)
	}
	return v.redirect(out.To)
}

// endSignOn takes the browser back from a provider.
func (c *Console) endSignOn(v *visit) error {
	if v.r.Method != http.MethodGet { // HEAD, which changes nothing
		return errNoPage
	}
	in, err := c.cfg.SignOn.End(v.r, v.r.PathValue("provider"))
	for _, k := range in.Cookies {
		http.SetCookie(v.w, k)
	}
	next := local(in.Next, "")
	if err != nil {
		again := "/signin"
		if next != "" {
			again += "?" + url.Values{"next": {next}}.Encode()
		}
		return c.notSignedIn(v, err, signInView{Next: next, Again: again})
	}
	if next == "" {
		next = "/"
	}
	return v.redirect(next)
}

// signOut ends the session and makes the browser forget it.
func (c *Console) signOut(v *visit) error {
	if err := c.cfg.Authority.EndSession(v.r.Context(), v.admin); err != nil {
		return err
	}
	http.SetCookie(v.w, c.cfg.Authority.ClearedCookie())
	return v.redirect("/signin")
}
