// Package demo is the sample company of `sheaf demo`: Quillmere, a maker of weather and wind sensors,
// as plain data. Its one idea is that the company can be relied on: the same people, groups, documents
// and permissions on every run, with only the calendar moved so that dates look fresh, and Sees as an
// independent statement of who may read what. The prose lies in data/*.txt in a small format that
// read.go describes. The demo command and tests call it; it imports only the standard library and
// knows nothing of the rest of sheaf.
package demo

import "time"

// Sample is one whole company. It is not shared: a caller may change what it was given, but Sees and
// UserID answer for the company as it was made.
type Sample struct {
	Name        string       // as people say it
	Domain      string       // of every email address
	Admin       string       // email of the person who runs sheaf there
	People      []Person     // in the order of the directory, the chief executive first
	Groups      []Group      // every group exists in every datasource
	Datasources []Datasource // eight, in a fixed order
	Documents   []Document   // by datasource, then in the order of the data files

	byID    map[string]int             // document id to its place in Documents
	users   map[string]map[string]User // datasource, then email
	parents map[string][]string        // group to the groups that contain it
	direct  map[string][]string        // email to the groups that list it
	active  map[string]bool            // email to whether the person still works there
}

// Person is one employee, contractor or former employee.
type Person struct {
	Email      string // ASCII, unique
	FirstName  string // as the person writes it, not always ASCII
	LastName   string
	Title      string
	Department string
	Office     Office
	Manager    string // email; empty for the chief executive alone
	Phone      string
	Bio        string
	Type       string    // FULL_TIME or CONTRACTOR
	Status     string    // CURRENT, or EX for a former employee
	Role       string    // SUPER_ADMIN, ADMIN, API_TOKEN_CREATOR or MEMBER
	Start      time.Time // midnight UTC
	End        time.Time // zero unless Status is EX
}

// Name is the full name as it is shown.
func (p Person) Name() string { return p.FirstName + " " + p.LastName }

// Office is a place of work.
type Office struct {
	City, Country, CountryCode, Timezone string
}

// Group is a named set of people and other groups. Groups nest without cycles.
type Group struct {
	Name    string   // [a-z0-9-]+
	About   string   // one line
	Members []string // emails of direct members
	Groups  []string // names of groups whose members belong, too
}

// Datasource is a place that documents come from.
type Datasource struct {
	Name        string // [a-z0-9]+
	DisplayName string
	Category    string // a datasourceCategory of the indexing contract
	URLRegex    string // every Document.URL of the datasource matches it
	HomeURL     string
	ByEmail     bool // whether users are known there by email; if not, by User.ID
	Types       []ObjectType
	Users       []User // who has an account there, in the order of Sample.People
}

// ObjectType is a kind of document within a datasource.
type ObjectType struct {
	Name       string
	Label      string
	Category   string // a docCategory of the indexing contract
	Properties []PropertyType
}

// PropertyType declares one custom property.
type PropertyType struct {
	Name  string
	Label string
	Type  string // TEXT, INT, PICKLIST or USERID, as the contract names them
}

// User is a person's account in one datasource.
type User struct {
	Email  string
	ID     string // the datasource's own id; empty where users are known by email
	Name   string
	Active bool
}

// Document is one page, ticket, thread or file. Emails stand for people everywhere; UserID gives the
// id to send where a datasource does not know people by email.
type Document struct {
	ID          string // unique in the whole company, not only in its datasource
	Datasource  string
	Type        string // an ObjectType name of the datasource
	Title       string
	URL         string
	Container   string // a path such as "Sensors / Wind"
	MIME        string // text/html or text/plain
	Body        string
	Author      string
	Owner       string
	UpdatedBy   string
	Created     time.Time // UTC, whole seconds, never after now
	Updated     time.Time // never before Created
	Tags        []string
	Status      string   // empty where the datasource has none
	Links       []string // ids of the documents that the body links to
	Comments    []Comment
	Properties  []Property
	Permissions Permissions
	Views       int
}

// Comment is a remark under a document, oldest first.
type Comment struct {
	ID     string
	Author string
	Text   string // text/plain
	At     time.Time
}

// Property is the value of one custom property: a string, or an int where its type is INT.
type Property struct {
	Name  string
	Value any
}

// Permissions says who may read a document. The zero value is nobody.
type Permissions struct {
	Anonymous          bool       // everyone, anonymous tokens included
	AllDatasourceUsers bool       // everyone with an active account in the datasource
	Users              []string   // emails; each has an account in the datasource
	Groups             []string   // members of any of these, through nesting
	Intersections      [][]string // members of all groups of any of these
}

// Company makes the sample company as it would look at now. Equal arguments give equal companies on
// every platform, and everything but the dates is equal for every argument. An error means that the
// data built into the program is broken.
func Company(now time.Time) (*Sample, error) {
	return build(calendar{now: now.UTC().Truncate(time.Second)})
}
