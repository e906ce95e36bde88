package console

import (
	"net/http"
	"testing"

	"github.com/sheafsearch/sheaf/internal/why"
)

func TestWhyPage(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.as(omar).get("/admin/why").want(http.StatusForbidden)
	b := w.as(mira)
	checkPage(t, b.get("/admin/why").want(http.StatusOK).says("Who sees it", "Why it ranks there"))
	checkPage(t, b.get("/admin/why?person="+omar+"&document=wiki/page/secret").want(http.StatusOK).
		says("Does not see it", "wiki has no group lab.", "Send it with indexgroup.", "Were it not for that, Omar Haddad would see it", "no such group", "2 further ways lead there too", "wiki/page/secret"))
	checkPage(t, b.get("/admin/why?document=wiki/page/none").want(http.StatusOK).says("There is no document of this name."))
	checkPage(t, b.get("/admin/why?query=calibration").want(http.StatusOK).
		says("In Omar Haddad’s results for “calibration”", "Field calibration", "100 % of the first result’s score", "70 %", "It is fresh."))
	var asked why.RankRequest
	w.why.rank = func(req why.RankRequest) (why.RankAnswer, error) { asked = req; return sampleRank(req) }
	checkPage(t, b.get("/admin/why?query=calibration&document=wiki/page/w4&f.app=wiki&f.type=page").want(http.StatusOK).says("Within the filters of that search: wiki, page."))
	if len(asked.Filters) != 2 || asked.Filters[0].Field != "app" || asked.Document != "wiki/page/w4" {
		t.Errorf("asked %+v, want the filters too", asked)
	}
	// The page of results leads an administrator here, and nobody else.
	b.get("/?q=calibration").says("Why here")
	w.as(omar).get("/?q=calibration").silent("Why here", "/admin/why")
}
