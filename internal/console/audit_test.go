package console

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/grant"
)

func TestDatasources(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(jonas)
	b.get(pathDatasources).want(http.StatusOK).says("Field wiki", "18,204", "3 datasources, 27,765 documents", "Test")
	b.get(pathDatasources+"/crm").says("This is a test datasource", "Test users")
	path := pathDatasources + "/wiki"
	d := b.get(path).want(http.StatusOK).says("Visible in search", "Open to anonymous tokens", "without signing in")
	d.submit(path, url.Values{"visible": nil, "openToAnonymousTokens": {"1"}}).want(http.StatusOK).says("The datasource is saved.", "Hidden")
	b.get(pathDatasources).says("Hidden", "Open")
	b.get(pathDatasources + "/nowhere").want(http.StatusNotFound).says("no datasource")
	w.sources.list = nil
	checkPage(t, b.get(pathDatasources).says("No datasource yet"))
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get(pathTokens+"/new").submit(pathTokens, url.Values{"description": {"Firmware team notebook"}, "scopes": {"SEARCH"}}).want(http.StatusOK)
	d := b.get(pathAudit).want(http.StatusOK).says("token.create", "Firmware team notebook", "session.begin", "Today, ", "127.0.0.1")
	checkPage(t, d)
	b.get(pathAudit+"?action=token.create&actor=Mira.Okafor%40quillmere.example").says("Firmware team notebook", "1 entry shown").silent("Release notes bot")
	b.get(pathAudit + "?subject=nothing").says("No entry matches")
	b.get(pathAudit + "?from=2001-01-01&to=2001-01-02").says("No entry matches")
	for query, words := range map[string]string{
		"?from=yesterday": "“From” is not a day", "?to=31.12.2026": "“To” is not a day", "?from=2026-11-20&to=2026-11-10": "Swap them",
	} {
		checkPage(t, b.get(pathAudit+query).want(http.StatusBadRequest).says(words))
	}
	b.get(pathAudit + "?cursor=nonsense").want(http.StatusBadRequest)
}

func TestAuditPages(t *testing.T) {
	w := newWorld(t)
	w.add(mira, "Mira Okafor", grant.RoleSuperAdmin)
	b := w.as(mira)
	for range 110 {
		_, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), mira)
		fatal(t, err)
	}
	d := b.get(pathAudit+"?action=signin-link.create").says("100 entries shown", "Older entries").silent("Newest entries")
	older := find(d.root, func(n *html.Node) bool { return n.Data == "a" && text(n) == "Older entries" })
	b.get(attr(older, "href")).want(http.StatusOK).says("11 entries shown", "Newest entries").silent("Older entries")
}
