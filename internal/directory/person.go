package directory

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Source is who says that a person is here.
type Source string

// The sources of people.
const (
	Console  Source = "console"
	SCIM     Source = "scim"
	Employee Source = "employee"
	SSO      Source = "sso"
)

// Person is someone with a stable id. Values that this package returns are shared and must not be
// changed.
type Person struct {
	ID        string
	Name      string
	Email     string   // the main address, folded
	Addresses []string // every address held now, sorted
	Role      grant.Role
	// Active people can be acted as, sign in and hold principals: a source asserts them, neither
	// console nor SCIM deactivates them, and their employment is not EX.
	Active bool
	// Retired people are asserted by nobody. They hold no address and never come back: whoever gets
	// their address is somebody else.
	Retired bool
	Sources []Assertion
	Profile Profile
	Created int64 // microseconds
	Updated int64
	// Spell grows when the person becomes active again, or gets a greater role. Sessions and sign-in links hold in the
	// spell that they were made in: nobody comes back, or rises, with what was open before.
	Spell int64

	seq int64
}

// Assertion is what one source says of a person.
type Assertion struct {
	Source Source
	Active bool
}

// Profile is what indexemployee says of a person. Its JSON is how it is stored.
type Profile struct {
	FirstName     string                  `json:"firstName,omitzero"`
	LastName      string                  `json:"lastName,omitzero"`
	PreferredName string                  `json:"preferredName,omitzero"`
	EmployeeID    string                  `json:"id,omitzero"`
	Phone         string                  `json:"phoneNumber,omitzero"`
	Location      string                  `json:"location,omitzero"`
	Place         wire.StructuredLocation `json:"structuredLocation,omitzero"`
	Title         string                  `json:"title,omitzero"`
	PhotoURL      string                  `json:"photoUrl,omitzero"`
	PhotoDigest   string                  `json:"photo,omitzero"` // of a photo that is kept here, in place of an address
	BusinessUnit  string                  `json:"businessUnit,omitzero"`
	Department    string                  `json:"department,omitzero"`
	Handles       []Handle                `json:"datasourceProfiles,omitzero"`
	Teams         []Team                  `json:"teams,omitzero"`
	StartDate     string                  `json:"startDate,omitzero"` // YYYY-MM-DD
	EndDate       string                  `json:"endDate,omitzero"`
	Bio           string                  `json:"bio,omitzero"`
	Pronoun       string                  `json:"pronoun,omitzero"`
	AlsoKnownAs   []string                `json:"alsoKnownAs,omitzero"`
	ProfileURL    string                  `json:"profileUrl,omitzero"`
	Networks      []SocialNetwork         `json:"socialNetworks,omitzero"`
	ManagerEmail  string                  `json:"managerEmail,omitzero"` // folded
	ManagerID     string                  `json:"managerId,omitzero"`    // the manager's EmployeeID
	Type          string                  `json:"type,omitzero"`
	Relationships []Relationship          `json:"relationships,omitzero"`
	Status        string                  `json:"status,omitzero"`
	Additional    []AdditionalField       `json:"additionalFields,omitzero"`
}

// Employment types and states of the contract that sheaf acts on.
const (
	TypeFullTime  = "FULL_TIME"
	StatusCurrent = "CURRENT"
	StatusFuture  = "FUTURE"
	StatusEx      = "EX"
)

// Handle is a person's own page in a datasource.
type Handle struct {
	Datasource    string `json:"datasource"`
	Handle        string `json:"handle"`
	URL           string `json:"url,omitzero"`
	NativeAppURL  string `json:"nativeAppUrl,omitzero"`
	UserGenerated bool   `json:"isUserGenerated,omitzero"`
}

// Team is a team as an employee record names it.
type Team struct {
	ID   string `json:"id,omitzero"`
	Name string `json:"name,omitzero"`
	URL  string `json:"url,omitzero"`
}

// SocialNetwork is a person's page on a public network.
type SocialNetwork struct {
	Name        string `json:"name,omitzero"`
	ProfileName string `json:"profileName,omitzero"`
	ProfileURL  string `json:"profileUrl,omitzero"`
}

// Relationship ties a person to another, for instance an assistant.
type Relationship struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// AdditionalField is a field of the company's own, kept as sent.
type AdditionalField struct {
	Key   string           `json:"key,omitzero"`
	Value []jsontext.Value `json:"value,omitzero"`
}

// fullName is the name to show for a profile: the preferred or first name, then the last; "" where
// the profile has none.
func (p *Profile) fullName() string {
	first := p.PreferredName
	if first == "" {
		first = p.FirstName
	}
	return strings.TrimSpace(first + " " + p.LastName)
}
