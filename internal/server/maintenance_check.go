package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sso"
	"github.com/sheafsearch/sheaf/internal/upload"
)

const (
	// fewNames is how many of the things that are wrong in one way are named.
	fewNames = 5
	// checkPage is how many documents are compared at once.
	checkPage = 500
	// maxSuspects bounds what is looked at again. Past it the index is not a little wrong.
	maxSuspects = 10_000
	// checkRounds is how often a difference is looked at again, with the index caught up in between: what was a
	// change on its way has arrived by then.
	checkRounds = 4
	// patience is how long the index may stand still behind the queue before that is a difference of its own.
	patience = 30 * time.Second
)

// checker compares the database with itself and the index with the database.
type checker struct {
	*Server
	report   func(done, total int64)
	findings []string // differences in words
	total    int64    // documents there are, by the count before
	done     int64
}

// check is the work of a Check job: its message says what was looked at, and its fault what is wrong.
func (s *Server) check(ctx context.Context, _ job.Job, report func(done, total int64)) (string, error) {
	c := &checker{Server: s, report: report}
	counts, err := s.Corpus.Counts(ctx, s.Authority.Maintenance())
	if err != nil {
		return "", err
	}
	for _, n := range counts {
		c.total += n
	}
	report(0, c.total)
	for _, part := range []func(context.Context) error{c.structure, c.references, c.progress, c.documents} {
		if err := part(ctx); err != nil {
			return "", err
		}
	}
	if n := len(c.findings); n > 0 {
		advice := "\nIf only the index differs, “sheaf reindex” builds it anew. If the database does, restore a backup or ask for help before writing more to it."
		return "", unfit("The check found %d kinds of difference among %d documents:\n- %s%s", n, c.done, strings.Join(c.findings, "\n- "), advice)
	}
	return fmt.Sprintf("No difference: %d documents, and the index holds each of them for the same readers, and nothing else.", c.done), nil
}

// found notes a difference of n things, some of them named.
func (c *checker) found(what string, n int, names []string) {
	if n == 0 {
		return
	}
	names = names[:min(len(names), fewNames)]
	more := ""
	if n > len(names) {
		more = fmt.Sprintf(" and %d more", n-len(names))
	}
	c.findings = append(c.findings, fmt.Sprintf("%s: %d (%s%s)", what, n, strings.Join(names, ", "), more))
}

// structure checks the file of the database.
func (c *checker) structure(ctx context.Context) error {
	damage, err := c.DB.Damage(ctx, 100)
	c.found("damage in the database file", len(damage), damage)
	return err
}

// references checks what rows say of each other.
func (c *checker) references(ctx context.Context) error {
	return c.DB.Read(ctx, func(tx *sqldb.Tx) error {
		for _, rule := range slices.Concat(corpus.Rules(), directory.Rules(), upload.Rules(), authority.Rules(), sso.Rules()) {
			n, names, err := rule.Strays(ctx, tx, fewNames)
			if err != nil {
				return fmt.Errorf("look for a %s: %w", rule.Broken, err)
			}
			c.found(rule.Broken, int(n), names)
		}
		return nil
	})
}

// progress checks that the index belongs to the queue and gets to its end.
func (c *checker) progress(ctx context.Context) error {
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	head, err := c.Corpus.Head(ctx, c.Authority.Maintenance())
	if err != nil {
		return err
	}
	if at := c.Index.State(); at.Incarnation != head.Incarnation {
		c.found("index of another history of the database than this one", 1, []string{"incarnation " + at.Incarnation})
	}
	return nil
}

// catchUp waits until the index holds what the corpus did at the call. An index that does not get on is a finding.
func (c *checker) catchUp(ctx context.Context) error {
	for before := int64(-1); ; {
		wait, cancel := context.WithTimeout(ctx, patience)
		err := c.Indexer.CatchUp(wait)
		cancel()
		at := c.Indexer.Status()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case at.Position == before && !at.Filling:
			c.found("index that does not get on", 1, []string{fmt.Sprintf("at position %d of %d", at.Position, at.Head)})
			return nil
		}
		before = at.Position
	}
}

// suspect is a document in which index and corpus seemed to differ, and how.
type suspect string

const (
	missing suspect = "document missing from the index"
	extra   suspect = "document in the index that the database does not have"
	readers suspect = "document that the index shows to others than its readers"
)

// documents compares the index with the corpus, document by document.
func (c *checker) documents(ctx context.Context) error {
	stray := map[string]bool{}
	principals, err := c.People.Principals(ctx)
	if err != nil {
		return err
	}
	suspects, err := c.walk(ctx, func(d *corpus.Document) {
		for _, r := range d.Readers {
			// One that was interned after principals was read is newer than the walk; it belongs to a document that is.
			if of, known := principals[r]; known && of != d.Datasource {
				stray[d.Key] = true
			}
		}
	})
	if err != nil {
		return err
	}
	c.found("document with readers of another datasource", len(stray), slices.Sorted(maps.Keys(stray)))
	for range checkRounds {
		if len(suspects) == 0 || len(suspects) > maxSuspects {
			break
		}
		if err := c.catchUp(ctx); err != nil {
			return err
		}
		if suspects, err = c.again(ctx, slices.Sorted(maps.Keys(suspects))); err != nil {
			return err
		}
	}
	byKind := map[suspect][]string{}
	for _, key := range slices.Sorted(maps.Keys(suspects)) {
		byKind[suspects[key]] = append(byKind[suspects[key]], key)
	}
	for _, kind := range []suspect{missing, extra, readers} {
		c.found(string(kind), len(byKind[kind]), byKind[kind])
	}
	return nil
}

// walk goes through corpus and index side by side, both in the order of keys, and returns where they seem to differ.
func (c *checker) walk(ctx context.Context, each func(*corpus.Document)) (_ map[string]suspect, err error) {
	r, err := c.Index.Reader(ctx, c.Authority.Maintenance())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	suspects := map[string]suspect{}
	keys := indexKeys{reader: r}
	for after := ""; len(suspects) <= maxSuspects; {
		docs, err := c.Corpus.Scan(ctx, c.Authority.Maintenance(), after, checkPage)
		if err != nil {
			return nil, err
		}
		through := "" // no bound: what the index still has is extra
		if len(docs) > 0 {
			through = docs[len(docs)-1].Key
		}
		held, err := keys.upTo(ctx, through)
		if err != nil {
			return nil, err
		}
		for key := range held {
			suspects[key] = extra
		}
		for _, d := range docs {
			each(d)
			delete(suspects, d.Key)
		}
		if err := compare(ctx, r, docs, suspects); err != nil {
			return nil, err
		}
		if len(docs) == 0 {
			break
		}
		after = through
		c.done += int64(len(docs))
		c.report(min(c.done, c.total), c.total)
	}
	return suspects, nil
}

// again looks once more at single documents.
func (c *checker) again(ctx context.Context, keys []string) (_ map[string]suspect, err error) {
	r, err := c.Index.Reader(ctx, c.Authority.Maintenance())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	suspects := map[string]suspect{}
	for part := range slices.Chunk(keys, checkPage) {
		docs, err := c.Corpus.Get(ctx, c.Authority.Maintenance(), part...)
		if err != nil {
			return nil, err
		}
		held, err := r.Search(ctx, index.Query{Filter: index.Keys(part), Size: len(part), Sort: index.ByKey})
		if err != nil {
			return nil, err
		}
		for _, hit := range held.Hits {
			if docs[hit.Key] == nil {
				suspects[hit.Key] = extra
			}
		}
		if err := compare(ctx, r, slices.Collect(maps.Values(docs)), suspects); err != nil {
			return nil, err
		}
	}
	return suspects, nil
}

// compare adds those documents that r lacks or shows to other readers. What has changed after r was taken is passed over.
func compare(ctx context.Context, r *index.Reader, docs []*corpus.Document, suspects map[string]suspect) error {
	docs = slices.DeleteFunc(slices.Clone(docs), func(d *corpus.Document) bool { return d.Position > r.Position() })
	if len(docs) == 0 {
		return nil
	}
	keys := make([]string, len(docs))
	for i, d := range docs {
		keys[i] = d.Key
	}
	held, err := r.Readers(ctx, keys)
	if err != nil {
		return err
	}
	for _, d := range docs {
		who, there := held[d.Key]
		switch {
		case !there:
			suspects[d.Key] = missing
		case !slices.Equal(slices.Sorted(slices.Values(who)), slices.Sorted(slices.Values(d.Readers))):
			suspects[d.Key] = readers
		}
	}
	return nil
}

// indexKeys reads the keys of an index in their order.
type indexKeys struct {
	reader *index.Reader
	ahead  []string // read and not yet asked for
	next   *index.Cursor
	ended  bool
}

// upTo returns the keys that come next, up to and including one; "" means all that are left, of which it returns no more
// than are worth looking at.
func (k *indexKeys) upTo(ctx context.Context, through string) (map[string]bool, error) {
	keys := map[string]bool{}
	for {
		for len(k.ahead) > 0 && (through == "" || k.ahead[0] <= through) {
			keys[k.ahead[0]] = true
			k.ahead = k.ahead[1:]
		}
		if len(k.ahead) > 0 || k.ended || len(keys) > maxSuspects {
			return keys, nil
		}
		found, err := k.reader.Search(ctx, index.Query{Size: index.MaxSize, Sort: index.ByKey, After: k.next})
		if err != nil {
			return nil, err
		}
		for _, hit := range found.Hits {
			k.ahead = append(k.ahead, hit.Key)
		}
		k.next = found.Next
		k.ended = found.Next == nil
	}
}
