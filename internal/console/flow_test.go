package console

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	w.add("mira.okafor@quillmere.example", "Mira Okafor", grant.RoleSuperAdmin)
	b := w.as("mira.okafor@quillmere.example")
	b.get("/").want(http.StatusOK).says("Hello, Mira", "Console")
	b.get("/admin/").want(http.StatusOK).says("API Tokens", "No client token yet")
	_ = url.Values{}
}
