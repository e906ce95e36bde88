package console

import (
	"net/http"
	"strings"
	"time"
)

// The console's own cookies. Neither is a secret: one is the appearance, one says for a moment what
// the last post did. The session's cookie belongs to authority.
const (
	themeCookie = "sheaf-theme"
	saidCookie  = "sheaf-said"
)

func (v *visit) theme() string {
	if k, err := v.r.Cookie(themeCookie); err == nil && (k.Value == "light" || k.Value == "dark") {
		return k.Value
	}
	return ""
}

// setTheme keeps the appearance that a form chose, and goes back to where the form was.
func (v *visit) setTheme() error {
	k := v.c.cookie(themeCookie, v.form.Get("theme"), 400*day) //nolint:gosec // made by cookie, below
	if k.Value != "light" && k.Value != "dark" {
		k.Value, k.MaxAge = "", -1
	}
	http.SetCookie(v.w, k)
	return v.redirect(local(v.form.Get("back"), "/"))
}

// sayings are what a page can say about the post before it. Only these can be said, so that a link
// cannot put words on our pages.
var sayings = map[string]string{
	"revoked":      "The token is revoked. Calls with it fail from now on.",
	"person":       "The person is added.",
	"role":         "The role is changed. It counts from the next request on.",
	"deactivated":  "The person is deactivated. Their tokens and sessions have stopped.",
	"reactivated":  "The person is active again. Tokens that are neither expired nor revoked work again, too.",
	"released":     "The account is released. The next one with their address becomes theirs.",
	"oauth":        "The settings are saved. They count within a second.",
	"provider":     "The provider is saved. It counts within a second.",
	"provider-off": "The provider is removed. Its tokens are refused within a second.",
	"datasource":   "The datasource is saved. It counts from the next search on.",
	"testers":      "The test users are saved. They count from the next search on.",
	"removal-run":  "The removal goes on. What is stale is gone in a moment.",
	"removal-drop": "The removal is dropped. What was stale stays until the next upload ends.",
}

// say leaves a saying for the next page.
func (v *visit) say(what string) {
	http.SetCookie(v.w, v.c.cookie(saidCookie, what, time.Minute))
}

// takeSaid takes the saying that was left, once.
func (v *visit) takeSaid() {
	k, err := v.r.Cookie(saidCookie)
	if err != nil || v.r.Method != http.MethodGet {
		return
	}
	v.said = sayings[k.Value]
	http.SetCookie(v.w, v.c.cookie(saidCookie, "", -time.Second))
}

func (c *Console) cookie(name, value string, age time.Duration) *http.Cookie {
	k := &http.Cookie{ //nolint:gosec // Secure wherever the public address is https; a plain one cannot have it
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(c.cfg.PublicURL, "https://"),
	}
	if k.MaxAge = int(age / time.Second); age < 0 {
		k.MaxAge = -1
	}
	return k
}
