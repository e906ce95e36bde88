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
	// Profiles adds to everybody in the chart what they do and how to reach them.
	Profiles bool
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
		Email: p.Email, Location: location(f), Phone: f.Phone, PhotoURL: r.photoURL(p), Bio: f.Bio, Pronoun: f.Pronoun,
		ExternalProfileLink: f.ProfileURL, StartDate: date(f.StartDate), EndDate: date(f.EndDate),
		TimezoneIANA: f.Place.Timezone, CustomFields: r.customFields(f.Additional),
	}
	for _, address := range p.Addresses {
		if address != p.Email {
			m.AliasEmails = append(m.AliasEmails, address)
		}
	}
	if place := f.Place; place != (wire.StructuredLocation{}) {
		m.StructuredLocation = &place
	}
	for _, t := range r.teamsOf(p) {
		relationship, _ := relationshipOf(t.relationship)
		m.Teams = append(m.Teams, wire.PersonTeam{ID: t.ID, Name: t.Name, ExternalLink: t.URL, Relationship: relationship, JoinDate: day(t.joined)})
	}
	for _, rel := range f.Relationships {
		if other, known := r.ByEmail(rel.Email); known && other.Active && rel.Name != "" {
			shown := Brief(other)
			m.CustomFields = append(m.CustomFields, wire.CustomField{Label: rel.Name, Values: []wire.CustomFieldValue{{Person: &shown}}, Displayable: true})
		}
	}
	for _, n := range f.Networks {
		if n.Name != "" && n.ProfileURL != "" { // clients need both
			m.SocialNetwork = append(m.SocialNetwork, wire.SocialNetwork{Name: n.Name, ProfileName: n.ProfileName, ProfileURL: n.ProfileURL})
		}
	}
	m.DatasourceProfile = showHandles(f.Handles)
	if d.Management {
		r.showPlace(p, m, d.Profiles)
	}
	shown := Brief(p)
	shown.Metadata = m
	return shown
}

// maxReports bounds the reports that are shown of one person; their number is told in full.
const maxReports = 1000

func (r *Roster) showPlace(p *Person, m *wire.PersonMetadata, profiles bool) {
	brief := Brief
	if profiles {
		brief = r.card
	}
	place := r.Place(p.ID)
	if place.Manager != nil {
		boss := r.Show(place.Manager, Detail{})
		m.Manager = &boss
	}
	for _, boss := range place.Chain {
		m.ManagementChain = append(m.ManagementChain, brief(boss))
	}
	for _, report := range place.Reports[:min(len(place.Reports), maxReports)] {
		m.Reports = append(m.Reports, brief(report))
	}
	m.DirectReportsCount, m.OrgSizeCount = len(place.Reports), place.OrgSize
	m.IsOrgRoot = place.Manager == nil && len(place.Reports) > 0
	if p.Profile.Department != "" {
		m.DepartmentCount = r.DepartmentCount(p.Profile.Department)
	}
	if start := date(p.Profile.StartDate); start != "" && p.Active {
		percent := r.startPercentile(start)
		m.StartDatePercentile = &percent
	}
}

// card shows what somebody does and how to reach them.
func (r *Roster) card(p *Person) wire.Person {
	shown := Brief(p)
	shown.Metadata = &wire.PersonMetadata{
		Title: p.Profile.Title, Department: p.Profile.Department, Email: p.Email, Location: location(&p.Profile), PhotoURL: r.photoURL(p),
	}
	return shown
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

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// photoURL is where the photo of a person is.
func (r *Roster) photoURL(p *Person) string {
	if p.Profile.PhotoDigest != "" && r.photos != "" {
		return r.photos + p.ID + "/photo"
	}
	return p.Profile.PhotoURL
}

func showHandles(list []Handle) (shown []wire.DatasourceProfile) {
	for _, h := range list {
		shown = append(shown, wire.DatasourceProfile{
			Datasource: h.Datasource, Handle: h.Handle, URL: h.URL, NativeAppURL: h.NativeAppURL, UserGenerated: h.UserGenerated,
		})
	}
	return shown
}

// customFields shows the additional fields that are texts or links.
func (r *Roster) customFields(list []AdditionalField) (shown []wire.CustomField) {
	for _, a := range list {
		field := wire.CustomField{Label: a.Key, Displayable: true}
		for _, v := range a.Value {
			if v.Kind() == '{' {
				if link := linkOf(v); link.Link != "" && CheckURL("hyperlink", link.Link) == nil {
					field.Values = append(field.Values, wire.CustomFieldValue{URLAnchor: link.Anchor, URLLink: link.Link})
				} else if link.Anchor != "" {
					field.Values = append(field.Values, wire.CustomFieldValue{StrText: link.Anchor})
				}
				continue
			}
			if text := textOf(v); text != "" {
				field.Values = append(field.Values, wire.CustomFieldValue{StrText: text})
			}
		}
		if a.Key != "" && len(field.Values) > 0 {
			shown = append(shown, field)
		}
	}
	return shown
}

// relationshipOf is a relationship as clients know it, and the company's own word for one that they do not.
func relationshipOf(text string) (wire.TeamRelationship, string) {
	switch known := wire.TeamRelationship(strings.ToUpper(text)); known {
	case wire.TeamMember, wire.TeamManager, wire.TeamLead, wire.TeamPointOfContact, wire.TeamOther:
		return known, ""
	case "":
		return wire.TeamMember, ""
	}
	return wire.TeamOther, text
}

// maxMembersShown bounds the members that are shown of one team; their number is told in full.
const maxMembersShown = 1000

// ShowTeam returns a team as the API shows teams, its members by name, or with profiles.
func (r *Roster) ShowTeam(t *TeamInfo, profiles bool) wire.Team {
	shown := wire.Team{
		ID: t.ID, Name: t.Name, Description: t.Description, BusinessUnit: t.BusinessUnit, Department: t.Department, PhotoURL: t.PhotoURL,
		ExternalLink: t.Link, CustomFields: r.customFields(t.Additional), DatasourceProfiles: showHandles(t.Handles),
		LastUpdatedAt: time.UnixMicro(t.Updated).UTC(),
	}
	for _, e := range t.Emails {
		kind := strings.ToUpper(e.Type)
		if !slices.Contains([]string{"PRIMARY", "SECONDARY", "ONCALL"}, kind) {
			kind = "OTHER"
		}
		shown.Emails = append(shown.Emails, wire.TeamEmail{Email: e.Email, Type: kind})
	}
	members := r.MembersOf(t)
	shown.MemberCount = len(members)
	for _, m := range members[:min(len(members), maxMembersShown)] {
		role := wire.TeamRole{Person: Brief(m.Person), JoinDate: day(m.Joined)}
		if profiles {
			role.Person = r.Show(m.Person, Detail{})
		}
		role.Relationship, role.CustomRelationshipStr = relationshipOf(m.Relationship)
		shown.Members = append(shown.Members, role)
	}
	return shown
}
