package authority

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Admit returns the caller of r by the rules of its API family, or a fault fit to be shown. It looks
// at the headers and the address alone. What it says to a token that does not hold never depends on
// why; what is wrong with the other headers is said only to a token that holds.
func (a *Authority) Admit(r *http.Request, family rpc.Family) (grant.Caller, error) {
	switch family {
	case rpc.AdminAPI:
		return a.admitSession(r)
	case rpc.ClientAPI, rpc.PlatformAPI, rpc.IndexingAPI, rpc.SCIMAPI:
	default:
		return grant.Caller{}, unauthenticated()
	}
	c, err := readCredentials(r.Header)
	if err != nil {
		return grant.Caller{}, err
	}
	if c.oauth {
		return a.admitOAuth(r, family, c)
	}
	if strings.HasPrefix(c.token, webPrefix) {
		return a.admitWeb(r, family, c)
	}
	k, fingerprint, ok := readSecret(c.token)
	if want := secretOf(family); !ok || k != want {
		return grant.Caller{}, unauthenticated()
	}
	adm, err := a.admission(r.Context(), source{kind: k}, key{fingerprint, c.actAs})
	if c.late != nil && (err == nil || fault.KindOf(err) == fault.Invalid) {
		return grant.Caller{}, c.late
	}
	if err != nil {
		return grant.Caller{}, err
	}
	if len(adm.from) > 0 && !within(a.cfg.Address(r), adm.from) {
		return grant.Caller{}, addressRefused()
	}
	a.usage.touch(adm.mark, a.now())
	return adm.caller, nil
}

// secretOf is the kind of token that a family takes.
func secretOf(family rpc.Family) kind {
	switch family {
	case rpc.IndexingAPI:
		return indexingSecret
	case rpc.SCIMAPI:
		return scimSecret
	default:
		return clientSecret
	}
}

func within(address netip.Addr, list []netip.Prefix) bool {
	address = address.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// admitOAuth admits an OAuth access token.
func (a *Authority) admitOAuth(r *http.Request, family rpc.Family, c credentials) (grant.Caller, error) {
	if family == rpc.IndexingAPI || family == rpc.SCIMAPI || IsOwn(c.token) {
		return grant.Caller{}, unauthenticated()
	}
	if a.cfg.OAuth == nil {
		return grant.Caller{}, oauthOff()
	}
	adm, err := a.admission(r.Context(), source{kind: oauthToken, token: c.token}, key{fingerprint: sha256.Sum256([]byte(c.token))})
	switch {
	case err != nil:
		a.refusedOAuth(r, err)
		return grant.Caller{}, err
	case c.late != nil:
		return grant.Caller{}, c.late
	case c.actAs != "":
		return grant.Caller{}, actAsNotAllowed()
	}
	return adm.caller, nil
}

// source says where to look a credential up.
type source struct {
	kind  kind
	token string // of an OAuth access token or a web token only
}

// key is what an admission is kept by.
type key struct {
	fingerprint fingerprint
	actAs       string // folded; for GLOBAL tokens
}

// admission is a request's standing, worked out once. It does not change.
type admission struct {
	version int64 // of what it was worked out from, or older
	caller  grant.Caller
	user    grant.Caller   // of a session: the same person on the search page
	csrf    string         // of a session
	until   int64          // when it ends at the latest; 0 for never
	idle    int64          // how long it holds without use; 0 for ever
	from    []netip.Prefix // addresses that may use it; none means all
	mark    *mark          // when it was last used; nil where nobody asks
}

// holds reports whether the admission has not run out by itself. That is asked on every use.
func (adm *admission) holds(now int64) bool {
	return (adm.until == 0 || now < adm.until) && (adm.idle == 0 || now < adm.mark.at.Load()+adm.idle)
}

// admission returns the standing of a credential, kept or looked up.
func (a *Authority) admission(ctx context.Context, s source, k key) (*admission, error) {
	version, readAt := a.epochs.Version(Version)
	fresh := time.Since(readAt) < maxStale
	if fresh {
		if adm := a.kept(k, version); adm != nil {
			return adm, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, admitTime)
	defer cancel()
	if !fresh {
		var err error
		if version, err = a.epochs.ReadVersion(ctx, Version); err != nil {
			return nil, away(ctx, err)
		}
		if adm := a.kept(k, version); adm != nil {
			return adm, nil
		}
	}
	// The version was read before what follows, so what follows is at least as new: a change in
	// between makes this admission one that is looked up once more, never one that outlives it.
	adm, err := a.lookUp(ctx, s, k)
	if err != nil {
		return nil, err
	}
	adm.version = version
	a.cache.put(k, adm)
	return adm, nil
}

func (a *Authority) kept(k key, version int64) *admission {
	adm := a.cache.get(k)
	if adm == nil || adm.version != version || !adm.holds(a.now()) {
		return nil
	}
	return adm
}

// recheck returns the Recheck of a caller with these facts: the admission is worked out anew where it may have
// changed. What is under way ends where the address it came by is somebody else's now, where the provider's tokens open less, and where
// an administrator has a lesser role.
func (a *Authority) recheck(s source, k key, f *grant.Facts) func() error {
	return func() error {
		adm, err := a.admission(context.Background(), s, k)
		switch {
		case err != nil:
			return err
		case adm.caller.Person() != f.Person:
			return unauthenticated()
		case s.kind == oauthToken && f.Scopes&^adm.caller.Scopes() != 0:
			return forbidden("Tokens of the identity provider open less than they did.")
		case adm.caller.Is(grant.Session) && adm.caller.Role() < f.Role:
			return forbidden("Your role has changed.")
		}
		return nil
	}
}
