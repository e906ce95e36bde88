// Package people is the part of the Indexing API in which the company's personnel system says who
// works there. An employee record makes a person, whom the record's end deactivates unless somebody
// else asserts them; it never gives a role. Only tokens over all datasources are admitted, for
// people belong to none.
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
		rpc.JSON("POST /api/index/v1/deleteemployee", "Removes an employee record.", s.remove).Audited(),
	)
}

// covers refuses tokens that are limited to some datasources. No datasource is called "", so a
// token that may write it may write all.
func covers(c grant.Caller) error {
	if !c.MayIndex("") {
		return fault.New(fault.Forbidden, "Employees need an indexing token over all datasources.")
	}
	return nil
}

func (s *Service) put(ctx context.Context, c grant.Caller, req IndexEmployeeRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	if strings.TrimSpace(req.Employee.Department) == "" {
		return rpc.None{}, fault.New(fault.Invalid, "An employee needs a department.").WithField("employee.department")
	}
	return rpc.None{}, s.directory.PutEmployees(ctx, []directory.EmployeeRecord{{
		Email: req.Employee.Email, Profile: req.Employee.profile(), Version: req.Version,
	}})
}

func (s *Service) remove(ctx context.Context, c grant.Caller, req DeleteEmployeeRequest) (rpc.None, error) {
	if err := covers(c); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteEmployee(ctx, req.EmployeeEmail, req.Version)
}
