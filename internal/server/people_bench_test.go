package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/room/entities"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// BenchmarkEmployees replaces a company of 100,000 over HTTP in pages of 1000, durably, then reads it.
func BenchmarkEmployees(b *testing.B) {
	const size, page = 100_000, 1000
	bodies := make([]string, size/page)
	for i := range bodies {
		var list []string
		for n := i * page; n < (i+1)*page; n++ {
			boss := ""
			if n > 0 {
				boss = fmt.Sprintf("p%d@example.com", (n-1)/8)
			}
			list = append(list, fmt.Sprintf(`{"email":"p%d@example.com","firstName":"First%d","lastName":"Last%d","title":"Engineer","department":"Department %d","managerEmail":"%s","startDate":"2020-01-02"}`,
				n, n%997, n, n%40, boss))
		}
		bodies[i] = fmt.Sprintf(`{"uploadId":"u","isFirstPage":%v,"isLastPage":%v,"employees":[%s]}`, i == 0, i == len(bodies)-1, strings.Join(list, ","))
	}
	for b.Loop() {
		s := sheaftest.Open(b, func(cfg *server.Config) { cfg.NoSync = false })
		connector, reader := s.Indexing(), s.As("admin@localhost")
		timed := func(name string, do func()) {
			began := time.Now()
			do()
			b.ReportMetric(float64(time.Since(began).Microseconds())/1e6, "s/"+name)
		}
		timed("upload", func() {
			for _, body := range bodies {
				s.Must("POST", "/api/index/v1/bulkindexemployees", connector, body)
			}
		})
		ask := func(req entities.ListRequest) func() {
			return func() { s.Must("POST", "/rest/api/v1/listentities", reader, req) }
		}
		timed("first-list", ask(entities.ListRequest{PageSize: 100}))
		timed("list", ask(entities.ListRequest{PageSize: 100, IncludeFields: []entities.Field{entities.Facets, entities.ManagementDetails}}))
		timed("query", ask(entities.ListRequest{PageSize: 100, Query: "first12 last5"}))
		timed("misspelt", ask(entities.ListRequest{PageSize: 100, Query: "engineeer"}))
		timed("all", func() {
			req := entities.ListRequest{PageSize: 1000, RequestType: entities.FullDirectory}
			for pages := 0; ; pages++ {
				var answer entities.ListResponse
				s.Must("POST", "/rest/api/v1/listentities", reader, req).Decode(&answer)
				if req.Cursor = answer.Cursor; !answer.HasMoreResults {
					return
				}
			}
		})
	}
}
