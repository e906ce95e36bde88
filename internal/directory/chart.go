package directory

import (
	"slices"
	"sort"
)

// arrange links active people to their managers, as their records name them. Where records describe a circle, the
// link of the member who comes last by name is left out, so that the chart is a forest.
func (r *Roster) arrange() {
	byEmployeeID := make(map[string]*entry)
	for i := range r.listed {
		e := &r.listed[i]
		if id := e.Profile.EmployeeID; id != "" && e.Active && byEmployeeID[id] == nil {
			byEmployeeID[id] = e
		}
	}
	for i := range r.listed {
		e := &r.listed[i]
		if !e.Active {
			continue
		}
		boss := r.byAddress[e.Profile.ManagerEmail]
		if boss == nil && e.Profile.ManagerID != "" {
			boss = byEmployeeID[e.Profile.ManagerID]
		}
		if boss != nil && boss.Active && boss != e {
			e.manager = boss
		}
	}
	r.breakCircles()
	for i := range r.listed {
		if e := &r.listed[i]; e.manager != nil {
			e.manager.reports = append(e.manager.reports, e)
		}
	}
	r.measure()
}

// breakCircles takes one link out of every circle. Each person is walked over twice at most, however deep the chart
// is: everyone has one manager, so a walk upward ends at the top, at somebody walked over before, or where it has
// been itself.
func (r *Roster) breakCircles() {
	for i := range r.listed {
		e := &r.listed[i]
		for ; e != nil && e.number == 0; e = e.manager {
			e.number = i + 1 // the walk that met them first, until measure gives the numbers
		}
		if e == nil || e.number != i+1 {
			continue
		}
		last := e
		for at := e.manager; at != e; at = at.manager {
			if byName(at.card, last.card) > 0 {
				last = at
			}
		}
		last.manager = nil
	}
}

// measure counts how many people each part of the chart holds, from the bottom up, and numbers them from the top down.
func (r *Roster) measure() {
	order := make([]*entry, 0, len(r.listed))
	for i := range r.listed {
		if e := &r.listed[i]; e.manager == nil {
			order = append(order, e)
		}
	}
	tops := len(order)
	for i := 0; i < len(order); i++ {
		order = append(order, order[i].reports...)
	}
	for _, e := range slices.Backward(order) {
		e.size++
		if e.manager != nil {
			e.manager.size += e.size
		}
	}
	number := 0
	for _, e := range order[:tops] {
		e.number = number
		number += e.size
	}
	for _, e := range order {
		next := e.number + 1
		for _, sub := range e.reports {
			sub.number = next
			next += sub.size
		}
	}
}

// ChartPlace is where a person stands in the chart.
type ChartPlace struct {
	Manager *Person   // nil at the top
	Chain   []*Person // from the top, or maxChain above, down to the direct manager
	Reports []*Person // direct reports, by name
	OrgSize int       // the person and everyone below, at least 1
}

// maxChain bounds a chain: no company has so many levels, and records that make one of thousands must not make an answer
// of its square.
const maxChain = 100

// Place returns where an active person stands in the chart. Somebody unknown stands alone.
func (r *Roster) Place(id string) ChartPlace {
	e := r.people[id]
	if e == nil || !e.Active {
		return ChartPlace{OrgSize: 1}
	}
	place := ChartPlace{OrgSize: e.size}
	for _, sub := range e.reports {
		place.Reports = append(place.Reports, sub.Person)
	}
	for boss := e.manager; boss != nil && len(place.Chain) < maxChain; boss = boss.manager {
		place.Chain = append(place.Chain, boss.Person)
	}
	slices.Reverse(place.Chain)
	if e.manager != nil {
		place.Manager = e.manager.Person
	}
	return place
}

// DepartmentCount returns how many active people a department has.
func (r *Roster) DepartmentCount(department string) int { return r.departments[department] }

// startPercentile is the share of the active people with a known start, in percent, who began after a date.
func (r *Roster) startPercentile(start string) float64 {
	starts := r.starts()
	if len(starts) == 0 {
		return 0
	}
	after := len(starts) - sort.Search(len(starts), func(i int) bool { return starts[i] > start })
	return 100 * float64(after) / float64(len(starts))
}
