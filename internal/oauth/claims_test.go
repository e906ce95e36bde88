package oauth

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func TestEntraIDVouchesForMailInOneClaimAlone(t *testing.T) {
	for name, c := range map[string]struct {
		claim  string
		claims claims
		want   Reason
	}{
		"by default":              {"", claims{"preferred_username": jsontext.Value(`"m@x.example"`), "email": jsontext.Value(`"admin@x.example"`)}, ""},
		"mail alone":              {"", claims{"email": jsontext.Value(`"m@x.example"`)}, NoEmail},
		"mail, when asked for":    {"email", claims{"email": jsontext.Value(`"m@x.example"`)}, Unverified},
		"mail, said verified":     {"email", claims{"email": jsontext.Value(`"m@x.example"`), "email_verified": jsontext.Value("true")}, Unverified},
		"mail, vouched for":       {"email", claims{"email": jsontext.Value(`"m@x.example"`), "xms_edov": jsontext.Value("true")}, ""},
		"mail, vouched for by 1":  {"email", claims{"email": jsontext.Value(`"m@x.example"`), "xms_edov": jsontext.Value(`"1"`)}, ""},
		"mail, not vouched for":   {"email", claims{"email": jsontext.Value(`"m@x.example"`), "xms_edov": jsontext.Value("false")}, Unverified},
		"mail, vouched for by 0":  {"email", claims{"email": jsontext.Value(`"m@x.example"`), "xms_edov": jsontext.Value(`0`)}, Unverified},
		"another claim, verified": {"upn", claims{"upn": jsontext.Value(`"m@x.example"`)}, ""},
	} {
		address, r := c.claims.email(&Provider{Kind: Azure, UserClaim: c.claim}, nil)
		if r.reason != c.want || c.want == "" && address != "m@x.example" {
			t.Errorf("%s: %q, refused for %q, want %q", name, address, r.reason, c.want)
		}
	}
}

// googles answers for the two endpoints of Google.
type googles map[string]string

func (g googles) RoundTrip(r *http.Request) (*http.Response, error) {
	address := *r.URL
	address.RawQuery = ""
	body, ok := g[address.String()]
	if !ok {
		return nil, errors.New("nobody was to be asked at " + address.String())
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
}

// TestGoogleVouchesForWhatCompaniesManage holds that an address at Google counts for access tokens as it does for sign-in.
func TestGoogleVouchesForWhatCompaniesManage(t *testing.T) {
	const about = `{"azp":"app","aud":"app","sub":"1","scope":"openid email","exp":"1900000000","email":"EMAIL","email_verified":"true"}`
	p := &Provider{Name: "google", Kind: Google, Issuer: googleIssuer, ClientIDs: []string{"app"}, Opaque: &Opaque{Method: UserInfo}}
	for name, c := range map[string]struct {
		email, info string // what userinfo says; "" where it must not be asked
		want        Reason
	}{
		"of a company":                {"m@x.example", `{"sub":"1","email":"m@x.example","hd":"x.example"}`, ""},
		"verified once upon a time":   {"m@x.example", `{"sub":"1","email":"m@x.example","email_verified":true}`, Unverified},
		"of no domain":                {"m@x.example", `{"sub":"1","hd":""}`, Unverified},
		"Google's own":                {"m@gmail.com", "", ""},
		"userinfo of somebody else's": {"m@x.example", `{"sub":"2","hd":"x.example"}`, Inactive},
	} {
		said := googles{tokenInfo: strings.Replace(about, "EMAIL", c.email, 1)}
		if c.info != "" {
			said[googleUserInfo] = c.info
		}
		s := &Service{client: &http.Client{Transport: said}, opaque: newAnswers(), metrics: newMetrics(), cfg: Config{Now: testTime, OpaqueAge: time.Second}, log: slog.New(slog.DiscardHandler)}
		id, r, _ := s.ask(t.Context(), &state{}, p, "ya29.x", s.opaque.known, nil)
		if r.reason != c.want || c.want == "" && id.Email != c.email {
			t.Errorf("%s: %q, refused for %q (%v), want %q", name, id.Email, r.reason, r.err, c.want)
		}
	}
}

// FuzzSettings holds that whatever is accepted as settings comes back as it went in.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"enabled":true,"providers":[{"name":"work","kind":"oidc","issuer":"https://id.example.com","clientIds":["app"]}]}`))
	f.Add([]byte(`{"providers":[{"name":"g","kind":"google","clientIds":["a"],"opaque":{"method":"userinfo"},"scopes":["SEARCH"],"groupsClaim":"g","roles":{"x":"ADMIN"}}]}`))
	f.Add([]byte(`{"enabled":true,"enabled":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if hasFileSecret(body) {
			return // no file is read for a fuzzer
		}
		file, err := ParseFile(body)
		if err != nil {
			return
		}
		s, _, err := file.form.Settings()
		if err != nil {
			t.Fatalf("Settings of %s: %v", body, err)
		}
		again, _, err := FormOf(s).Settings()
		if err != nil || len(again.Providers) != len(s.Providers) {
			t.Fatalf("FormOf(%s) cannot be read back: %v", body, err)
		}
		for i := range s.Providers {
			if !same(&s.Providers[i], &again.Providers[i]) || s.Providers[i].Name != again.Providers[i].Name {
				t.Errorf("provider %+v came back as %+v", s.Providers[i], again.Providers[i])
			}
		}
	})
}
