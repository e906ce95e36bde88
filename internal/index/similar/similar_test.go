package similar

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/query"
)

// counts is how many of a hundred documents have a word; others have none.
func counts(known map[string]int) Count {
	return func(_ context.Context, word string) (int, error) { return known[word], nil }
}

func TestQuestion(t *testing.T) {
	known := map[string]int{"calibration": 5, "bench": 9, "slope": 2, "meeting": 90, "notes": 60, "sensors": 30, "標準": 3}
	for _, c := range []struct {
		name string
		text Text
		want string
	}{
		{"in the order of the text", Text{Title: "Bench", Body: "Meeting notes: the slope of the bench after calibration"}, `bench meeting notes slope calibration`},
		{"the form that stands most often", Text{Body: "sensor sensors sensors"}, `sensors`},
		{"tags count", Text{Body: "meeting", Tags: []string{"slope"}}, `slope meeting`},
		{"nothing but stop words, numbers and short words", Text{Title: "Of the 2026", Body: "it is on 12:30 at x9 ab"}, ``},
		{"nobody knows the words", Text{Body: "zebra quagga"}, ``},
		{"nothing", Text{}, ``},
	} {
		got, err := Question(t.Context(), c.text, 100, counts(known))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, query.Print(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestQuestionChooses holds that words which stand often here and seldom elsewhere are asked for.
func TestQuestionChooses(t *testing.T) {
	var body strings.Builder
	known := map[string]int{}
	for i := range candidates {
		word := "word" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		known[word] = 90
		body.WriteString(word + " ")
	}
	for _, word := range []string{"slope", "bench"} {
		known[word] = 2
		body.WriteString(word + " " + word + " ")
	}
	got, err := Question(t.Context(), Text{Body: body.String()}, 100, counts(known))
	if err != nil {
		t.Fatal(err)
	}
	if asked := query.Print(got); len(got) != MaxWords || !strings.HasSuffix(asked, "slope bench") {
		t.Errorf("Question = %s, want %d words with the rare ones among them", asked, MaxWords)
	}
}

func TestQuestionIsBounded(t *testing.T) {
	var body strings.Builder
	for i := range 40_000 {
		body.WriteString("word" + strings.Repeat("é", 1+i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + " ")
	}
	asked := 0
	got, err := Question(t.Context(), Text{Body: body.String()}, 10, func(context.Context, string) (int, error) { asked++; return 1, nil })
	if err != nil || len(got) != MaxWords || asked != candidates {
		t.Errorf("%d words of %d counted, %v, want %d of %d", len(got), asked, err, MaxWords, candidates)
	}
}

func TestQuestionFails(t *testing.T) {
	broken := errors.New("no index")
	if _, err := Question(t.Context(), Text{Body: "slope"}, 10, func(context.Context, string) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("Question = %v, want %v", err, broken)
	}
}
