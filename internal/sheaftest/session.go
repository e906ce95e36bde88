package sheaftest

import "net/http"

// Session is an administrator's session: what a browser would send.
type Session struct {
	Cookie string // the whole header
	CSRF   string
}

// Headers are those of a request that changes something, for Do.
func (s Session) Headers() []string {
	return []string{"Cookie", s.Cookie, "X-CSRF-Token", s.CSRF}
}

// SignIn signs a person in with a sign-in link, over the admin API.
func (s *Server) SignIn(email string) Session {
	s.tb.Helper()
	link, err := s.Authority.CreateLink(s.tb.Context(), s.Authority.Maintenance(), email)
	if err != nil {
		s.tb.Fatal(err)
	}
	a := s.Must("POST", "/api/admin/v1/session", "", map[string]string{"code": link.Code.Reveal()})
	var who struct {
		CSRFToken string `json:"csrfToken"`
	}
	a.Decode(&who)
	cookies := (&http.Response{Header: a.Header}).Cookies()
	if len(cookies) != 1 {
		s.tb.Fatalf("signing in sets %d cookies, want 1", len(cookies))
	}
	return Session{cookies[0].Name + "=" + cookies[0].Value, who.CSRFToken}
}
