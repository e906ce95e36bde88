package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestRelevance holds the first three results of the queries in testdata/relevance.golden. A change of ranking is a
// change of that file, for a person to judge.
func TestRelevance(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
	text, err := os.ReadFile("testdata/relevance.golden")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	asked := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "    ") {
			continue // an answer
		}
		out.WriteString(line)
		who, query, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		asked++
		var page search.Response
		s.Must("POST", "/rest/api/v1/search", s.As(who+"@quillmere.example"), search.Request{Query: query, PageSize: new(3)}).Decode(&page)
		for _, r := range page.Results {
			out.WriteString("    " + r.Document.ID + "  " + r.Title + "\n")
		}
	}
	if asked == 0 {
		t.Fatal("no queries")
	}
	golden(t, "relevance.golden", out.String())
}
