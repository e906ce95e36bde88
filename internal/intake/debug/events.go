package debug

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// The contract's bounds of how far back the events of a document are told, of how many, and how often.
const (
	daysBack      = 30
	daysByDefault = 7
	maxEvents     = 100
	someEvents    = 20
	eventsEvery   = time.Minute
)

func (s *Service) events(ctx context.Context, c grant.Caller, req EventsRequest) (EventsResponse, error) {
	now := s.Now()
	since, err := start(req.StartDate, now)
	if err != nil {
		return EventsResponse{}, err
	}
	n := someEvents
	if req.MaxEvents != nil {
		if n = *req.MaxEvents; n < 1 || n > maxEvents {
			return EventsResponse{}, fault.Newf(fault.Invalid, "maxEvents is 1 to %d.", maxEvents).WithField("maxEvents")
		}
	}
	// Before a request counts, so that only datasources that there are count, and only for those who may ask.
	if _, err := s.Corpus.Datasource(ctx, c, req.Datasource); err != nil {
		return EventsResponse{}, err
	}
	if err := s.pace(req.Datasource, now); err != nil {
		return EventsResponse{}, err
	}
	list, err := s.Corpus.Events(ctx, c, corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.DocID}, s.Shown, since, n)
	if err != nil {
		return EventsResponse{}, err
	}
	answer := EventsResponse{make([]LifeCycleEvent, 0, len(list))}
	for _, e := range list {
		answer.Events = append(answer.Events, LifeCycleEvent{string(e.Kind), text(e.At)})
	}
	return answer, nil
}

// start reads the moment from which events are told: a date in UTC, or a time with its offset.
func start(date string, now time.Time) (time.Time, error) {
	if date == "" {
		return now.AddDate(0, 0, -daysByDefault), nil
	}
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		at, err = time.Parse(time.RFC3339, date)
	}
	if err != nil {
		return at, fault.New(fault.Invalid, "startDate is a date such as 2026-01-31, or a time such as 2026-01-31T08:00:00Z.").WithField("startDate").Wrap(err)
	}
	// A date is the whole day that began within the bound.
	if at.Before(now.UTC().AddDate(0, 0, -daysBack).Truncate(24 * time.Hour)) {
		return at, fault.Newf(fault.Invalid, "startDate lies at most %d days back.", daysBack).WithField("startDate")
	}
	return at, nil
}

// pace refuses the second request about a datasource within a minute. It counts on this node alone.
func (s *Service) pace(datasource string, now time.Time) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if wait := s.asked[datasource].Add(eventsEvery).Sub(now); wait > 0 {
		f := fault.New(fault.TooMany, "The events of a datasource's documents can be asked for once a minute.")
		f.RetryAfter = wait
		return f
	}
	s.asked[datasource] = now
	return nil
}
