package demo

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// builder makes one company. The order matters: people, accounts, then documents, whose links need
// every document's address first.
type builder struct {
	calendar
	*staff
	sample *Sample
	urls   map[string]string // document id to its address
	names  map[string]string // document id to the words of a link to it
}

func build(c calendar) (*Sample, error) {
	st, err := readStaff(c)
	if err != nil {
		return nil, err
	}
	s := &Sample{
		Name: "Quillmere", Domain: domain, Admin: st.emails["mira"], People: st.people, Groups: st.groups,
		byID: map[string]int{}, users: map[string]map[string]User{},
		parents: map[string][]string{}, direct: map[string][]string{}, active: map[string]bool{},
	}
	for _, p := range s.People {
		s.active[p.Email] = p.Status == "CURRENT"
	}
	for _, g := range s.Groups {
		for _, m := range g.Members {
			s.direct[m] = append(s.direct[m], g.Name)
		}
		for _, nested := range g.Groups {
			s.parents[nested] = append(s.parents[nested], g.Name)
		}
	}
	b := &builder{calendar: c, staff: st, sample: s, urls: map[string]string{}, names: map[string]string{}}
	return s, b.documents()
}

func (b *builder) documents() error {
	srcs := sources()
	all := make([][]record, len(srcs))
	stations, err := readStations()
	if err != nil {
		return err
	}
	for i, src := range srcs {
		if all[i], err = records(src.file); err != nil {
			return err
		}
		complete(all[i], stations)
		for _, st := range stations {
			all[i] = append(all[i], st.records(src.Name)...)
		}
		for _, r := range all[i] {
			if b.urls[r.id] != "" {
				return fmt.Errorf("%s: two documents are called %q", src.file, r.id)
			}
			b.urls[r.id] = src.url + r.id
			if b.names[r.id], err = b.expand(r.title, b.day(-r.created)); err != nil {
				return fmt.Errorf("%s: %s: %w", src.file, r.id, err)
			}
		}
	}
	for i, src := range srcs {
		if err := b.fill(src, all[i]); err != nil {
			return err
		}
	}
	return nil
}

// fill adds one datasource and its documents.
func (b *builder) fill(src source, rs []record) error {
	s := b.sample
	d, err := s.enrol(src)
	if err != nil {
		return err
	}
	d.URLRegex = "^" + regexp.QuoteMeta(src.url) + `.*`
	s.Datasources = append(s.Datasources, d)
	s.users[d.Name] = make(map[string]User, len(d.Users))
	for _, u := range d.Users {
		s.users[d.Name][u.Email] = u
	}
	for _, r := range rs {
		doc, err := b.document(src, r)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", src.file, r.id, err)
		}
		s.byID[doc.ID] = len(s.Documents)
		s.Documents = append(s.Documents, doc)
	}
	return nil
}

func (b *builder) document(src source, r record) (Document, error) {
	d := Document{
		ID: r.id, Datasource: src.Name, Type: src.Types[0].Name, URL: b.urls[r.id], Title: b.names[r.id],
		Container: r.container, MIME: "text/plain", Tags: r.tags, Status: r.status,
		Created: b.moment(r.id, -r.created), Updated: b.moment(r.id+" again", -r.updated),
		Views: 3 + hash(r.id+" views", 60)*hash(r.id+" fame", 12),
	}
	if r.kind != "" {
		d.Type = r.kind
	}
	if src.html {
		d.MIME = "text/html"
	}
	var err error
	if d.Author, err = b.email(r.author); err != nil {
		return d, err
	}
	if d.Owner, err = b.email(r.owner); err != nil {
		return d, err
	}
	if d.Permissions, err = b.permissions(r.readers); err != nil {
		return d, err
	}
	if err = b.comments(&d, r); err != nil {
		return d, err
	}
	if err = b.body(&d, r); err != nil {
		return d, err
	}
	for _, p := range r.properties {
		d.Properties = append(d.Properties, property(p[0], p[1]))
	}
	if d.Updated.Before(d.Created) {
		d.Updated = d.Created
	}
	return d, nil
}

// comments adds the remarks. The last of them is an update, which its author made.
func (b *builder) comments(d *Document, r record) error {
	d.UpdatedBy = d.Owner
	for i, m := range r.remarks {
		who, err := b.email(m.author)
		if err != nil {
			return err
		}
		text, err := b.expand(m.text, b.day(-r.created))
		if err != nil {
			return err
		}
		text, links, err := b.link(text, nil)
		if err != nil {
			return err
		}
		at := min(r.created, max(0, r.created-m.after))
		c := Comment{ID: d.ID + "-c" + strconv.Itoa(i+1), Author: who, Text: text, At: b.moment(d.ID+strconv.Itoa(i), -at)}
		if least := d.Created.Add(time.Duration(i+1) * time.Minute); c.At.Before(least) {
			c.At = least
		}
		if i > 0 && c.At.Before(d.Comments[i-1].At) {
			c.At = d.Comments[i-1].At.Add(7 * time.Minute)
		}
		if c.At.After(b.now) {
			c.At = b.now
		}
		if c.At.After(d.Updated) {
			d.Updated, d.UpdatedBy = c.At, who
		}
		d.Comments = append(d.Comments, c)
		d.Links = add(d.Links, links...)
	}
	return nil
}

func (b *builder) body(d *Document, r record) error {
	text, err := b.expand(r.body, b.day(-r.created))
	if err != nil {
		return err
	}
	var links []string
	if d.MIME == "text/html" {
		d.Body, links, err = b.html(text)
	} else {
		d.Body, links, err = b.plain(text)
	}
	d.Links = add(d.Links, links...)
	return err
}

func (b *builder) permissions(readers []string) (Permissions, error) {
	var p Permissions
	for _, r := range readers {
		switch {
		case r == "all":
			p.AllDatasourceUsers = true
		case r == "public":
			p.Anonymous = true
		case r == "none":
		case strings.HasPrefix(r, "@"):
			e, err := b.email(r[1:])
			if err != nil {
				return p, err
			}
			p.Users = append(p.Users, e)
		case strings.Contains(r, "&"):
			p.Intersections = append(p.Intersections, strings.Split(r, "&"))
		default:
			p.Groups = append(p.Groups, r)
		}
	}
	return p, nil
}

func property(name, value string) Property {
	if n, err := strconv.Atoi(value); err == nil && name == "value" {
		return Property{name, n}
	}
	return Property{name, value}
}

// add appends what is not there yet.
func add(list []string, more ...string) []string {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}
