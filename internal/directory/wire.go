package directory

import (
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/wire"
)

// Detail says how much of a person to show.
type Detail struct {
	// Management adds where the person stands in the chart: manager, chain, reports and counts.
	Management bool
}

// Brief returns who someone is and no more, as documents and charts name people.
func Brief(p *Person) wire.Person {
	return wire.Person{Name: p.Name, ObfuscatedID: p.ID}
}

// Show returns a person with their profile, as the API shows people. Somebody who is not active is
// shown as a former employee.
func (r *Roster) Show(p *Person, d Detail) wire.Person {
	f := &p.Profile
	m := &wire.PersonMetadata{
		Type: personType(p), FirstName: f.FirstName, LastName: f.LastName, PreferredName: f.PreferredName,
		Title: f.Title, BusinessUnit: f.BusinessUnit, Department: f.Department,
		Email: p.Email, Location: location(f), Phone: f.Phone, PhotoURL: f.PhotoURL, Bio: f.Bio, Pronoun: f.Pronoun,
		ExternalProfileLink: f.ProfileURL, StartDate: date(f.StartDate), EndDate: date(f.EndDate),
		TimezoneIANA: f.Place.Timezone,
	}
	for _, address := range p.Addresses {
		if address != p.Email {
			m.AliasEmails = append(m.AliasEmails, address)
		}
	}
	if place := f.Place; place != (wire.StructuredLocation{}) {
		m.StructuredLocation = &place
	}
	for _, t := range f.Teams {
		m.Teams = append(m.Teams, wire.PersonTeam{ID: t.ID, Name: t.Name, ExternalLink: t.URL})
	}
	for _, n := range f.Networks {
		if n.Name != "" && n.ProfileURL != "" { // clients need both
			m.SocialNetwork = append(m.SocialNetwork, wire.SocialNetwork{Name: n.Name, ProfileName: n.ProfileName, ProfileURL: n.ProfileURL})
		}
	}
	for _, h := range f.Handles {
		m.DatasourceProfile = append(m.DatasourceProfile, wire.DatasourceProfile{
			Datasource: h.Datasource, Handle: h.Handle, URL: h.URL, NativeAppURL: h.NativeAppURL, UserGenerated: h.UserGenerated,
		})
	}
	if d.Management {
		r.showPlace(p, m)
	}
	shown := Brief(p)
	shown.Metadata = m
	return shown
}

func (r *Roster) showPlace(p *Person, m *wire.PersonMetadata) {
	place := r.Place(p.ID)
	if place.Manager != nil {
		boss := r.Show(place.Manager, Detail{})
		m.Manager = &boss
	}
	for _, boss := range place.Chain {
		m.ManagementChain = append(m.ManagementChain, Brief(boss))
	}
	for _, report := range place.Reports {
		m.Reports = append(m.Reports, Brief(report))
	}
	m.DirectReportsCount, m.OrgSizeCount = len(place.Reports), place.OrgSize
	m.IsOrgRoot = place.Manager == nil && len(place.Reports) > 0
	if p.Profile.Department != "" {
		m.DepartmentCount = r.DepartmentCount(p.Profile.Department)
	}
}

// personType leaves out what clients do not know: they refuse the whole answer over it.
func personType(p *Person) string {
	known := []string{wire.FullTime, wire.Contractor, wire.NonEmployee, wire.FormerEmployee}
	switch {
	case !p.Active:
		return wire.FormerEmployee
	case slices.Contains(known, p.Profile.Type):
		return p.Profile.Type
	}
	return ""
}

func location(f *Profile) string {
	if f.Location != "" {
		return f.Location
	}
	parts := slices.DeleteFunc([]string{f.Place.City, f.Place.Country}, func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// date passes a calendar date on and leaves out anything else, which clients would refuse.
func date(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return ""
	}
	return text
}
