package people

import (
	"github.com/sheafsearch/sheaf/internal/directory"
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
