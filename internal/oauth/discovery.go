package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/outbound"
)

// Endpoints are what an issuer says of itself in its discovery document (OpenID Connect Discovery 1.0, RFC 8414).
type Endpoints struct {
	Issuer        string   `json:"issuer"`
	JWKS          string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	// NamesIssuer says that every answer to a browser names the issuer (RFC 9207).
	NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// Discovery returns the endpoints of a provider, at most an hour old; older ones where it is away. A provider that cannot be
// asked is a fault.Unavailable.
func (s *Service) Discovery(ctx context.Context, p Provider) (Endpoints, error) {
	e, err := s.issuerOf(p.Issuer).endpoints(ctx)
	if err != nil {
		return Endpoints{}, fault.New(fault.Unavailable, "The identity provider is away. Try again shortly.").Wrap(err)
	}
	return e, nil
}

// fetchEndpoints reads the discovery document of an issuer, which must name just that issuer.
func fetchEndpoints(ctx context.Context, client *http.Client, issuer string) (Endpoints, error) {
	var e Endpoints
	err := fetch(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &e)
	if answered, ok := errors.AsType[*statusError](err); ok && answered.status == http.StatusNotFound {
		// RFC 8414, section 3.1, puts the path of the issuer behind the well-known one.
		if u, bad := url.Parse(issuer); bad == nil {
			u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
			err = fetch(ctx, client, u.String(), &e)
		}
	}
	if err != nil {
		return Endpoints{}, err
	}
	if e.Issuer != issuer {
		return Endpoints{}, fault.Newf(fault.Invalid, "the discovery document there is that of the issuer %s, and the two must be equal letter for letter", quote(e.Issuer))
	}
	for _, endpoint := range []*string{&e.Authorization, &e.Token, &e.UserInfo, &e.Introspection, &e.EndSession} {
		if len(*endpoint) > maxIssuer*4 || !isURL(*endpoint) {
			*endpoint = ""
		}
	}
	if !isURL(e.JWKS) {
		return Endpoints{}, fault.New(fault.Invalid, "its discovery document names no jwks_uri")
	}
	return e, nil
}

// statusError is an answer with another status than 200.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("answered with status %d", e.status) }

// fetch reads a JSON document. Members that v does not have are ignored; names that stand there twice are not.
func fetch(ctx context.Context, client *http.Client, address string, v any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return do(client, r, v)
}

// do makes a request and reads the JSON document that answers it.
func do(client *http.Client, r *http.Request, v any) error {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "sheaf")
	answer, err := client.Do(r)
	if err != nil {
		// The address of a request can hold a secret of the caller's, so it is not repeated.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, answer.Body, 4096) // lets the connection be used again
		return &statusError{answer.StatusCode}
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return errNotJSON
	}
	return nil
}

var errNotJSON = errors.New("answered with something that is not the JSON that was asked for")

// explain says in words for an administrator why a call to a provider did not work.
func explain(err error) string {
	answered, isStatus := errors.AsType[*statusError](err)
	f, isFault := errors.AsType[*fault.Fault](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isFault:
		return f.Message
	case isStatus && answered.status >= 300 && answered.status < 400:
		return fmt.Sprintf("it answers with a redirect (status %d), which is not followed", answered.status)
	case isStatus:
		return fmt.Sprintf("it answers with status %d", answered.status)
	case errors.Is(err, outbound.ErrAddress):
		return "its address is private, and the server was not started with --outbound-allow for it"
	case errors.Is(err, outbound.ErrScheme):
		return "it does not go over https"
	case errors.Is(err, outbound.ErrTooLarge):
		return "its answer is too large"
	case errors.Is(err, errNotJSON):
		return "its answer is not the JSON document that it should be"
	case errors.Is(err, errSpent):
		return "it was asked too often in the last seconds"
	case errors.Is(err, context.DeadlineExceeded) || isNet && timeout.Timeout():
		return "it does not answer in time"
	case isDNS:
		return "its name is not found"
	}
	return "it cannot be reached"
}
