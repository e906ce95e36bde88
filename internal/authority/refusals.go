package authority

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// The reasons for which authority itself refuses an OAuth access token that its provider vouches for.
const (
	unknownPerson     = "unknown-person"
	deactivatedPerson = "deactivated-person"
)

// refusalsEvery is how often refusals of one provider for one reason are on record. Whoever sends rubbish must not
// fill the audit log with it.
const refusalsEvery = time.Minute

// refusals counts the OAuth access tokens that are refused.
type refusals struct {
	total *prometheus.CounterVec

	mu   sync.Mutex // guards open
	open map[[2]string]*spate
}

// spate is the refusals of one provider for one reason since the last entry in the audit log.
type spate struct {
	since time.Time
	more  int
	last  audit.Entry // of the latest, without its number
}

func newRefusals() *refusals {
	return &refusals{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sheaf_oauth_refusals_total", Help: "OAuth access tokens refused, by provider and reason.",
		}, []string{"provider", "reason"}),
		open: map[[2]string]*spate{},
	}
}

// Register shows the metrics of the authority. It is called once.
func (a *Authority) Register(r prometheus.Registerer) { r.MustRegister(a.refusals.total) }

// refusedOAuth counts err where it refuses an OAuth access token, and puts the first of a minute on record.
func (a *Authority) refusedOAuth(r *http.Request, err error) {
	why, ok := errors.AsType[*Refusal](err)
	if !ok {
		return
	}
	a.refusals.total.WithLabelValues(why.Provider, why.Reason).Inc()
	entry := audit.Entry{
		Action: "oauth.refuse", Subject: why.Provider, SubjectName: why.Provider, Outcome: audit.Refused, Address: a.cfg.Address(r).String(), Detail: why.Reason,
	}
	if why.Email != "" {
		entry.Detail += ": " + why.Email
	}
	if a.refusals.note(why, entry, a.cfg.Now()) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := a.cfg.Audit.Record(ctx, entry); err != nil {
			a.cfg.Log.Warn("a refused token is not on record", "reason", why.Reason, "err", err)
		}
	}
}

// note reports whether entry is the first of its minute. Others are counted.
func (l *refusals) note(why *Refusal, entry audit.Entry, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := [2]string{why.Provider, why.Reason}
	s := l.open[k]
	if s == nil {
		l.open[k] = &spate{since: now}
		return true
	}
	s.more++
	s.last = entry
	return false
}

// over takes out the spates that are a minute old.
func (l *refusals) over(now time.Time) (list []audit.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, s := range l.open {
		if now.Sub(s.since) < refusalsEvery {
			continue
		}
		delete(l.open, k)
		if s.more > 0 {
			s.last.Detail = fmt.Sprintf("%s; %d more within %s", s.last.Detail, s.more, now.Sub(s.since).Round(time.Second))
			list = append(list, s.last)
		}
	}
	return list
}

// writeRefusals puts on record how many more there were.
func (a *Authority) writeRefusals(ctx context.Context, now time.Time) error {
	for _, entry := range a.refusals.over(now) {
		if err := a.cfg.Audit.Record(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// notAdmitted is the answer to a token that its provider vouches for, whose person may not come in.
func notAdmitted(proved Identity, reason string) *fault.Fault {
	return unauthenticated().Wrap(&Refusal{Provider: proved.Provider, Reason: reason, Email: proved.Email})
}
