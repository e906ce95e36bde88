package wire

import "time"

// Team is a team of the directory.
type Team struct {
	ID                 string              `json:"id"`
	Name               string              `json:"name"`
	Description        string              `json:"description,omitzero"`
	BusinessUnit       string              `json:"businessUnit,omitzero"`
	Department         string              `json:"department,omitzero"`
	PhotoURL           string              `json:"photoUrl,omitzero"`
	ExternalLink       string              `json:"externalLink,omitzero"`
	Members            []TeamRole          `json:"members,omitzero"`
	MemberCount        int                 `json:"memberCount"`
	Emails             []TeamEmail         `json:"emails,omitzero"`
	CustomFields       []CustomField       `json:"customFields,omitzero"`
	DatasourceProfiles []DatasourceProfile `json:"datasourceProfiles,omitzero"`
	LastUpdatedAt      time.Time           `json:"lastUpdatedAt,omitzero"`
	CanBeDeleted       bool                `json:"canBeDeleted"` // by a reader; sheaf's teams come from elsewhere
}

// TeamRole is a person and what they are to a team.
type TeamRole struct {
	Person                Person           `json:"person"`
	Relationship          TeamRelationship `json:"relationship,omitzero"`
	CustomRelationshipStr string           `json:"customRelationshipStr,omitzero"`
	JoinDate              time.Time        `json:"joinDate,omitzero"`
}

// TeamEmail is an address of a team.
type TeamEmail struct {
	Email string `json:"email"`
	Type  string `json:"type"` // PRIMARY, SECONDARY, ONCALL or OTHER
}
