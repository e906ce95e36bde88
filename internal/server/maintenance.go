package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	indocuments "github.com/sheafsearch/sheaf/internal/intake/documents"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/shortcut"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// The kinds of work on an index. Whoever owns the index does it: a running server, or the command itself.
const (
	Reindex job.Kind = "reindex"
	Check   job.Kind = "check"
)

// works are the kinds of background work that a server does, in lanes that work side by side: what takes a connector's
// data away does not wait for a large datasource that is gone through again, nor does what somebody at a keyboard waits
// for. Submissions are one lane, in the order in which they came.
func (s *Server) works() []map[job.Kind]job.Work {
	again := s.Corpus.Works(s.Authority.Maintenance())
	again[corpus.Process] = s.Corpus.ProcessWork
	return []map[job.Kind]job.Work{
		{Reindex: s.reindex, Check: s.check},
		{upload.RemoveStale: s.uploads().Work},
		{corpus.WorkSubmission: indocuments.New(s.Corpus).Work(s.Authority.Maintenance())},
		again,
	}
}

// uploads removes what bulk uploads leave stale.
func (s *Server) uploads() *upload.Removals {
	kinds := s.People.RealmRemovers()
	kinds[upload.Documents] = s.Corpus.Remover()
	maps.Copy(kinds, s.People.PeopleRemovers())
	kinds[upload.Shortcuts] = shortcut.Remover()
	return upload.NewRemovals(s.DB, kinds)
}

// reindex builds the index anew beside the one that is searched.
func (s *Server) reindex(ctx context.Context, _ job.Job, report func(done, total int64)) (string, error) {
	began := time.Now()
	if err := s.Indexer.Rebuild(ctx, report); err != nil {
		return "", err
	}
	at := s.Index.State()
	message := fmt.Sprintf("The index was built anew from %d documents in %s.", at.Documents, time.Since(began).Round(10*time.Millisecond))
	if left := s.Indexer.Status().Failed; left > 0 {
		message += fmt.Sprintf(" Documents left out since the start of the server because the engine did not take them: %d; its log names them.", left)
	}
	return message, nil
}

const (
	// followEvery is how often a command looks at its job.
	followEvery = 200 * time.Millisecond
	// untouched is how long a job may stand still before a command looks whether the index has an owner. A
	// runner touches its job four times a second.
	untouched = time.Second
	// unclaimed is how long a command waits for a server where it cannot do the work itself.
	unclaimed = time.Minute
)

// ErrLeft is what Maintain fails with when its context ends before the job does. The job goes on where a server
// has it, and waits for the next one where not.
var ErrLeft = errors.New("stopped following the job")

// Maintain has a job done on the index that belongs to cfg, and returns it when it has ended. A server that owns the data
// directory does it; where there is none, Maintain takes the lock and does it in this process. It shows the job to
// follow whenever it has looked at it, the first time as soon as it has an id.
func Maintain(ctx context.Context, cfg Config, kind job.Kind, follow func(job.Job)) (j job.Job, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := Exists(cfg); err != nil {
		return j, err
	}
	core, err := OpenCore(ctx, cfg)
	if err != nil {
		return j, err
	}
	var owner *Server // in this process
	defer func() {
		if owner != nil {
			err = errors.Join(err, owner.Close()) // closes core too
		} else {
			err = errors.Join(err, core.Close())
		}
	}()
	id, err := core.enqueue(ctx, kind)
	if err != nil {
		return j, err
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		if j, err = job.Get(ctx, core.DB, id); err == nil {
			follow(j)
		}
		switch {
		case ctx.Err() != nil:
			return j, ErrLeft
		case err != nil || j.Ended():
			return j, err
		case owner == nil && cfg.Data != "" && (first || time.Since(j.Changed) > untouched):
			if owner, err = takeOver(ctx, cfg, core); err != nil {
				return j, err
			}
		case cfg.Data == "" && j.State == job.Queued && time.Since(j.Created) > unclaimed:
			return j, fmt.Errorf("no server has taken the job for %s; it stays in the queue until one runs", unclaimed)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Exists fails where cfg names a data directory that holds no database: a command that only looks after data must not
// make any.
func Exists(cfg Config) error {
	if cfg.Database != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, databaseFile)); err != nil {
		return fmt.Errorf("%s is no data directory of sheaf: it has no file %s", cfg.Data, databaseFile)
	}
	return nil
}

// databaseFile is the SQLite database in a data directory.
const databaseFile = "sheaf.db"

// enqueue adds a job and says so in the audit log.
func (c *Core) enqueue(ctx context.Context, kind job.Kind) (id string, err error) {
	err = c.DB.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		if id, err = job.Enqueue(ctx, tx, kind, ""); err != nil {
			return err
		}
		entry := audit.By(c.Authority.Maintenance())
		entry.Action, entry.Subject = "index."+string(kind), id
		return c.Audit.Append(ctx, tx, entry)
	})
	return id, err
}

// takeOver makes this process the owner of the index and works on the jobs that wait. It returns nil where there is an
// owner already. What it returns is to be closed, beside an error too.
func takeOver(ctx context.Context, cfg Config, core *Core) (*Server, error) {
	lock, err := own(cfg.Data)
	if errors.Is(err, errOwned) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &Server{Core: core, cfg: cfg, owner: lock}
	if s.Corpus, err = corpus.Open(ctx, s.DB, s.People, corpus.Config{}); err != nil {
		return s, err
	}
	s.Index = index.New(plain.New(), s.People.Access)
	return s, s.start(ctx)
}

// unfit is the fault of data that is not as it should be.
func unfit(format string, args ...any) error { return fault.Newf(fault.Unprocessable, format, args...) }
