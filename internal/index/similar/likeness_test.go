package similar

import (
	"bufio"
	"compress/gzip"
	"context"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/query"
)

// TestLikeness measures how well documents lead to others like them, on the collections in the folder that SHEAF_TEST_DATA
// names. Alike are documents that answer the same question (cranfield), pages of one folder (handbook), and passages of one
// meeting (qmsum). The bars are a little under what was reached when the weights were chosen. For comparison stand what the title
// alone, and the first two hundred words, reach as queries.
func TestLikeness(t *testing.T) {
	dir := os.Getenv("SHEAF_TEST_DATA")
	if dir == "" {
		t.Skip("SHEAF_TEST_DATA names no folder of collections")
	}
	for name, bar := range map[string]float64{"cranfield": 0.42, "handbook": 0.34, "qmsum": 0.44} {
		t.Run(name, func(t *testing.T) {
			c := read(t, filepath.Join(dir, name))
			title := c.mean(t, func(d Text) query.All { return typed(d.Title) })
			whole := c.mean(t, func(d Text) query.All { return typed(cutWords(d.Title+" "+d.Body, 200)) })
			got := c.mean(t, c.question(t))
			t.Logf("nDCG@10 %.4f; title %.4f, first 200 words %.4f", got, title, whole)
			if got < bar {
				t.Errorf("nDCG@10 = %.4f, want at least %.4f", got, bar)
			}
		})
	}
}

// tag is a mark of HTML, with the addresses in it.
var tag = regexp.MustCompile(`<[^>]*>`)

// TestLikenessInTheCompany measures it on the sample company, whose documents link to each other. They often name what they link to, so
// that titles alone do better here than elsewhere.
func TestLikenessInTheCompany(t *testing.T) {
	company, err := demo.Company(time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	c := &collection{texts: map[string]Text{}, alike: map[string]map[string]bool{}}
	batch := index.Batch{Incarnation: "company"}
	for _, d := range company.Documents {
		// What names the linked document would give it away.
		body, _, _ := strings.Cut(tag.ReplaceAllString(d.Body, " "), "Links:")
		c.texts[d.ID] = Text{Title: d.Title, Body: body, Tags: d.Tags}
		batch.Through++
		batch.Changes = append(batch.Changes, index.Change{Position: batch.Through, Key: d.ID, Document: &index.Document{Key: d.ID, Title: d.Title, Body: body, Path: d.Container, Tags: d.Tags}})
		for _, to := range d.Links {
			for _, pair := range [][2]string{{d.ID, to}, {to, d.ID}} {
				if c.alike[pair[0]] == nil {
					c.alike[pair[0]] = map[string]bool{}
				}
				c.alike[pair[0]][pair[1]] = true
			}
		}
	}
	c.apply(t, batch)
	got := c.mean(t, c.question(t))
	title := c.mean(t, func(d Text) query.All { return typed(d.Title) })
	whole := c.mean(t, func(d Text) query.All { return typed(cutWords(d.Title+" "+d.Body, 200)) })
	t.Logf("nDCG@10 %.4f; title %.4f, first 200 words %.4f", got, title, whole)
	if bar := 0.77; got < bar {
		t.Errorf("nDCG@10 = %.4f, want at least %.4f", got, bar)
	}
}

func typed(text string) (all query.All) {
	for word := range strings.FieldsSeq(text) {
		all = append(all, query.Word(word))
	}
	return all
}

func cutWords(text string, n int) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(len(words), n)], " ")
}

// collection is documents, and which are alike.
type collection struct {
	snapshot index.Snapshot
	texts    map[string]Text
	alike    map[string]map[string]bool
}

func (c *collection) question(t *testing.T) func(Text) query.All {
	count := func(ctx context.Context, word string) (int, error) {
		r, err := c.snapshot.Search(ctx, grant.MintFullAccess(), index.Query{Text: query.All{query.Word(word)}, Total: true})
		return r.Total, err
	}
	return func(d Text) query.All {
		words, err := Question(t.Context(), d, len(c.texts), count)
		if err != nil {
			t.Fatal(err)
		}
		return words
	}
}

// mean is the mean nDCG@10 over the documents that have others like them.
func (c *collection) mean(t *testing.T, ask func(Text) query.All) float64 {
	sum, n, every := 0.0, 0.0, 0
	for _, key := range slices.Sorted(maps.Keys(c.alike)) {
		others := c.alike[key]
		if every++; len(others) == 0 || every%max(1, len(c.alike)/300) != 0 {
			continue
		}
		tree := ask(c.texts[key])
		n++
		if len(tree) == 0 {
			continue
		}
		r, err := c.snapshot.Search(t.Context(), grant.MintFullAccess(), index.Query{Text: tree, Size: 10, Filter: index.Not{Filter: index.Keys{key}}})
		if err != nil {
			t.Fatal(err)
		}
		got, best := 0.0, 0.0
		for i, h := range r.Hits {
			if others[h.Key] {
				got += 1 / math.Log2(float64(i+2))
			}
		}
		for i := range min(10, len(others)) {
			best += 1 / math.Log2(float64(i+2))
		}
		sum += got / best
	}
	return sum / n
}

func read(t *testing.T, dir string) *collection {
	c := &collection{texts: map[string]Text{}, alike: map[string]map[string]bool{}}
	batch := index.Batch{Incarnation: "likeness"}
	groups := map[string][]string{}
	f, err := os.Open(filepath.Join(dir, "corpus.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var d struct {
			ID    string         `json:"id"`
			Title string         `json:"title"`
			Text  string         `json:"text"`
			Meta  map[string]any `json:"meta"`
		}
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		c.texts[d.ID] = Text{Title: d.Title, Body: d.Text}
		batch.Through++
		batch.Changes = append(batch.Changes, index.Change{Position: batch.Through, Key: d.ID, Document: &index.Document{Key: d.ID, Title: d.Title, Body: d.Text}})
		if meeting, ok := d.Meta["meeting"].(string); ok {
			groups[meeting] = append(groups[meeting], d.ID)
		} else if _, ok := d.Meta["path"].(string); ok {
			if folder := path.Dir(d.ID); folder != "." {
				groups[folder] = append(groups[folder], d.ID)
			}
		}
	}
	if len(groups) == 0 {
		for _, row := range rows(t, filepath.Join(dir, "qrels.tsv")) {
			groups[row[0]] = append(groups[row[0]], row[1])
		}
	}
	for _, keys := range groups {
		for _, a := range keys {
			for _, b := range keys {
				if a != b && c.texts[a].Body != "" {
					if c.alike[a] == nil {
						c.alike[a] = map[string]bool{}
					}
					c.alike[a][b] = true
				}
			}
		}
	}
	c.apply(t, batch)
	return c
}

func (c *collection) apply(t *testing.T, batch index.Batch) {
	t.Helper()
	e := plain.New()
	err := e.Apply(t.Context(), batch)
	if err == nil {
		c.snapshot, err = e.Snapshot(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, path string) (list [][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		list = append(list, strings.Split(strings.TrimSpace(line), "\t"))
	}
	return list
}
