package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDatasourcePage(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	d := b.get("/admin/datasources/wiki").want(http.StatusOK).says("18,204", "4 minutes ago", "1 refused in 7 days", "Removing 300 documents is paused",
		"25 % of what there was", "Given up", "station-w4-0117", "indexdocument 3 times", "bulkindexusers", "The last weeks", "today")
	checkPage(t, d)
	checkPage(t, b.get("/admin/datasources/wiki?document=page/w4").want(http.StatusOK).says("Uploaded", "Its permissions name a group that was never sent.", "Who sees it"))
	checkPage(t, b.get("/admin/datasources/wiki?document=page/none").want(http.StatusOK).says("There is no document of this id here."))

	b.post("/admin/datasources/wiki/uploads/6/run", nil).want(http.StatusForbidden)
	d.submit("/admin/datasources/wiki/uploads/6/run", nil).want(http.StatusOK).says("The removal goes on.").silent("is paused")
	d.submit("/admin/datasources/wiki/uploads/6/drop", nil).want(http.StatusConflict).says("This removal is not paused any more.")
	w.as(omar).get("/admin/datasources/wiki").want(http.StatusForbidden)
}

func TestTesters(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get("/admin/datasources/wiki").silent("Test users")
	d := b.get("/admin/datasources/crm").want(http.StatusOK).says("Test users")
	checkPage(t, d.submit("/admin/datasources/crm/testers", url.Values{"testers": {"nobody"}}).want(http.StatusBadRequest).says("An address is needed.", "nobody"))
	d.submit("/admin/datasources/crm/testers", url.Values{"testers": {"ann@example.com\r\n bob@example.com, cy@example.com\n"}}).want(http.StatusOK).
		says("The test users are saved.", "ann@example.com bob@example.com cy@example.com")
	if want := []string{"ann@example.com", "bob@example.com", "cy@example.com"}; !slices.Equal(w.sources.testers, want) {
		t.Errorf("testers = %q, want %q", w.sources.testers, want)
	}
}

func TestPlot(t *testing.T) {
	if p := plotOf(nil, today); p != nil {
		t.Errorf("plotOf() of no days = %+v, want nil", p)
	}
	for most, want := range map[int]int{0: 1, 1: 1, 4: 1, 5: 2, 17: 5, 90: 50, 400: 100, 155_675: 50_000} {
		if got := stepFor(most); got != want {
			t.Errorf("stepFor(%d) = %d, want %d", most, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 950: "950", 1500: "1.5k", 20_000: "20k", 3_000_000: "3M"} {
		if got := short(n); got != want {
			t.Errorf("short(%d) = %q, want %q", n, got, want)
		}
	}
	var days []IntakeDay
	for i := range 28 {
		days = append(days, IntakeDay{today.Add(time.Duration(i-27) * day), i * i, 1, 700 * (i / 27)})
	}
	p := plotOf(days, today)
	if len(p.Bars) != 28 || !strings.Contains(p.Title, "last 28 days") || p.Marks[len(p.Marks)-1].Text != "today" {
		t.Errorf("plotOf() = %d bars, %q, marks %+v", len(p.Bars), p.Title, p.Marks)
	}
	right := 0
	for _, b := range p.Bars {
		ground := plotGround
		for _, part := range b.Parts {
			if part.Y+part.Height != ground || part.Y < 0 || part.Height < 2 {
				t.Errorf("%s: part %+v does not stand on %d", b.Title, part, ground)
			}
			ground = part.Y
		}
		if b.X < right || b.X+b.Width > plotWidth {
			t.Errorf("%s: from %d, %d wide, overlaps or leaves the plot", b.Title, b.X, b.Width)
		}
		right = b.X + b.Width
	}
}
