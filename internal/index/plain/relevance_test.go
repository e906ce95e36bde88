package plain

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
)

// TestRelevance measures the ranking on public collections with judged queries, in the folder that SHEAF_TEST_DATA names. The
// bars are the figures of plain BM25 (Lucene's formula, title and text as one field, Porter stems) on the same collections.
func TestRelevance(t *testing.T) {
	dir := os.Getenv("SHEAF_TEST_DATA")
	if dir == "" {
		t.Skip("SHEAF_TEST_DATA names no folder of collections")
	}
	for _, c := range []struct {
		name         string
		ndcg, recall float64
	}{
		{"handbook", 0.6036, 0.9227},
		{"cranfield", 0.3398, 0.7371},
		{"qmsum", 0.5269, 0.8750},
	} {
		t.Run(c.name, func(t *testing.T) {
			ndcg, recall := measure(t, filepath.Join(dir, c.name))
			t.Logf("nDCG@10 %.4f (BM25 %.4f), Recall@100 %.4f (BM25 %.4f)", ndcg, c.ndcg, recall, c.recall)
			if ndcg < c.ndcg {
				t.Errorf("nDCG@10 = %.4f, want at least %.4f", ndcg, c.ndcg)
			}
		})
	}
}

func measure(t *testing.T, dir string) (ndcg, recall float64) {
	snapshot, meetings := load(t, dir)
	judged := map[string]map[string]float64{}
	for _, row := range rows(t, filepath.Join(dir, "qrels.tsv")) {
		grade, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if judged[row[0]] == nil {
			judged[row[0]] = map[string]float64{}
		}
		judged[row[0]][row[1]] = grade
	}
	n := 0.0
	for _, row := range rows(t, filepath.Join(dir, "queries.tsv")) {
		relevant := judged[row[0]]
		if ideal(relevant) == 0 {
			continue
		}
		// A query of these is a sentence, not the search language: quotes in it are no demands.
		var tree query.All
		for word := range strings.FieldsSeq(row[1]) {
			tree = append(tree, query.Word(word))
		}
		q := index.Query{Text: tree, Size: 100}
		if meetings {
			meeting, _, _ := strings.Cut(row[0], ".")
			q.Filter = index.Has{Field: "meeting", Values: []string{meeting}}
		}
		r, err := snapshot.Search(t.Context(), grant.MintFullAccess(), q)
		if err != nil {
			t.Fatal(err)
		}
		n++
		ndcg += gain(r.Hits, relevant) / ideal(relevant)
		recall += found100(r.Hits, relevant)
	}
	return ndcg / n, recall / n
}

func gain(hits []index.Hit, relevant map[string]float64) (sum float64) {
	for i, h := range hits[:min(10, len(hits))] {
		sum += relevant[h.Key] / math.Log2(float64(i+2))
	}
	return sum
}

func ideal(relevant map[string]float64) (sum float64) {
	var grades []float64
	for _, g := range relevant {
		grades = append(grades, g)
	}
	slices.SortFunc(grades, func(a, b float64) int { return cmp.Compare(b, a) })
	for i, g := range grades[:min(10, len(grades))] {
		sum += g / math.Log2(float64(i+2))
	}
	return sum
}

func found100(hits []index.Hit, relevant map[string]float64) float64 {
	all, got := 0.0, 0.0
	for _, g := range relevant {
		if g > 0 {
			all++
		}
	}
	for _, h := range hits {
		if relevant[h.Key] > 0 {
			got++
		}
	}
	return got / all
}

func load(t *testing.T, dir string) (s index.Snapshot, meetings bool) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "corpus.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(z)
	batch := index.Batch{Incarnation: "relevance"}
	for dec.More() {
		var d struct {
			ID, Title, Text string
			Meta            map[string]any
		}
		if err := dec.Decode(&d); err != nil {
			t.Fatal(err)
		}
		doc := &index.Document{Key: d.ID, Title: d.Title, Body: d.Text}
		if path, ok := d.Meta["path"].(string); ok {
			doc.Path = path
		}
		if meeting, ok := d.Meta["meeting"].(string); ok {
			doc.Facets = map[string][]string{"meeting": {meeting}}
			meetings = true
		}
		batch.Through++
		batch.Changes = append(batch.Changes, index.Change{Position: batch.Through, Key: d.ID, Document: doc})
	}
	e := New()
	if err := e.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if s, err = e.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, meetings
}

func rows(t *testing.T, path string) (list [][]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		list = append(list, strings.Split(lines.Text(), "\t"))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
