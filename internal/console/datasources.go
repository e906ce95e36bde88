package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Datasources are the datasources as an administrator sees them. Package cmd/sheaf adapts corpus to it.
type Datasources interface {
	// Datasources lists all of them, by name.
	Datasources(ctx context.Context, admin grant.Caller) ([]Datasource, error)
	// Datasource returns one; fault.NotFound where there is none.
	Datasource(ctx context.Context, admin grant.Caller, name string) (Datasource, error)
	// SetDatasource changes who may find what is in one, and records it.
	SetDatasource(ctx context.Context, admin grant.Caller, name string, visible, openToAnonymousTokens bool) error
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

type datasourceView struct {
	Name, Title           string
	Documents             int
	Visible, VisibleHue   string
	IsVisible, Open, Test bool
	Facts                 []fact
}

// datasource is the page of one, with the two switches that are an administrator's to set.
func (c *Console) datasource(v *visit) error {
	d, err := c.cfg.Datasources.Datasource(v.r.Context(), v.admin, v.r.PathValue("name"))
	if err != nil {
		return err
	}
	view := datasourceView{
		Name: d.Name, Title: d.title(), Documents: d.Documents, IsVisible: d.Visible,
		Open: d.OpenToAnonymousTokens, Test: d.Test,
	}
	view.Visible, view.VisibleHue = visibleWords(&d)
	for _, f := range []fact{
		{Name: "Category", Text: categoryWords(d.Category)},
		{Name: "Home page", Text: d.HomeURL, Code: true},
		{Name: "Addresses of its documents", Text: d.URLRegex, Code: true},
	} {
		if f.Text != "" {
			view.Facts = append(view.Facts, f)
		}
	}
	return v.write(http.StatusOK, "datasource", v.frame(view.Title), view)
}

func (c *Console) setDatasource(v *visit) error {
	name := v.r.PathValue("name")
	err := c.cfg.Datasources.SetDatasource(v.r.Context(), v.admin, name, v.form.Get("visible") != "", v.form.Get("openToAnonymousTokens") != "")
	if err != nil {
		return err
	}
	v.say("datasource")
	return v.redirect(pathDatasources + "/" + url.PathEscape(name))
}
