package highlight

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/query"
)

func marker(text string) Marker {
	wants, _ := plan.New(query.Parse(text).Root, nil).Wants()
	return Marker{Wants: wants}
}

func english() *analysis.Finder { return analysis.For("en").Finder(nil) }

// show puts brackets around what is marked.
func show(m index.Marked) string {
	var b strings.Builder
	at := 0
	for _, r := range m.Ranges {
		b.WriteString(m.Text[at:r.Start] + "[" + m.Text[r.Start:r.End] + "]")
		at = r.End
	}
	return b.String() + m.Text[at:]
}

func TestMark(t *testing.T) {
	for _, c := range [][3]string{
		{"deployment", "Deployments, deployed & déployment", "[Deployments], [deployed] & [déployment]"},
		{"abc-123", "See ABC-123 or ABC-124", "See [ABC-123] or [ABC]-124"},
		{"dep* -plan", "deposit plan depot", "[deposit] plan [depot]"},
		{"東京", "旧東京都", "旧[東京]都"},
		{"wifi", "the wi-fi is down", "the [wi-fi] is down"},
		{"x", "", ""},
	} {
		got := show(marker(c[0]).Mark(english(), c[1]))
		if got != c[2] {
			t.Errorf("Mark(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestSnippets(t *testing.T) {
	text := "One sentence about nothing. The leave policy is here. " + strings.Repeat("Filler words go on. ", 20) +
		"Parental leave is long and the policy on parental leave is clear. " + strings.Repeat("More filler. ", 20)
	var got []string
	for _, s := range marker("parental leave policy").Snippets(english(), text, 70, 2) {
		got = append(got, show(s.Marked))
		if text[s.Offset:s.Offset+len(s.Text)] != s.Text {
			t.Errorf("Snippets gives %q at %d, where the text has something else", s.Text, s.Offset)
		}
	}
	want := []string{
		"[Parental] [leave] is long and the [policy] on [parental] [leave] is clear.",
		"The [leave] [policy] is here. Filler words go on. Filler words go on.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Snippets (-want +got):\n%s", d)
	}
	none := marker("absent").Snippets(english(), "  A text without it, cut at a word.", 20, 3)
	if len(none) != 1 || none[0].Text != "A text without it," {
		t.Errorf("Snippets without a match = %v, want the beginning alone", none)
	}
}

func TestUTF16(t *testing.T) {
	m := index.Marked{Text: "é🚀 go 🚀x", Ranges: []index.Range{{Start: 7, End: 9}, {Start: 10, End: 15}}}
	if d := cmp.Diff([]index.Range{{Start: 4, End: 6}, {Start: 7, End: 10}}, m.UTF16()); d != "" {
		t.Errorf("UTF16 (-want +got):\n%s", d)
	}
}

func FuzzSnippets(f *testing.F) {
	f.Add("leave polic* ABC-1", "The leave policy ABC-123. Leave it.", 20, 3)
	f.Add("東京 é", "旧東京都\xff é\x00 🚀東京", 3, 2)
	f.Add("a", strings.Repeat("a ", 50)+"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a", 7, 20)
	f.Fuzz(func(t *testing.T, q, text string, size, number int) {
		size, number = 1+abs(size)%200, 1+abs(number)%20
		m := marker(q)
		a := english()
		sound(t, m.Mark(a, text))
		snippets := m.Snippets(a, text, size, number)
		if len(snippets) > number {
			t.Fatalf("%d snippets, want at most %d", len(snippets), number)
		}
		for i, s := range snippets {
			sound(t, s.Marked)
			if n := utf8.RuneCountInString(s.Text); n > size || n == 0 {
				t.Fatalf("a snippet of %d code points, want 1 to %d", n, size)
			}
			if text[s.Offset:s.Offset+len(s.Text)] != s.Text {
				t.Fatalf("snippet %q is not at %d", s.Text, s.Offset)
			}
			for _, o := range snippets[:i] {
				if s.Offset < o.Offset+len(o.Text) && o.Offset < s.Offset+len(s.Text) {
					t.Fatalf("snippets %q and %q overlap", s.Text, o.Text)
				}
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

// sound checks that ranges lie within the text, in order, apart, and on boundaries of runes.
func sound(t *testing.T, m index.Marked) {
	t.Helper()
	end := -1
	for _, r := range m.Ranges {
		if r.Start <= end || r.Start >= r.End || r.End > len(m.Text) {
			t.Fatalf("ranges %v of %q", m.Ranges, m.Text)
		}
		if !utf8.RuneStart(m.Text[r.Start]) && utf8.ValidString(m.Text) || r.End < len(m.Text) && !utf8.RuneStart(m.Text[r.End]) && utf8.ValidString(m.Text) {
			t.Fatalf("ranges %v of %q cut a character", m.Ranges, m.Text)
		}
		end = r.End
	}
	for _, r := range m.UTF16() {
		if r.Start >= r.End {
			t.Fatalf("UTF16 of %v in %q gives %v", m.Ranges, m.Text, r)
		}
	}
}

// TestManyWords holds that a long question about a text that is full of its words is no heavy one: measured against a short question
// about the same text, so that slow machines do not count.
func TestManyWords(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "w%d ", i%500)
	}
	took := func(m Marker) time.Duration {
		least := time.Hour
		for range 10 {
			begun := time.Now()
			if list := m.Snippets(english(), text.String(), index.MaxSnippet, 3); len(list) == 0 {
				t.Fatal("Snippets() = none")
			}
			least = min(least, time.Since(begun))
		}
		return least
	}
	few, many := took(marker("w1 w2 w3")), took(marker(text.String()[:1800]))
	if many > 40*few {
		t.Errorf("a question of 400 words takes %v, one of three %v", many, few)
	}
	t.Logf("a question of 400 words takes %v, one of three %v", many, few)
}
