package wire

import "time"

// Person is someone in the company.
type Person struct {
	Name string `json:"name"`
	// ObfuscatedID is the person's stable id. It says nothing about them.
	ObfuscatedID string          `json:"obfuscatedId"`
	Metadata     *PersonMetadata `json:"metadata,omitzero"`
}

// PersonMetadata is what the directory knows of a person. Dates are YYYY-MM-DD.
type PersonMetadata struct {
	Type                string              `json:"type,omitzero"`
	FirstName           string              `json:"firstName,omitzero"`
	LastName            string              `json:"lastName,omitzero"`
	PreferredName       string              `json:"preferredName,omitzero"`
	Title               string              `json:"title,omitzero"`
	BusinessUnit        string              `json:"businessUnit,omitzero"`
	Department          string              `json:"department,omitzero"`
	Email               string              `json:"email,omitzero"`
	AliasEmails         []string            `json:"aliasEmails,omitzero"`
	Location            string              `json:"location,omitzero"`
	StructuredLocation  *StructuredLocation `json:"structuredLocation,omitzero"`
	Phone               string              `json:"phone,omitzero"`
	PhotoURL            string              `json:"photoUrl,omitzero"`
	Bio                 string              `json:"bio,omitzero"`
	Pronoun             string              `json:"pronoun,omitzero"`
	ExternalProfileLink string              `json:"externalProfileLink,omitzero"`
	StartDate           string              `json:"startDate,omitzero"`
	EndDate             string              `json:"endDate,omitzero"`
	Manager             *Person             `json:"manager,omitzero"`
	ManagementChain     []Person            `json:"managementChain,omitzero"` // ends with the direct manager
	Reports             []Person            `json:"reports,omitzero"`
	DirectReportsCount  int                 `json:"directReportsCount,omitzero"`
	OrgSizeCount        int                 `json:"orgSizeCount,omitzero"` // counts the person too
	IsOrgRoot           bool                `json:"isOrgRoot,omitzero"`
	DepartmentCount     int                 `json:"departmentCount,omitzero"`
	Teams               []PersonTeam        `json:"teams,omitzero"`
	SocialNetwork       []SocialNetwork     `json:"socialNetwork,omitzero"`
	DatasourceProfile   []DatasourceProfile `json:"datasourceProfile,omitzero"`
	TimezoneIANA        string              `json:"timezoneIANA,omitzero"`
	StartDatePercentile *float64            `json:"startDatePercentile,omitzero"` // how many percent began later
	CustomFields        []CustomField       `json:"customFields,omitzero"`
	Badges              []Badge             `json:"badges,omitzero"`
	Permissions         *PersonPermissions  `json:"permissions,omitzero"`
	ProfileBoolSettings map[string]bool     `json:"profileBoolSettings,omitzero"`
}

// Types of person. Clients know no others.
const (
	FullTime       = "FULL_TIME"
	Contractor     = "CONTRACTOR"
	NonEmployee    = "NON_EMPLOYEE"
	FormerEmployee = "FORMER_EMPLOYEE"
)

// PersonTeam is a team that someone belongs to.
type PersonTeam struct {
	ID           string           `json:"id,omitzero"`
	Name         string           `json:"name,omitzero"`
	ExternalLink string           `json:"externalLink,omitzero"`
	Relationship TeamRelationship `json:"relationship,omitzero"`
	JoinDate     time.Time        `json:"joinDate,omitzero"`
}

// TeamRelationship is what someone is to a team.
type TeamRelationship string

// The relationships. Clients know no others.
const (
	TeamMember         TeamRelationship = "MEMBER"
	TeamManager        TeamRelationship = "MANAGER"
	TeamLead           TeamRelationship = "LEAD"
	TeamPointOfContact TeamRelationship = "POINT_OF_CONTACT"
	TeamOther          TeamRelationship = "OTHER"
)

// CustomField is a field of the company's own, with at least one value.
type CustomField struct {
	Label       string             `json:"label"`
	Values      []CustomFieldValue `json:"values"`
	Displayable bool               `json:"displayable"`
}

// CustomFieldValue is a text, a link or a person: the fields of one of them are set.
type CustomFieldValue struct {
	StrText   string  `json:"strText,omitzero"`
	URLAnchor string  `json:"urlAnchor,omitzero"`
	URLLink   string  `json:"urlLink,omitzero"`
	Person    *Person `json:"person,omitzero"`
}

// Badge marks someone out.
type Badge struct {
	Key         string `json:"key,omitzero"`
	DisplayName string `json:"displayName,omitzero"`
}

// PersonPermissions is what someone may do beyond what every member may.
type PersonPermissions struct {
	Role                          string `json:"role,omitzero"`
	CanAdminSearch                bool   `json:"canAdminSearch"`
	CanAdminClientAPIGlobalTokens bool   `json:"canAdminClientApiGlobalTokens"`
}

// SocialNetwork is someone's page on a public network.
type SocialNetwork struct {
	Name        string `json:"name"`
	ProfileName string `json:"profileName,omitzero"`
	ProfileURL  string `json:"profileUrl"`
}

// DatasourceProfile is someone's own page in a datasource.
type DatasourceProfile struct {
	Datasource    string `json:"datasource"`
	Handle        string `json:"handle"`
	URL           string `json:"url,omitzero"`
	NativeAppURL  string `json:"nativeAppUrl,omitzero"`
	UserGenerated bool   `json:"isUserGenerated,omitzero"`
}

// StructuredLocation is a place taken apart.
type StructuredLocation struct {
	DeskLocation string `json:"deskLocation,omitzero"`
	Timezone     string `json:"timezone,omitzero"`
	Address      string `json:"address,omitzero"`
	City         string `json:"city,omitzero"`
	State        string `json:"state,omitzero"`
	Region       string `json:"region,omitzero"`
	ZipCode      string `json:"zipCode,omitzero"`
	Country      string `json:"country,omitzero"`
	CountryCode  string `json:"countryCode,omitzero"`
}
