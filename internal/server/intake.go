package server

import (
	"context"
	"errors"
	"strings"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/intake/debug"
	"github.com/sheafsearch/sheaf/internal/intake/process"
	"github.com/sheafsearch/sheaf/internal/intake/tokens"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// intakeRooms are those in which connectors look after what they sent.
func (s *Server) intakeRooms() []rpc.Room {
	return []rpc.Room{
		debug.New(debug.Config{
			Corpus: s.Corpus, Directory: s.People, Shown: shown{s}, Now: s.cfg.Now,
			Uploads: func(ctx context.Context, datasource string, kind upload.Kind, n int) ([]upload.Session, error) {
				return upload.Recent(ctx, s.DB, datasource, kind, n)
			},
		}).Room(),
		process.New(s.Corpus).Room(),
		tokens.New(func(ctx context.Context, c grant.Caller) (tokens.Rotated, error) {
			r, err := s.Authority.Rotate(ctx, c)
			if err != nil {
				return tokens.Rotated{}, err
			}
			return tokens.Rotated{Secret: r.Secret.Reveal(), At: r.At, PeriodMinutes: r.PeriodMinutes}, nil
		}).Room(),
	}
}

// shown tells what this server's index shows.
type shown struct{ s *Server }

// Through is part of corpus.Shown.
func (x shown) Through() (int64, bool) {
	st := x.s.Indexer.Status()
	return st.Position, !st.Filling
}

// Holds is part of corpus.Shown.
func (x shown) Holds(ctx context.Context, keys []string) (map[string]bool, error) {
	r, err := x.s.Index.Reader(ctx, x.s.Authority.Maintenance())
	if err != nil {
		return nil, err
	}
	found, err := r.Readers(ctx, keys)
	if closed := r.Close(); err == nil {
		err = closed
	}
	holds := make(map[string]bool, len(keys))
	if errors.Is(err, errors.ErrUnsupported) { // the position has to do
		for _, key := range keys {
			holds[key] = true
		}
		return holds, nil
	}
	for key := range found {
		holds[key] = true
	}
	return holds, err
}

// refused notes what a connector was refused. The first part of the subject of a request of the Indexing API is its
// datasource.
func (s *Server) refused(e rpc.Event, message string) {
	datasource, rest, _ := strings.Cut(e.Subject, "/")
	s.Corpus.Refuse(corpus.Refusal{Datasource: datasource, Operation: e.Operation, Subject: rest, Status: e.Status, Message: message})
}
