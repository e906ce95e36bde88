package server_test

import (
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestProvisioning holds that whom the identity provider brings in may search, and may not from the moment at which it deactivates them.
func TestProvisioning(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	_, secret, err := s.Authority.CreateSCIMToken(t.Context(), s.Authority.Maintenance(), authority.NewSCIMToken{Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	scim := secret.Reveal()
	const media = "application/scim+json"
	made := s.Do("POST", "/scim/v2/Users", scim, `{"userName":"ines@quillmere.example","displayName":"Ines Okafor"}`, "Content-Type", media)
	if made.Status != 201 || made.Header.Get("Content-Type") != media {
		t.Fatalf("POST /scim/v2/Users = %d %s", made.Status, made.Body)
	}
	at := strings.TrimPrefix(made.Header.Get("Location"), s.PublicURL.String())
	own, session := s.As("ines@quillmere.example"), s.SignIn("ines@quillmere.example")
	search := func() int {
		return s.Do("POST", "/rest/api/v1/search", own, `{"query":"tides","pageSize":5}`).Status
	}
	if got := search(); got != 200 {
		t.Errorf("searching = %d, want 200", got)
	}
	if a := s.Do("PATCH", at, scim, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, "Content-Type", media); a.Status != 200 {
		t.Fatalf("PATCH %s = %d %s", at, a.Status, a.Body)
	}
	if got := search(); got != 401 {
		t.Errorf("searching after leaving = %d, want 401", got)
	}
	if a := s.Do("GET", "/api/admin/v1/session", "", nil, session.Headers()...); a.Status != 401 {
		t.Errorf("the session after leaving = %d, want 401", a.Status)
	}
	// An administrator cannot let in whom the provider keeps out.
	admin := s.SignIn("admin@localhost")
	if a := s.Do("PATCH", "/api/admin/v1/users/ines@quillmere.example", "", `{"active":true}`, admin.Headers()...); a.Status != 409 {
		t.Errorf("activating = %d %s, want 409", a.Status, a.Body)
	}
	// Nor does the path lead past the lock when it is written otherwise.
	for _, path := range []string{"/scim/v2//Users", "/scim/v2/../v2/Users", "/scim//v2/Users", "/scim/v2/Users/"} {
		if a := s.Do("GET", path, "", nil); a.Status != 401 && a.Status != 404 {
			t.Errorf("GET %s = %d", path, a.Status)
		}
	}
}
