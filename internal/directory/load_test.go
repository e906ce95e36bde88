package directory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// employees is n records of a company in which each manager has eight reports.
func employees(n int) []directory.EmployeeRecord {
	list := make([]directory.EmployeeRecord, n)
	for i := range list {
		p := directory.Profile{
			FirstName: fmt.Sprint("First", i%997), LastName: fmt.Sprint("Last", i), Title: "Engineer", Department: fmt.Sprint("Department ", i%40),
			EmployeeID: fmt.Sprint("E", i), StartDate: "2020-01-02", Location: "Oslo",
		}
		if i > 0 {
			p.ManagerEmail = fmt.Sprintf("p%d@example.com", (i-1)/8)
		}
		list[i] = directory.EmployeeRecord{Email: fmt.Sprintf("p%d@example.com", i), Profile: p}
	}
	return list
}

// BenchmarkLoad loads a company, reads it, and loads it again unchanged, as every night.
func BenchmarkLoad(b *testing.B) {
	const size = 100_000
	records := employees(size)
	for b.Loop() {
		db, err := sqldb.Open(b.Context(), sqldb.Config{URL: sqldbtest.File(b)})
		if err != nil {
			b.Fatal(err)
		}
		d := directory.New(db)
		step := func(name string, do func() error) {
			began := time.Now()
			if err := do(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(began).Seconds(), "s/"+name)
		}
		step("load", func() error { return d.PutEmployees(b.Context(), records) })
		step("again", func() error { return d.PutEmployees(b.Context(), records) })
		step("roster", func() error { _, err := d.Roster(b.Context()); return err })
		step("list", func() error {
			page, err := d.List(b.Context(), directory.Query{Sort: directory.ByLastName, Limit: 100, Facets: []string{"department", "title", "location"}})
			if err == nil && page.Total != size {
				err = fmt.Errorf("%d people, want %d", page.Total, size)
			}
			return err
		})
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
