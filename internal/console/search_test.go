package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

func TestSearch(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	d := b.get("/?q=+anemometer+calibration+&f.app=wiki&f.app=gone").want(http.StatusOK).
		says("43 results for anemometer calibration", "Field wiki › Sensors › Wind", "Tomasz Wrona", "changed 19 Nov 2026, 4 days ago", "More results", "Clear filters")
	marks := 0
	each(d.root, func(n *html.Node) {
		if n.Data == "mark" {
			marks++
		}
	})
	if marks != 6 {
		t.Errorf("%d words are marked, want 6", marks)
	}
	asked := w.search.asked[len(w.search.asked)-1]
	if asked.Text != "anemometer calibration" || len(asked.Filters) != 1 || asked.Filters[0].Field != "app" || len(asked.Filters[0].Values) != 2 {
		t.Errorf("asked %+v", asked)
	}
	if c := w.search.caller; c.Kind() != grant.User || c.Email() != omar {
		t.Errorf("asked as %s %s, want the person", c.Kind(), c.Email())
	}
	more := find(d.root, func(n *html.Node) bool { return n.Data == "a" && text(n) == "More results" })
	next := b.get(attr(more, "href")).want(http.StatusOK).says("First results")
	checkPage(t, next)
	asked = w.search.asked[len(w.search.asked)-1]
	if asked.Cursor != "next-page" || len(asked.Filters) != 1 {
		t.Errorf("the next page asked %+v", asked)
	}
	b.get("/?q=nothing+at+all").says("Nothing you may see matches “nothing at all”", "Search “nothing at” alone")
	b.get("/?q=" + strings.Repeat("a", maxQuery+1)).want(http.StatusBadRequest).says("longer than 1000 characters")
}

func TestSearchInTrouble(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	for _, test := range []struct {
		err    error
		status int
		says   string
		silent string
	}{
		{fault.New(fault.Invalid, "This cursor is for another query."), 400, "This cursor is for another query.", "Try again later"},
		{fault.New(fault.Unavailable, "away").Wrap(context.DeadlineExceeded), 503, "Search is catching its breath", "deadline"},
		{context.DeadlineExceeded, 503, "Search is catching its breath", "deadline"},
	} {
		w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) { return SearchResult{}, test.err }
		d := b.get("/?q=storm").want(test.status).says(test.says).silent(test.silent)
		checkPage(t, d)
	}
	w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) { panic("the works") }
	d := b.get("/?q=storm").want(http.StatusInternalServerError).says("Something broke here").silent("the works", "goroutine")
	checkPage(t, d)
	id := d.header.Get("X-Request-Id")
	if d.says(id); !strings.Contains(w.logged.String(), id) || !strings.Contains(w.logged.String(), "the works") {
		t.Error("the log does not say what happened under the request's id")
	}
}

// TestSearchTrustsNoDocument holds what a hostile document can do to the page: nothing.
func TestSearchTrustsNoDocument(t *testing.T) {
	w := newWorld(t)
	w.populate()
	const evil = `"><script>alert(1)</script><b onclick=x>`
	w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) {
		return SearchResult{Total: -1, Next: evil, Hits: []SearchHit{{
			Title: evil, URL: "javascript:alert(1)", Source: evil, Author: evil, Kind: evil, Path: []string{evil}, Snippet: []Run{{evil, true}},
		}}, Facets: []SearchFacet{{evil, evil, []SearchValue{{evil, evil, 1}}, true}}, People: []SearchPerson{{evil, evil, evil, evil, evil}}, Suggested: evil}, nil
	}
	d := w.as(omar).get("/?q=" + url.QueryEscape(evil)).want(http.StatusOK)
	checkPage(t, d)
	d.silent("<script>alert", "javascript:alert")
}
