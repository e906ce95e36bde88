// Package people is the part of the Indexing API in which the company's personnel system says who
// works there, and in which teams. An employee record makes a person, whom the record's end deactivates
// unless somebody else asserts them; it never gives a role. Only tokens over all datasources are
// admitted, for people belong to none.
package people

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Service changes the employees of one directory.
type Service struct{ directory *directory.Directory }

// New returns a Service.
func New(d *directory.Directory) *Service { return &Service{d} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/indexemployee", "Adds or replaces an employee.", s.put).Audited(),
		rpc.JSON("POST /api/index/v1/indexemployeelist", "Adds or replaces employees. Deprecated.", s.putList).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexemployees", "Replaces all employees, page by page. Deprecated.", s.bulk).Audited(),
		rpc.JSON("POST /api/index/v1/deleteemployee", "Removes an employee record.", s.remove).Audited(),
		rpc.JSON("POST /api/index/v1/indexteam", "Adds or replaces a team.", s.putTeam).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexteams", "Replaces all teams, page by page.", s.bulkTeams).Audited(),
		rpc.JSON("POST /api/index/v1/deleteteam", "Removes a team.", s.removeTeam).Audited(),
	)
}

// maxPage bounds the employees or teams of one request.
const maxPage = 50_000

// covers refuses tokens that are limited to some datasources.
func covers(c grant.Caller) error {
	if !c.MayIndexAll() {
		return fault.New(fault.Forbidden, "Employees and teams need an indexing token over all datasources.")
	}
	return nil
}

func fits(n int) error {
	if n > maxPage {
		return fault.Newf(fault.TooLarge, "A request has at most %d employees or teams.", maxPage)
	}
	return nil
}

// records turns employees into records of the directory.
func records(list []IndexEmployeeRequest) ([]directory.EmployeeRecord, error) {
	all := make([]directory.EmployeeRecord, len(list))
	for i := range list {
		e := &list[i].Employee
		if strings.TrimSpace(e.Department) == "" {
			return nil, fault.New(fault.Invalid, "An employee needs a department.").WithField("employee.department")
		}
		all[i] = directory.EmployeeRecord{Email: e.Email, Profile: e.profile(), Version: list[i].Version}
	}
	return all, nil
}

func (s *Service) put(ctx context.Context, c grant.Caller, req IndexEmployeeRequest) (rpc.None, error) {
	return s.putList(ctx, c, IndexEmployeeListRequest{Employees: []IndexEmployeeRequest{req}})
}

func (s *Service) putList(ctx context.Context, c grant.Caller, req IndexEmployeeListRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	if err := fits(len(req.Employees)); err != nil {
		return rpc.None{}, err
	}
	list, err := records(req.Employees)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.PutEmployees(ctx, list)
}

func (s *Service) bulk(ctx context.Context, c grant.Caller, req BulkEmployeesRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	if err := fits(len(req.Employees)); err != nil {
		return rpc.None{}, err
	}
	asked := make([]IndexEmployeeRequest, len(req.Employees))
	for i, e := range req.Employees {
		asked[i].Employee = e
	}
	list, err := records(asked)
	if err != nil {
		return rpc.None{}, err
	}
	page := req.Page(req.Employees)
	page.SkipStaleCheck = req.DisableStaleDataDeletionCheck
	return rpc.None{}, s.directory.UploadEmployees(ctx, page, list)
}

func (s *Service) remove(ctx context.Context, c grant.Caller, req DeleteEmployeeRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteEmployee(ctx, req.EmployeeEmail, req.Version)
}

func (s *Service) putTeam(ctx context.Context, c grant.Caller, req IndexTeamRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	team := req.Team.record()
	team.Version = req.Version
	return rpc.None{}, s.directory.PutTeams(ctx, []directory.TeamRecord{team})
}

func (s *Service) bulkTeams(ctx context.Context, c grant.Caller, req BulkTeamsRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	if err := fits(len(req.Teams)); err != nil {
		return rpc.None{}, err
	}
	list := make([]directory.TeamRecord, len(req.Teams))
	for i := range req.Teams {
		list[i] = req.Teams[i].record()
	}
	return rpc.None{}, s.directory.UploadTeams(ctx, req.Page(req.Teams), list)
}

func (s *Service) removeTeam(ctx context.Context, c grant.Caller, req DeleteTeamRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteTeam(ctx, req.ID)
}
