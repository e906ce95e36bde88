package sqldbtest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// engines runs a benchmark on durable databases.
func engines(b *testing.B, run func(b *testing.B, db *sqldb.DB)) {
	for name, url := range map[string]func(testing.TB) string{
		"SQLite":     func(b testing.TB) string { return filepath.Join(b.TempDir(), "sheaf.db") },
		"PostgreSQL": sqldbtest.Postgres,
	} {
		b.Run(name, func(b *testing.B) {
			db, err := sqldb.Open(context.Background(), sqldb.Config{URL: url(b)})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = db.Close() })
			run(b, db)
		})
	}
}

func increment(ctx context.Context, name string) func(*sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		_, err := tx.Next(ctx, name, 1)
		return err
	}
}

// BenchmarkWrite is one durable write, nobody else writing.
func BenchmarkWrite(b *testing.B) {
	engines(b, func(b *testing.B, db *sqldb.DB) {
		b.ReportAllocs()
		for b.Loop() {
			if err := db.Write(b.Context(), sqldb.Security, increment(b.Context(), "x")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite64 is one durable write of 64 callers that write all the time.
func BenchmarkWrite64(b *testing.B) {
	engines(b, func(b *testing.B, db *sqldb.DB) {
		var left atomic.Int64
		left.Store(int64(b.N))
		before := db.Stats().Commits
		var all sync.WaitGroup
		b.ResetTimer()
		for i := range 64 {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					if err := db.Write(b.Context(), sqldb.Bulk, increment(b.Context(), fmt.Sprint(i))); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
		b.ReportMetric(float64(b.N)/float64(max(1, db.Stats().Commits-before)), "writes/commit")
	})
}

// BenchmarkSecurityUnderLoad is a security write while 8 callers load documents without a pause.
func BenchmarkSecurityUnderLoad(b *testing.B) {
	engines(b, func(b *testing.B, db *sqldb.DB) {
		ctx, cancel := context.WithCancel(b.Context())
		text := fmt.Sprintf("%04000d", 1)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					_ = db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
						for j := range 100 { // documents of 4 KB
							if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2)",
								fmt.Sprintf("%d/%d/%d", i, n, j), text); err != nil {
								return err
							}
						}
						return nil
					})
				}
			})
		}
		var took []time.Duration
		for b.Loop() {
			time.Sleep(3 * time.Millisecond)
			begun := time.Now()
			if err := db.Write(ctx, sqldb.Security, increment(ctx, "x")); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
		cancel()
		all.Wait()
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	})
}

// BenchmarkRead is a snapshot with one row.
func BenchmarkRead(b *testing.B) {
	engines(b, func(b *testing.B, db *sqldb.DB) {
		if err := db.Write(b.Context(), sqldb.Security, increment(b.Context(), "x")); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			err := db.Read(b.Context(), func(tx *sqldb.Tx) error {
				_, err := sqldb.One(b.Context(), tx, sqldb.ScanInt, "SELECT n FROM counters WHERE name = $1", "x")
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVersion is what admission asks at each request.
func BenchmarkVersion(b *testing.B) {
	db := sqldbtest.Open(b)
	b.ReportAllocs()
	for b.Loop() {
		db.Version("authority")
	}
}

// BenchmarkOpen is what a test pays for a database of its own.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db, err := sqldb.Open(b.Context(), sqldb.Config{URL: sqldbtest.File(b), NoSync: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
