package oauth

import (
	"context"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

const (
	// endpointsAge is how old endpoints may be. They hardly ever change.
	endpointsAge = time.Hour
	// staleWait is how long an admission waits for keys where old ones are at hand.
	staleWait = 2 * time.Second
	// maxOutage is how long old keys count while their issuer is away. No token lives as long; it bounds what whoever can
	// cut the way to the issuer could gain.
	maxOutage = 24 * time.Hour
)

// issuer is what is known of one issuer: its endpoints and its keys.
type issuer struct {
	name  string
	age   time.Duration // Config.KeyAge
	now   func() time.Time
	about cached[Endpoints]
	keys  cached[keySet]

	recalled func() // takes what SQL has of its keys, the first time
	kept     keptKeys
}

// issuerOf returns the issuer of that name, the same one each time.
func (s *Service) issuerOf(name string) *issuer {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.issuers[name]
	if i != nil {
		return i
	}
	i = &issuer{name: name, age: s.cfg.KeyAge, now: s.cfg.Now}
	i.recalled = sync.OnceFunc(func() { i.recall(s) })
	i.about = cached[Endpoints]{now: i.now, start: s.background, fetch: func() (Endpoints, error) {
		return fetchEndpoints(s.ctx, s.client, name)
	}}
	i.keys = cached[keySet]{now: i.now, start: s.background, fetch: func() (keySet, error) {
		began := i.now()
		set, err := i.fetchKeys(s.ctx, s)
		s.metrics.fetched(err)
		if err != nil {
			s.log.Warn("the keys of an identity provider cannot be read", "issuer", name, "err", err)
			return set, err
		}
		i.keep(s, set, began)
		return set, nil
	}}
	s.issuers[name] = i
	return i
}

// background runs fn, which ends when Close is called.
func (s *Service) background(fn func()) {
	if s.ctx.Err() != nil {
		go fn() // Close waits no more; every call in it fails at once
		return
	}
	s.work.Go(fn)
}

// forget drops what is known of issuers that the settings do not have.
func (s *Service) forget(st *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.issuers {
		if st.issuers[name] == nil {
			delete(s.issuers, name)
		}
	}
}

// endpoints returns the endpoints of the issuer, old ones where it is away.
func (i *issuer) endpoints(ctx context.Context) (Endpoints, error) {
	held, _ := i.about.peek()
	if held != nil && i.now().Sub(held.at) < endpointsAge {
		return held.value, nil
	}
	held, err := i.about.renew(ctx, i.now())
	if held != nil {
		return held.value, nil
	}
	return Endpoints{}, err
}

func (i *issuer) fetchKeys(ctx context.Context, s *Service) (keySet, error) {
	e, err := i.endpoints(ctx)
	if err != nil {
		return keySet{}, err
	}
	set, err := fetchKeys(ctx, s.client, e.JWKS)
	if err == nil {
		return set, nil
	}
	// The keys may have moved: the document that says where they are is older than they.
	held, again := i.about.renew(ctx, i.now())
	if again != nil || held == nil || held.value.JWKS == e.JWKS {
		return keySet{}, err
	}
	return fetchKeys(ctx, s.client, held.value.JWKS)
}

// find returns the keys of the issuer that a token with this header can be signed with, and until when they count. None is no
// error; an issuer that cannot be asked where it must be is a fault.Unavailable.
func (i *issuer) find(ctx context.Context, alg algorithm, kid string) ([]key, time.Time, error) {
	asked := i.now()
	held, err := i.fresh(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	if found := held.value.find(alg, kid); len(found) > 0 {
		return found, i.until(held), nil
	}
	if held.at.After(asked) { // fetched for this very token
		return nil, time.Time{}, nil
	}
	// A key that is not known may be a new one.
	held, err = i.keys.renew(ctx, asked)
	switch {
	case err != nil && err != errSpent: //nolint:errorlint // it is never wrapped
		return nil, time.Time{}, providerAway(err)
	case held == nil:
		return nil, time.Time{}, nil
	}
	return held.value.find(alg, kid), i.until(held), nil
}

// fresh returns the issuer's keys: those at hand where they are young enough, with a fetch in the background from half of their age, so
// that nobody who keeps coming waits for one.
func (i *issuer) fresh(ctx context.Context) (*holding[keySet], error) {
	now := i.now()
	held, _ := i.keys.peek()
	if held == nil {
		i.recalled()
		held, _ = i.keys.peek()
	}
	if held != nil && now.Sub(held.at) < i.age {
		if now.Sub(held.at) >= i.age/2 {
			_, _ = i.keys.refresh(held.at) // at worst the next one tries again
		}
		return held, nil
	}
	if held != nil && i.keys.failing() && now.Sub(held.at) < maxOutage {
		_, _ = i.keys.refresh(held.at)
		return held, nil // the issuer was away a moment ago: nobody waits for it again
	}
	if held != nil {
		short, cancel := context.WithTimeout(ctx, staleWait)
		defer cancel()
		ctx = short
	}
	held, err := i.keys.renew(ctx, now)
	switch {
	case held == nil && err == nil:
		return nil, providerAway(errSpent)
	case held == nil, now.Sub(held.at) >= maxOutage:
		return nil, providerAway(err)
	}
	return held, nil
}

// until is how long what was verified with a set counts without being verified again: never longer than the set itself, and
// short enough that whoever keeps coming has the next set fetched before.
func (i *issuer) until(held *holding[keySet]) time.Time {
	soon, end := i.now().Add(i.age/4), held.at.Add(i.age)
	if end.Before(soon) && i.now().Before(end) {
		return end
	}
	return soon
}

func providerAway(err error) *fault.Fault {
	return fault.New(fault.Unavailable, "The identity provider is away, so the token cannot be checked. Try again shortly.").Wrap(err)
}
