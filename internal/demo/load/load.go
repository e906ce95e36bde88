// Package load puts the sample company into a server, by the same services that connectors reach over the wire.
//
// It is what `sheaf demo` and tests call on an empty server. Loading twice is the same as loading once.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/extract"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Into loads company as the caller, who must be the server itself. People with a role in the company
// get it in the console; the administrator is among them.
func Into(ctx context.Context, people *directory.Directory, documents *corpus.Corpus, c grant.Caller, company *demo.Sample) error {
	if err := employees(ctx, people, company); err != nil {
		return fmt.Errorf("load people: %w", err)
	}
	if err := documents.FollowNames(ctx, c); err != nil {
		return fmt.Errorf("take in the names of people: %w", err)
	}
	for i := range company.Datasources {
		if err := documents.PutDatasource(ctx, c, config(&company.Datasources[i])); err != nil {
			return fmt.Errorf("load datasource %s: %w", company.Datasources[i].Name, err)
		}
	}
	// Side by side, so that their writes share commits.
	var wait sync.WaitGroup
	failed := make([]error, len(company.Datasources))
	for i := range company.Datasources {
		wait.Go(func() {
			ds := &company.Datasources[i]
			if failed[i] = datasource(ctx, people, documents, c, company, ds); failed[i] != nil {
				failed[i] = fmt.Errorf("load datasource %s: %w", ds.Name, failed[i])
			}
		})
	}
	wait.Wait()
	return errors.Join(failed...)
}

func employees(ctx context.Context, people *directory.Directory, company *demo.Sample) error {
	records := make([]directory.EmployeeRecord, 0, len(company.People))
	for _, p := range company.People {
		records = append(records, directory.EmployeeRecord{Email: p.Email, Profile: profile(p)})
	}
	if err := people.PutEmployees(ctx, records); err != nil {
		return err
	}
	for _, p := range company.People {
		role, ok := grant.ParseRole(p.Role)
		if !ok || role == grant.RoleMember {
			continue
		}
		_, err := people.Add(ctx, directory.NewPerson{Email: p.Email, Name: p.Name(), Role: role})
		if err != nil && fault.KindOf(err) != fault.Conflict { // known to the console already
			return err
		}
	}
	return nil
}

func profile(p demo.Person) directory.Profile {
	f := directory.Profile{
		FirstName: p.FirstName, LastName: p.LastName, Title: p.Title, Department: p.Department, ManagerEmail: p.Manager,
		Phone: p.Phone, Bio: p.Bio, Type: p.Type, Status: p.Status, Location: p.Office.City,
		Place: wire.StructuredLocation{
			City: p.Office.City, Country: p.Office.Country, CountryCode: p.Office.CountryCode, Timezone: p.Office.Timezone,
		},
		StartDate: p.Start.Format(time.DateOnly),
	}
	if !p.End.IsZero() {
		f.EndDate = p.End.Format(time.DateOnly)
	}
	return f
}

// config is a datasource as adddatasource takes it.
func config(ds *demo.Datasource) jsontext.Value {
	settings := corpus.Settings{
		Name: ds.Name, DisplayName: ds.DisplayName, Category: ds.Category, URLRegex: ds.URLRegex, HomeURL: ds.HomeURL, ByEmail: ds.ByEmail,
	}
	for _, t := range ds.Types {
		object := corpus.ObjectDefinition{Name: t.Name, DisplayLabel: t.Label, Category: t.Category}
		for _, p := range t.Properties {
			object.Properties = append(object.Properties, corpus.PropertyDefinition{Name: p.Name, DisplayLabel: p.Label, Type: corpus.PropertyType(p.Type)})
		}
		settings.Objects = append(settings.Objects, object)
	}
	text, err := json.Marshal(settings)
	if err != nil {
		panic(err) // strings and lists of them
	}
	return text
}

func datasource(ctx context.Context, people *directory.Directory, documents *corpus.Corpus, c grant.Caller, company *demo.Sample, ds *demo.Datasource) error {
	identities := make([]directory.Identity, 0, len(ds.Users))
	for _, u := range ds.Users {
		identities = append(identities, directory.Identity{Email: u.Email, UserID: u.ID, Name: u.Name, Active: u.Active})
	}
	if err := people.PutIdentities(ctx, ds.Name, identities); err != nil {
		return err
	}
	var groups []directory.Group
	var members []directory.Membership
	for _, g := range company.Groups {
		groups = append(groups, directory.Group{Name: g.Name})
		for _, email := range g.Members {
			if id, ok := company.UserID(ds.Name, email); ok {
				members = append(members, directory.Membership{Group: g.Name, User: id})
			}
		}
		for _, inner := range g.Groups {
			members = append(members, directory.Membership{Group: g.Name, MemberGroup: inner})
		}
	}
	if err := people.PutGroups(ctx, ds.Name, groups); err != nil {
		return err
	}
	if err := people.PutMemberships(ctx, ds.Name, members); err != nil {
		return err
	}
	names := map[string]string{}
	for _, p := range company.People {
		names[p.Email] = p.Name()
	}
	var docs []corpus.Document
	for i := range company.Documents {
		if company.Documents[i].Datasource != ds.Name {
			continue
		}
		doc, err := document(ctx, company, names, &company.Documents[i])
		if err != nil {
			return err
		}
		docs = append(docs, doc)
	}
	return documents.Put(ctx, c, ds.Name, docs, 0)
}

func document(ctx context.Context, company *demo.Sample, names map[string]string, d *demo.Document) (corpus.Document, error) {
	text, err := extract.New().Read(ctx, extract.Content{MimeType: d.MIME, Data: []byte(d.Body), Characters: true})
	if err != nil {
		return corpus.Document{}, err
	}
	user := func(email string) corpus.User {
		if email == "" {
			return corpus.User{}
		}
		return corpus.User{Email: email, Name: names[email]}
	}
	doc := corpus.Document{
		ObjectType: d.Type, ID: d.ID, Title: d.Title, ViewURL: d.URL, Body: text.Text, MimeType: d.MIME,
		CreatedAt: d.Created.Unix(), UpdatedAt: d.Updated.Unix(), Container: d.Container,
		Author: user(d.Author), Owner: user(d.Owner), UpdatedBy: user(d.UpdatedBy), Tags: d.Tags, Status: d.Status,
		Interactions: corpus.Interactions{Views: int64(d.Views), Comments: int64(len(d.Comments))},
		Permissions: directory.Permissions{
			Everyone: d.Permissions.Anonymous, AllUsers: d.Permissions.AllDatasourceUsers,
			Groups: d.Permissions.Groups, Intersections: d.Permissions.Intersections,
		},
	}
	for _, email := range d.Permissions.Users {
		if id, ok := company.UserID(d.Datasource, email); ok {
			ref := directory.UserRef{UserID: id}
			if id == email {
				ref = directory.UserRef{Email: email}
			}
			doc.Permissions.Users = append(doc.Permissions.Users, ref)
		}
	}
	for _, remark := range d.Comments {
		doc.Comments = append(doc.Comments, corpus.Comment{ID: remark.ID, Author: user(remark.Author), Text: remark.Text, CreatedAt: remark.At.Unix()})
	}
	for _, p := range d.Properties {
		value, err := json.Marshal(p.Value)
		if err != nil {
			return corpus.Document{}, err
		}
		doc.Properties = append(doc.Properties, corpus.Property{Name: p.Name, Value: value})
	}
	return doc, nil
}
