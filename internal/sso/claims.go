package sso

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// account is what a provider vouches for.
type account struct {
	// id stays with the account for ever, and is never given to another (OpenID Connect Core 1.0, section 5.7).
	id string
	// email is the verified address that the account has now, folded.
	email, name string
	// groups are those of the groups claim. known is false where the provider did not say: roles then stay.
	groups []string
	known  bool
}

type claims map[string]jsontext.Value

// maxUserInfo bounds the answer of a provider's userinfo endpoint.
const maxUserInfo = 64 << 10

// read returns the account that the claims of a verified ID token speak of. What the token leaves out the userinfo endpoint
// may say: providers that follow the standard closely send addresses there alone.
func (s *Service) read(ctx context.Context, p Provider, at Endpoints, raw string, token *oauth2.Token) (account, error) {
	c, err := payload(raw)
	if err != nil {
		return account{}, refuse(notTaken(), "the ID token holds a name twice, or no object")
	}
	if azp := c.text("azp"); azp != "" && azp != p.ClientID {
		return account{}, refuse(notTaken(), "the ID token was made for another client")
	}
	// A token for several that does not say for whom it was made may have been made for another (section 3.1.3.7).
	if list := c.texts("aud"); len(list) > 1 && c.text("azp") == "" {
		return account{}, refuse(notTaken(), "the ID token is for several clients and names none as its own")
	}
	if at.UserInfo != "" && (p.address(c) == "" || p.GroupsClaim != "" && c.at(p.GroupsClaim) == nil) {
		more, err := s.userInfo(ctx, at.UserInfo, token.AccessToken)
		if err != nil {
			s.cfg.Log.Warn("userinfo cannot be read", "provider", p.Name, "err", short(err))
			return account{}, refuse(providerAway(), "the userinfo endpoint does not answer as it should")
		}
		if more.text("sub") != c.text("sub") {
			return account{}, refuse(notTaken(), "the userinfo endpoint speaks of another account")
		}
		// Whether an address is verified is said by whoever says the address.
		elsewhere := p.address(c) == "" && more["email_verified"] != nil
		for name, value := range more {
			if c[name] == nil || elsewhere && name == "email_verified" {
				c[name] = value
			}
		}
	}
	return p.account(c)
}

// account holds the claims against what the kind of provider needs.
func (p Provider) account(c claims) (account, error) {
	a := account{id: c.text("sub"), name: c.text("name")}
	if p.Kind == Entra {
		// Its sub differs from client to client; oid is the same in the whole directory.
		if oid := c.text("oid"); oid != "" {
			a.id = oid
		}
	}
	if a.id == "" || len(a.id) > 255 {
		return account{}, refuse(notTaken(), "the provider names no account")
	}
	address := p.address(c)
	if address == "" {
		told := fault.New(fault.Forbidden, "The provider does not tell your email address, so sheaf cannot know who you are. Tell an administrator.")
		return account{}, refuse(told, "the claim %q is missing, or is no text", p.claim())
	}
	email, err := directory.FoldEmail(address)
	if err != nil {
		told := fault.New(fault.Forbidden, "What the provider tells as your email address is none. Tell an administrator.")
		return account{}, refuse(told, "the claim %q is no email address", p.claim())
	}
	a.email = email
	if v := c["email_verified"]; v != nil && string(v) != "true" && string(v) != `"true"` {
		told := fault.New(fault.Forbidden, "The provider has not verified your email address. Have it verified there, then sign in again.")
		r := refuse(told, "the address is not verified")
		r.email = email
		return account{}, r
	}
	// Whoever runs another directory can give its guests here any mail. Entra ID vouches for it in this claim alone.
	if p.Kind == Entra && p.claim() == "email" && !slices.Contains([]string{"true", `"true"`, "1", `"1"`}, string(c["xms_edov"])) {
		told := fault.New(fault.Forbidden, "Your provider does not vouch for your email address, so sheaf cannot know who you are. Tell an administrator.")
		r := refuse(told, "Entra ID does not vouch for the claim email (xms_edov)")
		r.email = email
		return account{}, r
	}
	// Google vouches for addresses of its own and of its customers' domains. Any other was verified once, and may have
	// another holder by now.
	if p.Kind == Google && !strings.HasSuffix(email, "@gmail.com") && c.text("hd") == "" {
		told := fault.New(fault.Forbidden, "This Google account is not managed by a company, so Google does not vouch for its address. Sign in with the account that your company gave you.")
		r := refuse(told, "the Google account is of no Workspace domain")
		r.email = email
		return account{}, r
	}
	a.groups, a.known = p.groups(c)
	return a, nil
}

// claim is the claim that holds the person's address.
func (p Provider) claim() string {
	switch {
	case p.Kind == Okta && (p.UserClaim == "" || p.UserClaim == "sub"):
		return "preferred_username" // the login, which is the sub of an access token, and not that of an ID token
	case p.UserClaim != "":
		return p.UserClaim
	case p.Kind == Entra:
		return "preferred_username" // the user principal name; people may edit their mail
	}
	return "email"
}

func (p Provider) address(c claims) string {
	v := c.at(p.claim())
	var text string
	if v == nil || json.Unmarshal(v, &text) != nil {
		return ""
	}
	return text
}

// maxGroups is more than any provider puts into a token.
const maxGroups = 5000

// groups returns the account's groups, and whether the provider told them.
func (p Provider) groups(c claims) ([]string, bool) {
	if p.GroupsClaim == "" {
		return nil, false
	}
	v := c.at(p.GroupsClaim)
	if v == nil {
		// An account in very many groups of Entra has a note in their place: where to ask.
		var elsewhere map[string]jsontext.Value
		if json.Unmarshal(c["_claim_names"], &elsewhere) == nil && elsewhere[p.GroupsClaim] != nil {
			return nil, false
		}
		return nil, true // providers leave out what is empty
	}
	list := texts(v)
	if list == nil || len(list) > maxGroups {
		return nil, false
	}
	return list, true
}

// payload reads the claims of a token whose signature holds. A name that stands twice is refused: two readers could take
// different ones.
func payload(raw string) (claims, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, errors.New("no token of three parts")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var c claims
	if err := json.Unmarshal(text, &c); err != nil || c == nil {
		return nil, errors.New("no object")
	}
	return c, nil
}

// at returns a claim by its name, or by a path of names with dots between, as in realm_access.roles.
func (c claims) at(name string) jsontext.Value {
	if v := c[name]; v != nil {
		return v
	}
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return nil
	}
	var inner claims
	if v := c[first]; v == nil || json.Unmarshal(v, &inner) != nil {
		return nil
	}
	return inner.at(rest)
}

// text is a claim that is a text, and "" where it is none.
func (c claims) text(name string) string {
	var text string
	if v := c[name]; v == nil || json.Unmarshal(v, &text) != nil {
		return ""
	}
	return text
}

func (c claims) texts(name string) []string { return texts(c[name]) }

// texts reads a list of texts; a single text is a list of one, and anything else nil.
func texts(v jsontext.Value) []string {
	var list []string
	if v != nil && json.Unmarshal(v, &list) == nil && list != nil {
		return list
	}
	var one string
	if v != nil && v.Kind() == '"' && json.Unmarshal(v, &one) == nil {
		return []string{one}
	}
	if slices.Equal(v, jsontext.Value("[]")) {
		return []string{}
	}
	return nil
}

// userInfo asks the provider about the holder of an access token.
func (s *Service) userInfo(ctx context.Context, address, token string) (claims, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	res, err := s.cfg.Providers.Client().Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or given up: nothing is left to lose
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxUserInfo+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxUserInfo {
		return nil, errors.New("the answer is too large")
	}
	var c claims
	if err := json.Unmarshal(text, &c); err != nil || c == nil {
		return nil, errors.New("the answer is no JSON object")
	}
	return c, nil
}
