package search

import (
	"testing"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// TestRecommendationsOfWhatIsNotIndexed holds that a document which the corpus has and the index has not is asked for again, and that
// what is asked about comes in this order: the spec, the source, the context.
func TestRecommendationsOfWhatIsNotIndexed(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	ask := func(req RecommendationsRequest) error {
		_, err := s.Recommendations(t.Context(), ada, req)
		return err
	}
	known, fresh := "log/Page/07", "log/Page/new"
	for _, c := range []struct {
		name string
		req  RecommendationsRequest
		want string // the error, or "" for an answer
	}{
		{"by id, not indexed yet", RecommendationsRequest{Spec: &wire.DocumentSpec{ID: fresh}}, "success without an answer: Accepted"},
		{"the spec before the context", RecommendationsRequest{Spec: &wire.DocumentSpec{ID: fresh}, Options: &RecommendationOptions{Context: &Subject{Title: "tide"}}}, "success without an answer: Accepted"},
		{"the source's id", RecommendationsRequest{Source: &Subject{ID: known}}, "success without an answer: Accepted"},
		{"a text", RecommendationsRequest{Options: &RecommendationOptions{Context: &Subject{Title: "tide log"}}}, ""},
		{"the source's text", RecommendationsRequest{Source: &Subject{Content: &wire.DocumentContent{FullTextList: []string{"the tide"}}}}, ""},
		{"nothing alike", RecommendationsRequest{Options: &RecommendationOptions{Context: &Subject{Title: "qwxv"}}}, "success without an answer: No Content"},
		{"no such prominence", RecommendationsRequest{Options: &RecommendationOptions{Context: &Subject{Title: "tide"}, Prominence: []string{"HERO"}}}, "success without an answer: No Content"},
		{"written in sheaf", RecommendationsRequest{Spec: &wire.DocumentSpec{UGCType: "ANSWERS", ContentID: 3}}, errHidden.Error()},
		{"no key", RecommendationsRequest{Spec: &wire.DocumentSpec{ID: "nonsense"}}, errHidden.Error()},
		{"nothing", RecommendationsRequest{}, errNoText.Error()},
		{"an empty text", RecommendationsRequest{Options: &RecommendationOptions{Context: &Subject{}}}, errNoText.Error()},
		{"a negative page", RecommendationsRequest{PageSize: -1}, "pageSize is negative."},
	} {
		err := ask(c.req)
		if got := ""; err != nil {
			if got = err.Error(); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%s: an answer, want %q", c.name, c.want)
		}
	}
	if err := ask(RecommendationsRequest{MaxSnippet: -1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a negative snippet: %v, want invalid", err)
	}
}
