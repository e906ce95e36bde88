package demo

import (
	"fmt"
	"slices"
)

// source is a datasource with what is needed to fill it.
type source struct {
	Datasource
	file  string   // of data/
	url   string   // a document's address is url + its id
	html  bool     // whether bodies are text/html
	admit []string // groups whose members have an account; none means everybody
}

func sources() []source {
	text := func(names ...string) []PropertyType { return properties("TEXT", names) }
	pick := func(names ...string) []PropertyType { return properties("PICKLIST", names) }
	ticket := append(pick("priority", "component"), text("station", "version")...)
	deal := append(text("industry", "country", "contact"), PropertyType{"value", "Value in EUR", "INT"})
	return []source{
		{file: "wiki.txt", url: "https://wiki.quillmere.example/pages/", html: true, Datasource: Datasource{
			Name: "wiki", DisplayName: "Field Wiki", Category: "PUBLISHED_CONTENT", ByEmail: true,
			Types: []ObjectType{{"page", "Page", "PUBLISHED_CONTENT", nil}, {"station", "Station", "PUBLISHED_CONTENT", text("country", "latitude")}},
		}},
		{file: "tickets.txt", url: "https://tickets.quillmere.example/browse/", Datasource: Datasource{
			Name: "tickets", DisplayName: "Tickets", Category: "TICKETS", ByEmail: true,
			Types: []ObjectType{{"bug", "Bug", "TICKETS", ticket}, {"task", "Task", "TICKETS", ticket}, {"request", "Request", "TICKETS", ticket}},
		}},
		// Chat knows people by numbers of its own, and the plant has no accounts there.
		{file: "chat.txt", url: "https://chat.quillmere.example/t/", Datasource: Datasource{
			Name: "chat", DisplayName: "Chat", Category: "MESSAGING",
			Types: []ObjectType{{"thread", "Thread", "MESSAGING", nil}},
		}, admit: []string{"executives", "engineering", "all-field-service", "go-to-market", "people-operations", "finance", "legal", "it-security", "contractors"}},
		{file: "codereviews.txt", url: "https://code.quillmere.example/reviews/", Datasource: Datasource{
			Name: "codereviews", DisplayName: "Code reviews", Category: "CODE_REPOSITORY", ByEmail: true,
			Types: []ObjectType{{"review", "Review", "CODE_REPOSITORY", text("repository")}},
		}, admit: []string{"engineering", "it-security", "product"}},
		{file: "drive.txt", url: "https://drive.quillmere.example/d/", Datasource: Datasource{
			Name: "drive", DisplayName: "Shared drive", Category: "COLLABORATIVE_CONTENT", ByEmail: true,
			Types: []ObjectType{
				{"document", "Document", "COLLABORATIVE_CONTENT", nil},
				{"spreadsheet", "Spreadsheet", "COLLABORATIVE_CONTENT", nil},
				{"slides", "Slides", "COLLABORATIVE_CONTENT", nil},
				{"pdf", "PDF", "PUBLISHED_CONTENT", nil},
			},
		}, admit: []string{"all-staff", "calibration-lab"}},
		{file: "crm.txt", url: "https://crm.quillmere.example/r/", Datasource: Datasource{
			Name: "crm", DisplayName: "Customers", Category: "CRM", ByEmail: true,
			Types: []ObjectType{{"account", "Account", "CRM", deal}, {"note", "Note", "CRM", text("account")}, {"opportunity", "Opportunity", "CRM", deal}},
		}, admit: []string{"go-to-market", "finance", "legal", "all-field-service", "leadership"}},
		{file: "handbook.txt", url: "https://handbook.quillmere.example/", html: true, Datasource: Datasource{
			Name: "handbook", DisplayName: "Handbook", Category: "KNOWLEDGE_HUB", ByEmail: true,
			Types: []ObjectType{{"article", "Article", "KNOWLEDGE_HUB", nil}},
		}, admit: []string{"all-staff"}},
		{file: "incidents.txt", url: "https://incidents.quillmere.example/i/", html: true, Datasource: Datasource{
			Name: "incidents", DisplayName: "Incidents", Category: "CHANGE_MANAGEMENT", ByEmail: true,
			Types: []ObjectType{{"report", "Incident report", "CHANGE_MANAGEMENT", append(pick("severity"), text("service")...)}},
		}, admit: []string{"engineering", "it-security", "all-field-service", "product", "leadership"}},
	}
}

func properties(kind string, names []string) []PropertyType {
	var out []PropertyType
	for _, n := range names {
		out = append(out, PropertyType{Name: n, Label: string(n[0]-'a'+'A') + n[1:], Type: kind})
	}
	return out
}

// enrol gives the datasource's accounts to the people it admits. Former employees keep a closed one
// where everybody is admitted, as happens in every company.
func (s *Sample) enrol(src source) (Datasource, error) {
	d := src.Datasource
	for _, g := range src.admit {
		if !slices.ContainsFunc(s.Groups, func(have Group) bool { return have.Name == g }) {
			return Datasource{}, fmt.Errorf("datasource %s admits group %q, which does not exist", d.Name, g)
		}
	}
	for i, p := range s.People {
		in := s.groupsOf(p.Email)
		if len(src.admit) > 0 && !slices.ContainsFunc(src.admit, func(g string) bool { return in[g] }) {
			continue
		}
		u := User{Email: p.Email, Name: p.Name(), Active: s.active[p.Email]}
		if !d.ByEmail {
			// Numbers as a chat server would give them: rising, with gaps.
			u.ID = fmt.Sprintf("q%05d", 10007+i*173)
		}
		d.Users = append(d.Users, u)
	}
	d.HomeURL = src.url
	return d, nil
}
