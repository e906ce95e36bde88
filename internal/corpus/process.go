package corpus

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// What is written counts at once, so there is nothing that a connector would have to set going. Processing does again what
// followed from what was written: it resolves and indexes documents anew with the names, groups and people of today.

// ProcessKind is what is gone through again.
type ProcessKind string

// The kinds of processing.
const (
	// ProcessDocuments resolves the permissions of documents and indexes them anew.
	ProcessDocuments ProcessKind = "documents"
	// ProcessMemberships makes every node read users and groups anew, and indexes documents anew that name a user by id: under
	// whose name they are found follows from the users.
	ProcessMemberships ProcessKind = "memberships"
	// ProcessPeople makes every node read people anew, and indexes documents anew that name somebody.
	ProcessPeople ProcessKind = "people"
	// processSettings follows a change of how a datasource names users, or of whose users they are.
	processSettings ProcessKind = "settings"
)

// Process is the job that does it. Its argument is the id of a run.
const Process job.Kind = "process"

// processPause is how long a connector waits before it may have the same documents processed again.
const processPause = 3 * time.Hour

// Run is one time that something was processed. Begun and Ended are zero where it has not come to that.
type Run struct {
	Asked, Begun, Ended time.Time
}

type run struct {
	id, kind, datasource  string
	asked, begun, endedAt int64
}

const runColumns = "id, kind, datasource, asked_at, begun_at, ended_at"

func scanRun(s sqldb.Scanner) (r run, err error) {
	err = s.Scan(&r.id, &r.kind, &r.datasource, &r.asked, &r.begun, &r.endedAt)
	return r, err
}

// Process has a kind of thing of a datasource, or of all where it is "", gone through again in the background. Documents
// can be processed once in three hours: a run over all counts for each datasource, a run over one for itself alone. Sooner
// it is a fault.TooMany. Of other kinds a request is spared while an equal one waits.
func (c *Corpus) Process(ctx context.Context, caller grant.Caller, kind ProcessKind, datasource string) error {
	if datasource == "" {
		if !caller.MayIndexAll() {
			return fault.New(fault.Forbidden, "To process everything needs an indexing token over all datasources. Name a datasource that this token covers.").WithField("datasource")
		}
	} else {
		if err := mayIndex(caller, datasource); err != nil {
			return err
		}
		if _, err := c.datasource(ctx, datasource); err != nil {
			return err
		}
	}
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		now := time.Now()
		if kind == ProcessDocuments {
			last, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COALESCE(MAX(asked_at), 0) FROM process_runs WHERE kind = $1 AND datasource IN ($2, '')", string(kind), datasource)
			if err != nil {
				return err
			}
			if wait := sqldb.Time(last).Add(processPause).Sub(now); last > 0 && wait > 0 {
				f := fault.New(fault.TooMany, "These documents were processed within the last three hours. What was sent since is indexed in any case.")
				f.RetryAfter = wait
				return f
			}
		} else if waiting, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT id FROM process_runs WHERE kind = $1 AND datasource IN ($2, '') AND begun_at = 0 LIMIT 1",
			string(kind), datasource); err != nil || len(waiting) > 0 {
			return err
		}
		return enqueueRun(ctx, tx, kind, datasource, now)
	})
}

func enqueueRun(ctx context.Context, tx *sqldb.Tx, kind ProcessKind, datasource string, now time.Time) error {
	id := sqldb.NewID()
	_, err := tx.Exec(ctx, "INSERT INTO process_runs ("+runColumns+") VALUES ($1, $2, $3, $4, 0, 0)", id, string(kind), datasource, now.UnixMicro())
	if err != nil {
		return err
	}
	_, err = job.Enqueue(ctx, tx, Process, id)
	return err
}

// putRealm writes the realm of a datasource, and has its documents indexed anew where its users are others than before. Who
// may read what follows from the row alone; under whose name a document is found, from the index.
//
// To borrow identities is to learn of them, through the debug operations and checkdocumentaccess: it takes a caller who may
// write the lender too. Whoever sends the datasource again later need not.
func (c *Corpus) putRealm(ctx context.Context, tx *sqldb.Tx, caller grant.Caller, r directory.Realm) error {
	before, err := directory.LookupRealm(ctx, tx, r.Datasource)
	fresh := fault.KindOf(err) == fault.Invalid
	if err != nil && !fresh {
		return err
	}
	if lender := r.IdentitySource; lender != "" && lender != r.Datasource && lender != before.IdentitySource && !caller.MayIndex(lender) {
		return fault.Newf(fault.Forbidden, "To borrow the identities of %q needs an indexing token that covers it as well.", lender).WithField("identityDatasourceName")
	}
	if err = directory.PutRealm(ctx, tx, r); err != nil || fresh {
		return err
	}
	if r.IdentitySource == "" {
		r.IdentitySource = r.Datasource
	}
	if before.ByEmail == r.ByEmail && before.IdentitySource == r.IdentitySource {
		return nil
	}
	return enqueueRun(ctx, tx, processSettings, r.Datasource, time.Now())
}

// Runs returns the last runs that went through a kind of thing of a datasource, the newest first, for connectors that may write
// it and for administrators.
func (c *Corpus) Runs(ctx context.Context, caller grant.Caller, datasource string, kind ProcessKind, n int) (list []Run, err error) {
	if _, err = c.Datasource(ctx, caller, datasource); err != nil {
		return nil, err
	}
	other := kind
	if kind == ProcessDocuments {
		other = processSettings
	}
	scan := func(s sqldb.Scanner) (Run, error) {
		r, err := scanRun(s)
		return Run{sqldb.Time(r.asked), sqldb.Time(r.begun), sqldb.Time(r.endedAt)}, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, "SELECT "+runColumns+" FROM process_runs WHERE kind IN ($1, $2) AND datasource IN ($3, '') ORDER BY asked_at DESC LIMIT $4",
			string(kind), string(other), datasource, n)
		return err
	})
	return list, err
}

// ProcessWork is the work of a Process job. One that was interrupted begins again.
func (c *Corpus) ProcessWork(ctx context.Context, j job.Job, report func(done, total int64)) (string, error) {
	var r run
	err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
		if r, err = sqldb.One(ctx, tx, scanRun, "SELECT "+runColumns+" FROM process_runs WHERE id = $1", j.Args); err != nil {
			return err
		}
		switch ProcessKind(r.kind) {
		case ProcessMemberships:
			err = directory.Refresh(ctx, tx, r.datasource)
		case ProcessPeople:
			err = directory.RefreshPeople(ctx, tx)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE process_runs SET begun_at = $2 WHERE id = $1", r.id, time.Now().UnixMicro())
		}
		return err
	})
	if fault.KindOf(err) == fault.NotFound {
		return "Nothing was left to do.", nil
	}
	if err != nil {
		return "", err
	}
	before, behind := "", ""
	if r.datasource != "" {
		before, behind = keyRange(r.datasource)
	}
	taken := 0
	seen, err := c.inSteps(ctx, report, before, func(tx *sqldb.Tx, after string) ([]string, error) {
		keys, again, err := c.again(ctx, tx, ProcessKind(r.kind), after, behind)
		tx.OnCommit(func() { taken += again })
		return keys, err
	})
	if err != nil {
		return "", err
	}
	err = c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE process_runs SET ended_at = $2 WHERE id = $1", r.id, time.Now().UnixMicro())
		return err
	})
	return fmt.Sprintf("Of %d documents, %d are indexed again.", seen, taken), err
}

const (
	againDocuments = 40        // of one transaction
	againBytes     = 512 << 10 // of their permissions and fields
)

// again takes the documents after a key, and before another where it is not "", into the index once more: those that the kind is
// about, with their permissions resolved anew. It returns the keys that it looked at, and how many of them it took.
func (c *Corpus) again(ctx context.Context, tx *sqldb.Tx, kind ProcessKind, after, behind string) (seen []string, taken int, err error) {
	type doc struct {
		Document
		readers string
		size    int
	}
	scan := func(s sqldb.Scanner) (*doc, error) {
		var d doc
		var meta, acl string
		if err := s.Scan(&d.Key, &d.Datasource, &meta, &acl, &d.readers); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(meta), &d.Document); err != nil {
			return nil, fmt.Errorf("stored document %s: %w", d.Key, err)
		}
		if err := json.Unmarshal([]byte(acl), &d.Permissions); err != nil {
			return nil, fmt.Errorf("stored permissions of %s: %w", d.Key, err)
		}
		d.size = len(meta) + len(acl)
		return &d, nil
	}
	bySource := map[string][]*doc{}
	size := 0
	for d, err := range sqldb.Each(ctx, tx, scan, `SELECT key, datasource, meta, acl, readers FROM documents WHERE key > $1 AND ($2 = '' OR key < $2)
		ORDER BY key LIMIT $3`, after, behind, againDocuments) {
		if err != nil {
			return nil, 0, err
		}
		seen = append(seen, d.Key)
		if kind.concerns(&d.Document) {
			bySource[d.Datasource] = append(bySource[d.Datasource], d)
		}
		if size += d.size; size > againBytes {
			break
		}
	}
	for datasource, docs := range bySource {
		permissions, changes := make([]directory.Permissions, len(docs)), make([]change, len(docs))
		for i, d := range docs {
			permissions[i], changes[i] = d.Permissions, change{d.Key, opAgain}
		}
		readers, err := c.dir.Intern(ctx, tx, datasource, permissions)
		if err != nil {
			return nil, 0, err
		}
		first, err := c.enqueue(ctx, tx, changes)
		if err != nil {
			return nil, 0, err
		}
		for i, d := range docs {
			ids, err := encodeReaders(readers[i])
			if err != nil {
				return nil, 0, err
			}
			statement := "UPDATE documents SET pos = $2, readers = $3 WHERE key = $1"
			if ids != d.readers {
				statement = "UPDATE documents SET pos = $2, readers = $3, digest = '' WHERE key = $1"
			}
			if _, err = tx.Exec(ctx, statement, d.Key, first+int64(i), ids); err != nil {
				return nil, 0, err
			}
		}
		taken += len(docs)
	}
	return seen, taken, nil
}

// concerns reports whether what is indexed of a document depends on what is processed.
func (k ProcessKind) concerns(d *Document) bool {
	for _, u := range d.people() {
		if u.UserID != "" || k == ProcessPeople && u.Email != "" {
			return true
		}
	}
	return k == ProcessDocuments || k == processSettings
}
