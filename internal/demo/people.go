package demo

import (
	"fmt"
	"strconv"
	"strings"
)

const domain = "quillmere.example"

// staff is the directory while the company is being built: people and groups, by the short names
// that the data files use.
type staff struct {
	people []Person
	groups []Group
	emails map[string]string // short name to email
}

// email is the address of the person whom the data files call name.
func (s *staff) email(name string) (string, error) {
	if e, ok := s.emails[name]; ok {
		return e, nil
	}
	return "", fmt.Errorf("no person is called %q", name)
}

func readStaff(c calendar) (*staff, error) {
	rows, err := table("people.txt", 9)
	if err != nil {
		return nil, err
	}
	s := &staff{emails: make(map[string]string, len(rows))}
	for _, row := range rows {
		short, _, _ := strings.Cut(row[0], ".")
		if s.emails[short] != "" {
			return nil, fmt.Errorf("people.txt: two people are called %q", short)
		}
		s.emails[short] = row[0] + "@" + domain
	}
	for i, row := range rows {
		p, err := s.person(c, i, row)
		if err != nil {
			return nil, fmt.Errorf("people.txt: %s: %w", row[0], err)
		}
		s.people = append(s.people, p)
	}
	return s, s.readGroups()
}

func (s *staff) person(c calendar, n int, row []string) (Person, error) {
	office, err := officeIn(row[4])
	if err != nil {
		return Person{}, err
	}
	days, err := strconv.Atoi(row[6])
	if err != nil {
		return Person{}, fmt.Errorf("days employed: %w", err)
	}
	first, last, _ := strings.Cut(row[1], " ")
	p := Person{
		Email: row[0] + "@" + domain, FirstName: first, LastName: last,
		Title: row[2], Department: row[3], Office: office,
		// 555-01xx is set aside for use in stories.
		Phone: fmt.Sprintf("+1 202 555 01%02d", n),
		Bio:   row[8], Type: "FULL_TIME", Status: "CURRENT", Role: "MEMBER", Start: c.day(-days),
	}
	switch row[7] {
	case "":
	case "CONTRACTOR":
		p.Type = row[7]
	case "EX":
		p.Status, p.End = row[7], c.day(-52)
	case "SUPER_ADMIN", "ADMIN", "API_TOKEN_CREATOR":
		p.Role = row[7]
	default:
		return Person{}, fmt.Errorf("unknown role or type %q", row[7])
	}
	if row[5] != "-" {
		if p.Manager, err = s.email(row[5]); err != nil {
			return Person{}, err
		}
	}
	return p, nil
}

func officeIn(city string) (Office, error) {
	switch city {
	case "Bergen":
		return Office{city, "Norway", "NO", "Europe/Oslo"}, nil
	case "Gdańsk":
		return Office{city, "Poland", "PL", "Europe/Warsaw"}, nil
	case "Lisbon":
		return Office{city, "Portugal", "PT", "Europe/Lisbon"}, nil
	case "Leeds":
		return Office{city, "United Kingdom", "GB", "Europe/London"}, nil
	case "Nagoya":
		return Office{city, "Japan", "JP", "Asia/Tokyo"}, nil
	case "Halifax":
		return Office{city, "Canada", "CA", "America/Halifax"}, nil
	}
	return Office{}, fmt.Errorf("no office in %q", city)
}

func (s *staff) readGroups() error {
	rows, err := table("groups.txt", 3)
	if err != nil {
		return err
	}
	for _, row := range rows {
		g := Group{Name: row[0], About: row[1]}
		rest := row[2]
		// Departments have spaces in their names, so they are taken out first.
		for {
			before, after, found := strings.Cut(rest, "[")
			if !found {
				break
			}
			dept, tail, _ := strings.Cut(after, "]")
			for _, p := range s.people {
				if p.Department == dept && p.Type == "FULL_TIME" && p.Status == "CURRENT" {
					g.Members = append(g.Members, p.Email)
				}
			}
			rest = before + tail
		}
		for _, word := range strings.Fields(rest) {
			if nested, ok := strings.CutPrefix(word, "+"); ok {
				g.Groups = append(g.Groups, nested)
				continue
			}
			e, err := s.email(word)
			if err != nil {
				return fmt.Errorf("groups.txt: %s: %w", g.Name, err)
			}
			g.Members = append(g.Members, e)
		}
		s.groups = append(s.groups, g)
	}
	return nil
}
