package server_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// company is the sample company in a data directory.
func company(t *testing.T) (*sheaftest.Server, server.Config) {
	t.Helper()
	cfg := server.Config{Data: filepath.Join(t.TempDir(), "data"), NoSync: true, AuditRetention: -1}
	s := sheaftest.Demo(t, func(c *server.Config) { c.Data, c.Database = cfg.Data, "" })
	return s, cfg
}

// maintain has a job done and returns how it ended.
func maintain(t *testing.T, cfg server.Config, kind job.Kind) job.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	j, err := server.Maintain(ctx, cfg, kind, func(job.Job) {})
	if err != nil {
		t.Fatalf("Maintain(%s) = %+v, %v", kind, j, err)
	}
	return j
}

func checkFinds(t *testing.T, cfg server.Config, want ...string) {
	t.Helper()
	j := maintain(t, cfg, server.Check)
	if j.State != job.Failed {
		t.Fatalf("a check of what is broken = %s %q, want failed", j.State, j.Message)
	}
	for _, w := range want {
		if !strings.Contains(j.Message, w) {
			t.Errorf("the check says\n%s\nwant %q in it", j.Message, w)
		}
	}
}

func checkPasses(t *testing.T, cfg server.Config) {
	t.Helper()
	if j := maintain(t, cfg, server.Check); j.State != job.Done || !strings.HasPrefix(j.Message, "No difference") {
		t.Fatalf("check = %s %q, want done and no difference", j.State, j.Message)
	}
}

// plant changes the index alone.
func plant(t *testing.T, s *sheaftest.Server, key string, doc *index.Document) {
	t.Helper()
	at := s.Index.State()
	err := s.Index.Apply(t.Context(), s.Authority.Maintenance(), index.Batch{
		Incarnation: at.Incarnation, Changes: []index.Change{{Position: at.Position + 1, Key: key, Document: doc}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsWhatDiffers(t *testing.T) {
	s, cfg := company(t)
	checkPasses(t, cfg)
	docs, err := s.Corpus.Scan(t.Context(), s.Authority.Maintenance(), "", 3)
	if err != nil || len(docs) != 3 {
		t.Fatalf("Scan = %d documents, %v", len(docs), err)
	}

	plant(t, s, docs[0].Key, nil)
	checkFinds(t, cfg, "document missing from the index: 1 ("+docs[0].Key+")")

	plant(t, s, docs[1].Key, &index.Document{Key: docs[1].Key, Title: "shown to the wrong people", Readers: []uint32{4_000_000_000}})
	checkFinds(t, cfg, docs[0].Key, "document that the index shows to others than its readers: 1 ("+docs[1].Key+")")

	plant(t, s, "wiki/Page/no-such", &index.Document{Key: "wiki/Page/no-such", Title: "a ghost"})
	plant(t, s, "zzz/Page/last", &index.Document{Key: "zzz/Page/last", Title: "a ghost behind the last one"})
	checkFinds(t, cfg, "document in the index that the database does not have: 2 (wiki/Page/no-such, zzz/Page/last)", "sheaf reindex")

	if j := maintain(t, cfg, server.Reindex); j.State != job.Done {
		t.Fatalf("reindex = %s %q", j.State, j.Message)
	}
	checkPasses(t, cfg)
}

func TestCheckFindsStraysInTheDatabase(t *testing.T) {
	s, cfg := company(t)
	docs, err := s.Corpus.Scan(t.Context(), s.Authority.Maintenance(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"DELETE FROM datasources WHERE name = '" + docs[0].Datasource + "'",
		"INSERT INTO sessions (id, hash, person, spell, created_at, last_used_at, ended_at) VALUES ('stray', 'x', 'nobody', 0, 1, 1, 0)",
		"INSERT INTO addresses (address, person_id, held_from) VALUES ('ghost@example.com', 'nobody', 0)",
		"INSERT INTO document_urls (url, key) VALUES ('https://example.com/ghost', 'wiki/Page/ghost')",
	} {
		err := s.DB.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	checkFinds(t, cfg, "document of no datasource", "and ", "session of nobody: 1 (stray)", "address of nobody: 1 (ghost@example.com)",
		"address of no document: 1 (https://example.com/ghost)")
}

func TestCheckBesideWritesFindsNothing(t *testing.T) {
	s, cfg := company(t)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	connector := grant.Mint(&grant.Facts{Kind: grant.Indexing})
	newSource(t, s, connector)
	var failed atomic.Value
	writers.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			p := directory.Permissions{Everyone: n%2 == 0, AllUsers: n%2 == 1}
			err := s.Corpus.Put(t.Context(), connector, "live", []corpus.Document{livePage(n%50, p)}, 0)
			if err == nil && n%7 == 0 {
				err = s.Corpus.Delete(t.Context(), connector, corpus.Ref{Datasource: "live", ObjectType: "Page", ID: fmt.Sprint(n % 50)}, 0)
			}
			if err != nil {
				failed.Store(err)
				return
			}
		}
	})
	for range 5 {
		checkPasses(t, cfg)
	}
	close(stop)
	writers.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(err)
	}
}

func newSource(t *testing.T, s *sheaftest.Server, connector grant.Caller) {
	t.Helper()
	err := s.Corpus.PutDatasource(t.Context(), connector, jsontext.Value(`{"name":"live","datasourceCategory":"TICKETS","urlRegex":"."}`))
	if err != nil {
		t.Fatal(err)
	}
}

func livePage(n int, p directory.Permissions) corpus.Document {
	return corpus.Document{
		ObjectType: "Page", ID: fmt.Sprint(n), Title: fmt.Sprintf("Page %d", n), ViewURL: fmt.Sprintf("https://live/%d", n), Body: "Quicksand.",
		Permissions: p,
	}
}

// count is how many documents the server itself finds.
func count(t *testing.T, s *sheaftest.Server) int {
	t.Helper()
	r, err := s.Index.Search(t.Context(), s.Authority.Maintenance(), index.Query{Total: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.Total
}

func TestReindexBesideSearchesAndWrites(t *testing.T) {
	s, cfg := company(t)
	connector := grant.Mint(&grant.Facts{Kind: grant.Indexing})
	newSource(t, s, connector)
	least := count(t, s)
	if least < 500 {
		t.Fatalf("the sample company has %d documents, want 500", least)
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	var failed atomic.Value
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			r, err := s.Index.Search(t.Context(), s.Authority.Maintenance(), index.Query{Total: true})
			if err == nil && r.Total < least {
				err = fmt.Errorf("a search during the reindex found %d documents of at least %d", r.Total, least)
			}
			if err != nil {
				failed.Store(err)
				return
			}
		}
	})
	written := 0
	others.Go(func() {
		for ; ; written++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Corpus.Put(t.Context(), connector, "live", []corpus.Document{livePage(written, directory.Permissions{Everyone: true})}, 0); err != nil {
				failed.Store(err)
				return
			}
		}
	})
	for range 3 {
		if j := maintain(t, cfg, server.Reindex); j.State != job.Done || !strings.Contains(j.Message, "built anew") {
			t.Errorf("reindex = %s %q", j.State, j.Message)
		}
	}
	close(stop)
	others.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(err)
	}
	s.CatchUp()
	if got, want := count(t, s), least+written; got != want {
		t.Errorf("after the reindex %d documents are found, want %d", got, want)
	}
	checkPasses(t, cfg)
	page, err := s.Audit.List(t.Context(), audit.Filter{Action: "index.reindex"})
	if err != nil || len(page.Entries) != 3 || page.Entries[0].Actor != audit.Host {
		t.Errorf("the audit log has %+v, %v; want three entries of the host", page.Entries, err)
	}
}

func TestCommandDoesTheWorkWhereNoServerRuns(t *testing.T) {
	cfg := server.Config{Data: filepath.Join(t.TempDir(), "data"), NoSync: true, AuditRetention: -1}
	t.Run("fill", func(t *testing.T) { sheaftest.Demo(t, func(c *server.Config) { c.Data, c.Database = cfg.Data, "" }) })
	checkPasses(t, cfg)
	if j := maintain(t, cfg, server.Reindex); j.State != job.Done || j.Done != j.Total || j.Total < 500 {
		t.Errorf("reindex = %+v, want done, all of 500 documents or more", j)
	}
	// The lock is free again.
	t.Run("serve", func(t *testing.T) { sheaftest.Open(t, func(c *server.Config) { c.Data, c.Database = cfg.Data, "" }) })
}

func TestStopFollowingIsNotStoppingTheJob(t *testing.T) {
	s, cfg := company(t)
	ctx, cancel := context.WithCancel(t.Context())
	j, err := server.Maintain(ctx, cfg, server.Check, func(job.Job) { cancel() })
	if !errors.Is(err, server.ErrLeft) || j.ID == "" {
		t.Fatalf("Maintain = %+v, %v, want the job and ErrLeft", j, err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for !j.Ended() && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		if j, err = job.Get(t.Context(), s.DB, j.ID); err != nil {
			t.Fatal(err)
		}
	}
	if j.State != job.Done {
		t.Errorf("the job that was left = %s %q, want done by the server", j.State, j.Message)
	}
}

func TestMaintainMakesNoData(t *testing.T) {
	cfg := server.Config{Data: filepath.Join(t.TempDir(), "slip-of-the-keyboard")}
	if _, err := server.Maintain(t.Context(), cfg, server.Check, func(job.Job) {}); err == nil || !strings.Contains(err.Error(), "is no data directory of sheaf") {
		t.Errorf("Maintain on a directory that is not there = %v, want words about it", err)
	}
	if files, _ := filepath.Glob(cfg.Data + "*"); len(files) > 0 {
		t.Errorf("it made %v", files)
	}
}

func TestMaintainOnPostgreSQL(t *testing.T) {
	cfg := server.Config{Database: sqldbtest.Postgres(t), AuditRetention: -1}
	s := sheaftest.Demo(t, func(c *server.Config) { c.Database = cfg.Database })
	checkPasses(t, cfg)
	docs, err := s.Corpus.Scan(t.Context(), s.Authority.Maintenance(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	plant(t, s, docs[0].Key, nil)
	checkFinds(t, cfg, "document missing from the index: 1 ("+docs[0].Key+")")
	if j := maintain(t, cfg, server.Reindex); j.State != job.Done {
		t.Fatalf("reindex = %s %q", j.State, j.Message)
	}
	checkPasses(t, cfg)
	to := filepath.Join(t.TempDir(), "backup")
	if _, err := s.Backup(t.Context(), to, "test", nothing); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("Backup of PostgreSQL = %v, want words that lead to pg_dump", err)
	}
}
