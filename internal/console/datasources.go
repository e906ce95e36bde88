package console

import (
	"context"
	"net/http"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Datasources are the datasources as an administrator sees them. Package server adapts corpus and upload to it.
type Datasources interface {
	// Datasources lists all of them, by name.
	Datasources(ctx context.Context, admin grant.Caller) ([]Datasource, error)
	// Datasource returns one; fault.NotFound where there is none.
	Datasource(ctx context.Context, admin grant.Caller, name string) (Datasource, error)
	// SetDatasource changes who may find what is in one, and records it.
	SetDatasource(ctx context.Context, admin grant.Caller, name string, visible, openToAnonymousTokens bool) error
	// SetTesters replaces the addresses of those who find a test datasource, and records it.
	SetTesters(ctx context.Context, admin grant.Caller, name string, emails []string) error
	// Intake says what connectors did to one.
	Intake(ctx context.Context, admin grant.Caller, name string) (Intake, error)
	// Life says what happened to the document of it with that id; fault.NotFound where there never was one.
	Life(ctx context.Context, admin grant.Caller, name, document string) (Life, error)
	// RunRemoval lets the paused removal of an upload's stale things go on, DropRemoval keeps them. Both are recorded.
	RunRemoval(ctx context.Context, admin grant.Caller, name string, upload int64) error
	DropRemoval(ctx context.Context, admin grant.Caller, name string, upload int64) error
}

// Datasource is what a page says of a datasource.
type Datasource struct {
	Name      string // as programs spell it
	Title     string // as people know it
	Category  string
	HomeURL   string
	URLRegex  string
	Documents int
	Visible   bool
	// OpenToAnonymousTokens lets anonymous tokens find documents that allow anonymous access.
	OpenToAnonymousTokens bool
	// Test datasources are found by their beta users alone, once there are any.
	Test bool
	// Undecided ones are hidden because new ones are: until somebody decides, their test users find them already.
	Undecided bool
}

type datasourcesView struct {
	Rows      []datasourceRow
	Documents int
}

type datasourceRow struct {
	Name, Title, Category string
	Documents             int
	Visible, VisibleHue   string
	Open                  bool
}

// visibleWords says who finds a datasource's documents, before their own permissions.
func visibleWords(d *Datasource) (words, hue string) {
	switch {
	case !d.Visible:
		return "Hidden", ""
	case d.Test:
		return "Test", "warn"
	}
	return "Visible", "ok"
}

func (d *Datasource) title() string {
	if d.Title == "" {
		return d.Name
	}
	return d.Title
}

// datasources is the list of all, with what each holds.
func (c *Console) datasources(v *visit) error {
	list, err := c.cfg.Datasources.Datasources(v.r.Context(), v.admin)
	if err != nil {
		return err
	}
	var view datasourcesView
	for i := range list {
		d := &list[i]
		row := datasourceRow{Name: d.Name, Title: d.title(), Category: categoryWords(d.Category), Documents: d.Documents, Open: d.OpenToAnonymousTokens}
		row.Visible, row.VisibleHue = visibleWords(d)
		view.Rows = append(view.Rows, row)
		view.Documents += d.Documents
	}
	return v.write(http.StatusOK, "datasources", v.frame("Datasources"), view)
}

// categoryWords makes "KNOWLEDGE_HUB" readable.
func categoryWords(category string) string {
	return strings.ToLower(strings.ReplaceAll(category, "_", " "))
}
