package corpus

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// SubmissionType says what a submission is.
type SubmissionType string

// The types of submissions.
const (
	SubmitDocument  SubmissionType = "document"
	SubmitDocuments SubmissionType = "documents"
	SubmitDelete    SubmissionType = "deletedocument"
)

// SubmissionTypes names the types of submissions.
func SubmissionTypes() []string {
	return []string{string(SubmitDocument), string(SubmitDocuments), string(SubmitDelete)}
}

// Known reports whether sheaf can work on submissions of the type.
func (t SubmissionType) Known() bool { return slices.Contains(SubmissionTypes(), string(t)) }

// Submission is what somebody handed in for a datasource.
type Submission struct {
	ID         string
	Datasource string
	Type       SubmissionType
	Body       jsontext.Value
}

// WorkSubmission is the kind of job that works on one submission, whose id is its argument.
const WorkSubmission job.Kind = "submission"

// States of submissions.
const (
	submissionQueued = "queued"
	submissionDone   = "done"
	submissionFailed = "failed"
)

// Bounds of what waits, and how long the outcome is kept.
const (
	maxSubmissions     = 1000
	maxSubmissionBytes = 256 << 20
	keepSubmissions    = 30 * 24 * time.Hour
)

// Submit keeps a submission and has a job work on it. A datasource that does not exist, or that the caller's token does not cover, is a
// fault.NotFound; where too much waits it is a fault.Unavailable.
func (c *Corpus) Submit(ctx context.Context, caller grant.Caller, datasource string, kind SubmissionType, body jsontext.Value) (id string, err error) {
	none := fault.New(fault.NotFound, "There is no datasource of this name that this token covers.")
	if mayIndex(caller, datasource) != nil {
		return "", none
	}
	if _, err := c.datasource(ctx, datasource); err != nil {
		if fault.KindOf(err) == fault.Invalid {
			err = none
		}
		return "", err
	}
	id = sqldb.NewID()
	now := time.Now()
	err = c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		type load struct{ n, bytes int64 }
		waiting, err := sqldb.One(ctx, tx, func(s sqldb.Scanner) (l load, err error) { err = s.Scan(&l.n, &l.bytes); return l, err },
			"SELECT COUNT(*), COALESCE(SUM(size), 0) FROM submissions WHERE state = $1", submissionQueued)
		if err != nil {
			return err
		}
		if waiting.n >= maxSubmissions || waiting.bytes+int64(len(body)) > maxSubmissionBytes {
			f := fault.New(fault.Unavailable, "Too many submissions wait to be worked on. Try again later.")
			f.RetryAfter = time.Minute
			return f
		}
		if _, err = tx.Exec(ctx, "DELETE FROM submissions WHERE state IN ($1, $2) AND created_at < $3", submissionDone, submissionFailed, now.Add(-keepSubmissions).UnixMicro()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO submissions (id, datasource, type, body, size, state, message, created_at, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, '', $7, 0)`, id, datasource, string(kind), string(body), len(body), submissionQueued, now.UnixMicro())
		if err != nil {
			return err
		}
		_, err = job.Enqueue(ctx, tx, WorkSubmission, id)
		return err
	})
	return id, err
}

// WorkOn has work done on a submission that waits, for the server itself, and keeps what came of it. One that was worked on already is not worked on
// again. What went wrong is kept as its outcome; where a part of the server is away, it still waits.
func (c *Corpus) WorkOn(ctx context.Context, caller grant.Caller, id string, work func(context.Context, Submission) error) error {
	if err := maintains(caller); err != nil {
		return err
	}
	var s Submission
	err := c.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		s, err = sqldb.One(ctx, tx, func(row sqldb.Scanner) (s Submission, err error) {
			var body, kind string
			err = row.Scan(&s.ID, &s.Datasource, &kind, &body)
			s.Type, s.Body = SubmissionType(kind), jsontext.Value(body)
			return s, err
		}, "SELECT id, datasource, type, body FROM submissions WHERE id = $1 AND state = $2", id, submissionQueued)
		return err
	})
	if fault.KindOf(err) == fault.NotFound {
		return nil
	} else if err != nil {
		return err
	}
	outcome := work(ctx, s)
	state, message := submissionDone, ""
	switch f, ok := errors.AsType[*fault.Fault](outcome); {
	case outcome == nil:
	case ctx.Err() != nil || ok && f.Kind == fault.Unavailable:
		return outcome // it waits, and those after it do: one of them may be about the same document
	case ok && f.Kind != fault.Internal:
		state, message = submissionFailed, f.Message
	default:
		state, message = submissionFailed, "Internal error; the server's log has the details."
	}
	err = c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE submissions SET state = $2, message = $3, body = '', size = 0, ended_at = $4 WHERE id = $1", id, state, message, time.Now().UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	return outcome
}
