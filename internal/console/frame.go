package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
)

//go:embed templates
var templateFiles embed.FS

// page is what every template gets: the frame around, and the page's own view.
type page struct {
	Frame frame
	Body  any
}

// frame is what surrounds a page: who looks at it, where they may go, and how it looks.
type frame struct {
	Title  string
	Theme  string // "light", "dark", or "" for the system's
	CSRF   string // posted back by every form
	Here   string // where a change of appearance returns to
	Name   string // of the person signed in
	Role   string
	Face   face
	Wrench bool // whether the console is open to them
	Nav    []navSection
	Said   string // what the post before this page did
}

type navSection struct {
	ID, Name string
	Links    []navLink
}

type navLink struct {
	Name, Path, Icon string
	Here             bool
}

// navOf lists the pages that role may open, with the one at path marked.
func navOf(role grant.Role, path string) []navSection {
	sections := []navSection{{"platform", "Platform", []navLink{{Name: "API Tokens", Path: pathTokens, Icon: "key"}}}}
	if role >= grant.RoleAdmin {
		sections = append(sections,
			navSection{"content", "Content", []navLink{
				{Name: "Datasources", Path: pathDatasources, Icon: "datasource"},
				{Name: "Why", Path: pathWhy, Icon: "help"},
			}},
			navSection{"org", "Organisation", []navLink{
				{Name: "People and roles", Path: pathPeople, Icon: "people"},
				{Name: "Audit log", Path: pathAudit, Icon: "audit"},
			}})
	}
	sections = withProvisioning(sections, role)
	for _, s := range sections {
		for i := range s.Links {
			l := &s.Links[i]
			l.Here = under(path, l.Path) ||
				l.Path == pathTokens && (under(path, pathIndexing) || under(path, pathOAuth))
		}
	}
	return sections
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// navPrefixed is the navigation twice on a page, with ids that differ.
type navPrefixed struct {
	Prefix string
	Nav    []navSection
}

// layouts says which of the three frames a page stands in. A page that is missing here is a mistake
// that the first test finds.
var layouts = map[string]string{
	"tokens": "console", "token_new": "console", "token_made": "console", "token_revoke": "console",
	"indexing": "console", "indexing_new": "console", "oauth": "console", "oauth_provider": "console", "oauth_remove": "console",
	"provisioning": "console", "scim_new": "console", "group_role": "console",
	"people": "console", "person_new": "console", "person_role": "console", "person_active": "console", "person_link": "console",
	"datasources": "console", "datasource": "console", "audit": "console", "why": "console",
	"search": "desk", "help": "desk", "signin": "bare", "oops": "bare",
}

// parseTemplates reads every page once, at the start.
func parseTemplates(a assets) (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(template.FuncMap{
		"asset":     a.url,
		"icon":      icon,
		"num":       thousands,
		"count":     count,
		"navFor":    func(prefix string, nav []navSection) navPrefixed { return navPrefixed{prefix, nav} },
		"faceOf":    faceOf,
		"breakable": breakable,
	}).Option("missingkey=error").ParseFS(templateFiles, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse console layout: %w", err)
	}
	pages := map[string]*template.Template{}
	for name := range layouts {
		t, err := shared.Clone()
		if err == nil {
			t, err = t.ParseFS(templateFiles, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse console page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// breakable lets an address break after its @ in a narrow column.
func breakable(address string) template.HTML {
	name, host, ok := strings.Cut(address, "@")
	if !ok {
		return template.HTML(template.HTMLEscapeString(address)) //nolint:gosec // escaped here
	}
	return template.HTML(template.HTMLEscapeString(name) + "@<wbr>" + template.HTMLEscapeString(host)) //nolint:gosec // escaped here
}

// write renders a page whole before its first byte goes out, so that a failing template is an error
// and not half a page.
func (c *Console) write(w http.ResponseWriter, r *http.Request, status int, name string, f frame, body any) error {
	var out bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&out, layouts[name], page{f, body}); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = out.WriteTo(w)
	}
	return nil
}
