package demo_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/demo"
)

// The sample must read like a company and not like a generator: many words, hardly a sentence twice.
func TestVariety(t *testing.T) {
	s := company(t)
	bodies, titles := map[string]string{}, map[string]string{}
	vocabulary, sentences := map[string]bool{}, map[string]int{}
	total, length, long := 0, 0, 0
	digits := regexp.MustCompile(`[0-9]+`)
	for _, d := range s.Documents {
		if other := bodies[d.Body]; other != "" {
			t.Errorf("%s and %s have one body", d.ID, other)
		}
		if other := titles[d.Title]; other != "" {
			t.Errorf("%s and %s have one title, %q", d.ID, other, d.Title)
		}
		bodies[d.Body], titles[d.Title] = d.ID, d.ID
		ws := words(d.Body)
		for _, c := range d.Comments {
			ws = append(ws, words(c.Text)...)
		}
		length += len(ws)
		if len(ws) > 100 {
			long++
		}
		for _, w := range ws {
			vocabulary[w] = true
		}
		for _, sentence := range sentencesOf(d) {
			// Numbers do not make a sentence new.
			sentences[digits.ReplaceAllString(sentence, "0")]++
			total++
		}
	}
	repeated := 0
	for sentence, n := range sentences {
		if n > 3 {
			repeated += n
			if n > 10 {
				t.Logf("%d times: %s", n, sentence)
			}
		}
	}
	share := float64(repeated) / float64(total)
	t.Logf("%d sentences, %.1f%% occur more than three times; %d words, %d different; %d documents above 100 words",
		total, 100*share, length, len(vocabulary), long)
	if share > 0.05 {
		t.Errorf("%.1f%% of sentences occur more than three times, want at most 5%%", 100*share)
	}
	if len(vocabulary) < 3800 {
		t.Errorf("%d different words, want at least 3800", len(vocabulary))
	}
	if long < 50 {
		t.Errorf("%d documents above 100 words, want at least 50", long)
	}
}

// sentencesOf are the sentences and list items of more than three words.
func sentencesOf(d demo.Document) []string {
	text := tag.ReplaceAllString(strings.ReplaceAll(d.Body, "</", "\n</"), "")
	for _, c := range d.Comments {
		text += "\n" + c.Text
	}
	var out []string
	for _, part := range regexp.MustCompile(`[.!?]\s|\n`).Split(text, -1) {
		if part = strings.TrimSpace(part); len(strings.Fields(part)) > 3 {
			out = append(out, part)
		}
	}
	return out
}

func TestNoForeignNames(t *testing.T) {
	s := company(t)
	brands := []string{
		"glean", "google", "microsoft", "slack", "jira", "confluence", "atlassian", "github", "gitlab", "salesforce", "notion",
		"dropbox", "zoom", "amazon", "aws", "azure", "oracle", "postgresql", "linux", "android", "iphone",
		"vaisala", "campbell", "lufft", "gill", "thies", "metek", "lorem", "ipsum",
	}
	for _, d := range s.Documents {
		have := words(d.Title + " " + d.Body)
		for _, b := range brands {
			if slices.Contains(have, b) {
				t.Errorf("%s contains %q", d.ID, b)
			}
		}
	}
}

// A plain ranking, far below what an engine does, must already put the examples near the top.
func TestExamples(t *testing.T) {
	s := company(t)
	in := map[string]int{} // word to the number of documents that have it
	bags := make([]map[string]int, len(s.Documents))
	for i, d := range s.Documents {
		bags[i] = map[string]int{}
		for _, w := range words(strings.Repeat(d.Title+" ", 3) + d.Body) {
			if bags[i][w]++; bags[i][w] == 1 {
				in[w]++
			}
		}
	}
	for _, e := range demo.Examples() {
		var best []float64
		var wanted float64
		for i, d := range s.Documents {
			if !s.Sees(e.Email, d.ID) {
				continue
			}
			score := 0.0
			for _, w := range words(e.Query) {
				if n := float64(bags[i][w]); n > 0 {
					score += math.Log(float64(len(bags))/float64(in[w])) * n / (n + 1.2)
				}
			}
			best = append(best, score)
			if d.ID == e.Document {
				wanted = score
			}
		}
		slices.Sort(best)
		rank := len(best) - slices.Index(best, wanted)
		if wanted == 0 || rank > 5 {
			t.Errorf("%q as %s: %s is number %d, want among the first five", e.Query, e.Email, e.Document, rank)
		}
	}
}
