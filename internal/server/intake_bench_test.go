package server_test

import (
	"bufio"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// techdoc is one line of the collection techdocs.
type techdoc struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Body       string   `json:"body"`
	Datasource string   `json:"datasource"`
	Type       string   `json:"type"`
	Author     string   `json:"author"`
	Updated    int64    `json:"updated"`
	ACL        []string `json:"acl"` // "everyone", users u… and groups g…
}

// indexed is the document as the Indexing API takes it.
func (d *techdoc) indexed() map[string]any {
	var users []map[string]any
	var groups []string
	everyone := false
	for _, name := range d.ACL {
		switch {
		case name == "everyone":
			everyone = true
		case strings.HasPrefix(name, "u"):
			users = append(users, map[string]any{"datasourceUserId": name})
		default:
			groups = append(groups, name)
		}
	}
	return map[string]any{
		"datasource": d.Datasource, "objectType": d.Type, "id": d.ID, "title": d.Title, "viewURL": "https://" + d.Datasource + ".example/" + d.ID,
		"body": map[string]any{"mimeType": "text/plain", "textContent": d.Body}, "author": map[string]any{"datasourceUserId": d.Author},
		"updatedAt": d.Updated, "permissions": map[string]any{"allowedUsers": users, "allowedGroups": groups, "allowAnonymousAccess": everyone},
	}
}

// techdocs returns batches of documents with their permissions, each of one datasource, from the folder that
// SHEAF_TEST_DATA names.
func techdocs(b *testing.B, size, most int) (batches map[string][][]map[string]any) {
	b.Helper()
	dir := os.Getenv("SHEAF_TEST_DATA")
	if dir == "" {
		b.Skip("SHEAF_TEST_DATA names no folder of collections")
	}
	file, err := os.Open(filepath.Join(dir, "techdocs", "docs.jsonl.zst"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	plain, err := zstd.NewReader(file)
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	batches, open := map[string][][]map[string]any{}, map[string][]map[string]any{}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 16<<20)
	for n := 0; n < most && lines.Scan(); n++ {
		var d techdoc
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			b.Fatal(err)
		}
		open[d.Datasource] = append(open[d.Datasource], d.indexed())
		if list := open[d.Datasource]; len(list) == size {
			batches[d.Datasource], open[d.Datasource] = append(batches[d.Datasource], list), nil
		}
	}
	if err := lines.Err(); err != nil {
		b.Fatal(err)
	}
	return batches
}

// BenchmarkIntake sends documents over HTTP until all are durable: batches of 100 from four clients, onto a disk that is
// waited for, while the index follows. With "bulk" they are pages of one upload for each datasource, middle pages
// in any order; with "again" everything comes a second time, as it does every night.
func BenchmarkIntake(b *testing.B) {
	const size, most, clients = 100, 24_000, 4
	batches := techdocs(b, size, most)
	for _, bulk := range []bool{false, true} {
		name := map[bool]string{false: "indexdocuments", true: "bulkindexdocuments"}[bulk]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := sheaftest.Open(b, durable(b))
				web := httptest.NewServer(s.Handler())
				token := s.Indexing()
				var first, middle, last []*connection
				n := 0
				for source, list := range batches {
					s.Must("POST", "/api/index/v1/adddatasource", token, map[string]any{
						"name": source, "displayName": source, "datasourceCategory": "PUBLISHED_CONTENT", "urlRegex": ".*",
					})
					for i, docs := range list {
						body := map[string]any{"datasource": source, "documents": docs}
						path := "/api/index/v1/indexdocuments"
						if bulk {
							path = "/api/index/v1/bulkindexdocuments"
							body["uploadId"], body["isFirstPage"], body["isLastPage"] = "bench", i == 0, i == len(list)-1
						}
						text, err := json.Marshal(body)
						if err != nil {
							b.Fatal(err)
						}
						c := &connection{request: []byte(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
							path, token, len(text), text))}
						switch {
						case bulk && i == 0:
							first = append(first, c)
						case bulk && i == len(list)-1:
							last = append(last, c)
						default:
							middle = append(middle, c)
						}
						n += len(docs)
					}
				}
				b.StartTimer()
				for _, round := range []string{"", "again-"} {
					begun := time.Now()
					for _, part := range [][]*connection{first, middle, last} {
						sendAll(b, web.URL, part, clients)
					}
					b.ReportMetric(float64(n)/time.Since(begun).Seconds(), round+"documents/s")
				}
				b.StopTimer()
				web.Close()
				if err := s.Indexer.CatchUp(b.Context()); err != nil { // so that it does not take from the next round
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// sendAll sends requests over so many connections, each as soon as one is free.
func sendAll(b *testing.B, url string, requests []*connection, clients int) {
	b.Helper()
	queue := make(chan *connection)
	var wait sync.WaitGroup
	for range clients {
		line := dial(b, url, "/", "", "")
		wait.Go(func() {
			for r := range queue {
				line.request = r.request
				if err := line.do(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, r := range requests {
		queue <- r
	}
	close(queue)
	wait.Wait()
}
