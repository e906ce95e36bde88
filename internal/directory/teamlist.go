package directory

import (
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// TeamPage is a part of the teams that match.
type TeamPage struct {
	Teams  []*TeamInfo
	Total  int
	Facets map[string][]Bucket // by field, as the query spelt it
	// More says that matches follow; End is the place of the last one here.
	More bool
	End  Mark
}

// teamFields are what teams can be filtered by and counted by.
var teamFields = map[string]func(t *TeamInfo, visit func(string)){
	"name":         func(t *TeamInfo, visit func(string)) { visit(t.Name) },
	"team":         func(t *TeamInfo, visit func(string)) { visit(t.Name) },
	"id":           func(t *TeamInfo, visit func(string)) { visit(t.ID) },
	"teamid":       func(t *TeamInfo, visit func(string)) { visit(t.ID) },
	"department":   func(t *TeamInfo, visit func(string)) { visit(t.Department) },
	"businessunit": func(t *TeamInfo, visit func(string)) { visit(t.BusinessUnit) },
	"email": func(t *TeamInfo, visit func(string)) {
		for _, e := range t.Emails {
			visit(e.Email)
		}
	},
	"member": func(t *TeamInfo, visit func(string)) {
		for _, m := range t.Members {
			visit(m.Email)
		}
	},
}

// ListTeams answers a query for teams. Words begin words of a team's name or id, of its department or its description.
// ByOrgSize is by the number of members; ByName and ByRelevance are as for people, the other orders by name. A team without
// active members is listed too.
func (r *Roster) ListTeams(q Query) (TeamPage, error) {
	narrowing, err := narrowTeams(&q)
	if err != nil {
		return TeamPage{}, err
	}
	words := r.matching(q.Words, false)
	type row struct {
		mark Mark
		team *TeamInfo
	}
	var rows []row
	for _, t := range r.teams.listed {
		score := 0
		if len(words.words) > 0 {
			if score = words.score(t.card); score == 0 {
				continue
			}
		}
		if narrowing.takes(t) {
			rows = append(rows, row{r.teamMark(t, q.Sort, score), t})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return q.compare(&a.mark, &b.mark) })
	page := TeamPage{Total: len(rows), Facets: narrowing.facets()}
	if q.After != nil {
		at, found := slices.BinarySearchFunc(rows, q.After, func(a row, m *Mark) int { return q.compare(&a.mark, m) })
		if found {
			at++
		}
		rows = rows[at:]
	}
	if q.Limit > 0 && len(rows) > q.Limit {
		rows, page.More = rows[:q.Limit], true
	}
	for _, row := range rows {
		page.Teams, page.End = append(page.Teams, row.team), row.mark
	}
	return page, nil
}

func (r *Roster) teamMark(t *TeamInfo, by Order, score int) Mark {
	m := Mark{Name: t.card.key, ID: t.ID}
	switch by {
	case ByOrgSize:
		m.Number = r.sizeOf(t)
	case ByRelevance:
		m.Number = -score
	case ByName, ByFirstName, ByLastName, ByStartDate:
	}
	return m
}

func narrowTeams(q *Query) (n narrowing[*TeamInfo], err error) {
	for _, f := range q.Filters {
		of := teamFields[fieldName(f.Field)]
		if of == nil {
			return n, errNoTeamField(f.Field)
		}
		values := make([]string, len(f.Values))
		for i, v := range f.Values {
			values[i] = fold(v)
		}
		n.tests = append(n.tests, fieldTest[*TeamInfo]{fieldName(f.Field), func(t *TeamInfo) (found bool) {
			of(t, func(own string) {
				found = found || own != "" && slices.ContainsFunc(values, func(v string) bool { return folds(own, v) })
			})
			return found
		}})
	}
	for _, name := range q.Facets {
		of := teamFields[fieldName(name)]
		if of == nil {
			return n, errNoTeamField(name)
		}
		n.tally = append(n.tally, &tally[*TeamInfo]{name: name, field: fieldName(name), of: of, counts: map[string]int{}})
	}
	return n, nil
}

func errNoTeamField(name string) error {
	return fault.Newf(fault.Invalid, "Teams cannot be filtered by %q. Use one of: %s.", name, strings.Join(slices.Sorted(maps.Keys(teamFields)), ", ")).WithField("fieldName")
}
