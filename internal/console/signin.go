package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

type signInView struct {
	Title, Code, Next, Problem string
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
	return v.write(http.StatusOK, "signin", frame{Title: "Sign in", Theme: v.theme()}, view)
}

// signIn exchanges a code for a session.
func (c *Console) signIn(v *visit) error {
	next := local(v.form.Get("next"), "/")
	_, cookie, err := c.cfg.Authority.SignIn(v.r, v.form.Get("code"))
	if err == nil {
		http.SetCookie(v.w, cookie)
		return v.redirect(next)
	}
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind != fault.Unauthenticated && f.Kind != fault.TooMany && f.Kind != fault.Invalid {
		return err
	}
	if f.RetryAfter > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())+1))
	}
	view := signInView{Title: "You are not signed in", Problem: f.Message, Next: local(v.form.Get("next"), "")}
	return v.write(rpc.StatusOf(f.Kind), "signin", frame{Title: "Not signed in", Theme: v.theme()}, view)
}

// signOut ends the session and makes the browser forget it.
func (c *Console) signOut(v *visit) error {
	if err := c.cfg.Authority.EndSession(v.r.Context(), v.admin); err != nil {
		return err
	}
	http.SetCookie(v.w, c.cfg.Authority.ClearedCookie())
	return v.redirect("/signin")
}
