package people

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/upload"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// IndexEmployeeRequest adds or replaces an employee.
type IndexEmployeeRequest struct {
	Employee EmployeeInfo `json:"employee"`
	Version  int64        `json:"version,omitzero"`
}

// AuditSubject names the employee.
func (r IndexEmployeeRequest) AuditSubject() string { return r.Employee.Email }

// EmployeeInfo is an employee. The address is the key. Dates are YYYY-MM-DD.
type EmployeeInfo struct {
	Email              string                      `json:"email"`
	FirstName          string                      `json:"firstName,omitzero"`
	LastName           string                      `json:"lastName,omitzero"`
	PreferredName      string                      `json:"preferredName,omitzero"`
	ID                 string                      `json:"id,omitzero"`
	PhoneNumber        string                      `json:"phoneNumber,omitzero"`
	Location           string                      `json:"location,omitzero"`
	StructuredLocation wire.StructuredLocation     `json:"structuredLocation,omitzero"`
	Title              string                      `json:"title,omitzero"`
	PhotoURL           string                      `json:"photoUrl,omitzero"`
	BusinessUnit       string                      `json:"businessUnit,omitzero"`
	Department         string                      `json:"department"`
	DatasourceProfiles []directory.Handle          `json:"datasourceProfiles,omitzero"`
	Teams              []directory.Team            `json:"teams,omitzero"`
	StartDate          string                      `json:"startDate,omitzero"`
	EndDate            string                      `json:"endDate,omitzero"`
	Bio                string                      `json:"bio,omitzero"`
	Pronoun            string                      `json:"pronoun,omitzero"`
	AlsoKnownAs        []string                    `json:"alsoKnownAs,omitzero"`
	ProfileURL         string                      `json:"profileUrl,omitzero"`
	SocialNetworks     []directory.SocialNetwork   `json:"socialNetworks,omitzero"`
	ManagerEmail       string                      `json:"managerEmail,omitzero"`
	ManagerID          string                      `json:"managerId,omitzero"`
	Type               string                      `json:"type,omitzero"`   // absent means FULL_TIME
	Status             string                      `json:"status,omitzero"` // absent means CURRENT
	Relationships      []directory.Relationship    `json:"relationships,omitzero"`
	AdditionalFields   []directory.AdditionalField `json:"additionalFields,omitzero"`
}

func (e *EmployeeInfo) profile() directory.Profile {
	p := directory.Profile{
		FirstName: e.FirstName, LastName: e.LastName, PreferredName: e.PreferredName, EmployeeID: e.ID, Phone: e.PhoneNumber,
		Location: e.Location, Place: e.StructuredLocation, Title: e.Title, PhotoURL: e.PhotoURL, BusinessUnit: e.BusinessUnit,
		Department: e.Department, Handles: e.DatasourceProfiles, Teams: e.Teams, StartDate: e.StartDate, EndDate: e.EndDate,
		Bio: e.Bio, Pronoun: e.Pronoun, AlsoKnownAs: e.AlsoKnownAs, ProfileURL: e.ProfileURL, Networks: e.SocialNetworks,
		ManagerEmail: e.ManagerEmail, ManagerID: e.ManagerID, Type: e.Type, Status: e.Status, Relationships: e.Relationships,
		Additional: e.AdditionalFields,
	}
	if p.Type == "" {
		p.Type = directory.TypeFullTime
	}
	if p.Status == "" {
		p.Status = directory.StatusCurrent
	}
	return p
}

// DeleteEmployeeRequest removes an employee record.
type DeleteEmployeeRequest struct {
	Version       int64  `json:"version,omitzero"`
	EmployeeEmail string `json:"employeeEmail"`
}

// AuditSubject names the employee.
func (r DeleteEmployeeRequest) AuditSubject() string { return r.EmployeeEmail }

// IndexEmployeeListRequest adds or replaces employees, and leaves the others as they are.
type IndexEmployeeListRequest struct {
	Employees []IndexEmployeeRequest `json:"employees,omitzero"`
}

// BulkEmployeesRequest is a page of an upload that replaces all employees.
type BulkEmployeesRequest struct {
	upload.Head
	Employees                     []EmployeeInfo `json:"employees"`
	DisableStaleDataDeletionCheck bool           `json:"disableStaleDataDeletionCheck,omitzero"`
}

// AuditSubject names the upload.
func (r BulkEmployeesRequest) AuditSubject() string { return r.UploadID }

// IndexTeamRequest adds or replaces a team.
type IndexTeamRequest struct {
	Team    TeamInfo `json:"team"`
	Version int64    `json:"version,omitzero"`
}

// AuditSubject names the team.
func (r IndexTeamRequest) AuditSubject() string { return r.Team.ID }

// BulkTeamsRequest is a page of an upload that replaces all teams.
type BulkTeamsRequest struct {
	upload.Head
	Teams []TeamInfo `json:"teams"`
}

// AuditSubject names the upload.
func (r BulkTeamsRequest) AuditSubject() string { return r.UploadID }

// TeamInfo is a team. The id is the key. Members are named by address, and may be people to come.
type TeamInfo struct {
	ID                 string                      `json:"id"`
	Name               string                      `json:"name"`
	Description        string                      `json:"description,omitzero"`
	BusinessUnit       string                      `json:"businessUnit,omitzero"`
	Department         string                      `json:"department,omitzero"`
	PhotoURL           string                      `json:"photoUrl,omitzero"`
	ExternalLink       string                      `json:"externalLink,omitzero"`
	Emails             []directory.TeamEmail       `json:"emails,omitzero"`
	DatasourceProfiles []directory.Handle          `json:"datasourceProfiles,omitzero"`
	Members            []directory.TeamMember      `json:"members"`
	AdditionalFields   []directory.AdditionalField `json:"additionalFields,omitzero"`
}

func (t *TeamInfo) record() directory.TeamRecord {
	return directory.TeamRecord{
		ID: t.ID, Name: strings.TrimSpace(t.Name), Description: t.Description, BusinessUnit: t.BusinessUnit, Department: t.Department,
		PhotoURL: t.PhotoURL, Link: t.ExternalLink, Emails: t.Emails, Handles: t.DatasourceProfiles, Members: t.Members,
		Additional: t.AdditionalFields,
	}
}

// DeleteTeamRequest removes a team.
type DeleteTeamRequest struct {
	ID string `json:"id"`
}

// AuditSubject names the team.
func (r DeleteTeamRequest) AuditSubject() string { return r.ID }
