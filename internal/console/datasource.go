package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Intake is what connectors did to a datasource.
type Intake struct {
	// Last is when anything last arrived, zero where nothing did.
	Last time.Time
	// Waiting is how many documents' changes have not reached the search index yet.
	Waiting int
	// Users, Groups and Memberships count what the datasource knows of people. IdentitySource is whose they are, where not its own.
	Users, Groups, Memberships int
	IdentitySource             string
	// Testers are the addresses of those who find a test datasource.
	Testers []string
	// Days are numbers of the last weeks, the oldest first and none left out.
	Days []IntakeDay
	// Errors are what was refused lately, the newest first.
	Errors []IntakeError
	// Uploads are open and past bulk uploads, the newest first.
	Uploads []Upload
}

// IntakeDay is what arrived on one day, UTC.
type IntakeDay struct {
	Day                       time.Time
	Written, Deleted, Refused int
}

// IntakeError is a request that was refused.
type IntakeError struct {
	At        time.Time
	Operation string
	Subject   string // the document, user or group, where the request named one
	Why       string
	Times     int // how often within a moment
}

// Upload is a bulk session.
type Upload struct {
	ID          int64
	Kind        string // documents, users, groups, memberships
	Part        string // the group, for memberships
	State       UploadState
	Pages       int
	Items       int
	Began, Seen time.Time
	Ended       time.Time // zero while open
	// Stale is what the upload left out of what there was, Removed what of it went. Where the removal is paused, it waits until then.
	Stale, Removed int
	Paused         bool
	Until          time.Time
	// Kept says that an administrator kept what was stale.
	Kept bool
}

// UploadState is how far an upload is.
type UploadState string

// The states of an upload.
const (
	UploadOpen     UploadState = "open"
	UploadDone     UploadState = "done"
	UploadReplaced UploadState = "replaced" // another took its place before its end
)

// Life is what happened to one document.
type Life struct {
	ID     string
	Status string // in words
	// Warning says what may be wrong with it, or "".
	Warning string
	Events  []LifeEvent
}

// LifeEvent is one thing that happened to a document.
type LifeEvent struct {
	At   time.Time
	What string
}

type datasourceView struct {
	Name, Title           string
	Documents             int
	Visible, VisibleHue   string
	IsVisible, Open, Test bool
	Undecided             bool
	Facts                 []fact

	Last     moment
	Waiting  int
	Refused  int
	Intake   Intake
	Plot     *plotView
	Paused   []uploadView
	Uploads  []uploadView
	Errors   []refusedView
	Testers  string
	Problems problems

	Document string // whose life is asked for
	Life     *lifeView
	NoLife   string
}

type uploadView struct {
	Upload
	Word, Hue  string
	Began      moment
	Until      moment
	Percent    int // of what there was that is stale
	Run, Drop  string
	Sub        string
	DropAll    bool
	StaleWords string
}

type refusedView struct {
	IntakeError
	At moment
}

type lifeView struct {
	ID, Status, Warning string
	Events              []lifeEventView
	Why                 string
}

type lifeEventView struct {
	At   moment
	What string
}

// datasource is the page of one: what is in it, who may find it, and what its connector did.
func (c *Console) datasource(v *visit) error {
	return c.datasourcePage(v, http.StatusOK, "", nil)
}

func (c *Console) datasourcePage(v *visit, status int, testers string, wrong problems) error {
	ctx, name := v.r.Context(), v.r.PathValue("name")
	d, err := c.cfg.Datasources.Datasource(ctx, v.admin, name)
	if err != nil {
		return err
	}
	in, err := c.cfg.Datasources.Intake(ctx, v.admin, d.Name)
	if err != nil {
		return err
	}
	view := datasourceView{
		Name: d.Name, Title: d.title(), Documents: d.Documents, IsVisible: d.Visible, Open: d.OpenToAnonymousTokens, Test: d.Test, Undecided: d.Undecided,
		Intake: in, Last: at(v.now, in.Last), Waiting: in.Waiting, Plot: plotOf(in.Days, v.now), Testers: strings.Join(in.Testers, "\n"), Problems: wrong,
	}
	if wrong != nil {
		view.Testers = testers
	}
	view.Visible, view.VisibleHue = visibleWords(&d)
	for _, f := range []fact{
		{Name: "Category", Text: categoryWords(d.Category)},
		{Name: "Home page", Text: d.HomeURL, Code: true},
		{Name: "Addresses of its documents", Text: d.URLRegex, Code: true},
		{Name: "Users and groups from", Text: in.IdentitySource, Code: true},
	} {
		if f.Text != "" {
			view.Facts = append(view.Facts, f)
		}
	}
	for _, day := range in.Days[max(len(in.Days)-7, 0):] {
		view.Refused += day.Refused
	}
	view.uploads(in.Uploads, v.now)
	for _, e := range in.Errors {
		view.Errors = append(view.Errors, refusedView{e, at(v.now, e.At)})
	}
	if view.Document = strings.TrimSpace(v.r.URL.Query().Get("document")); view.Document != "" {
		if err := view.life(v); err != nil {
			return err
		}
	}
	return v.write(status, "datasource", v.frame(view.Title), view)
}

// life reads what happened to the document that is asked for.
func (d *datasourceView) life(v *visit) error {
	life, err := v.c.cfg.Datasources.Life(v.r.Context(), v.admin, d.Name, d.Document)
	if known, ok := errors.AsType[*fault.Fault](err); ok && (known.Kind == fault.NotFound || known.Kind == fault.Invalid) {
		d.NoLife = known.Message
		return nil
	}
	if err != nil {
		return err
	}
	d.Life = &lifeView{ID: life.ID, Status: life.Status, Warning: life.Warning, Why: whyPath("", life.ID)}
	for _, e := range life.Events {
		d.Life.Events = append(d.Life.Events, lifeEventView{at(v.now, e.At), e.What})
	}
	return nil
}

// shownUploads is how many bulk uploads a page lists.
const shownUploads = 12

func (d *datasourceView) uploads(list []Upload, now time.Time) {
	for _, u := range list {
		view := uploadView{Upload: u, Began: at(now, u.Began), Until: at(now, u.Until)}
		switch {
		case u.State == UploadOpen:
			view.Word, view.Hue = "Open", "accent"
			view.Sub = "last page " + near(now, u.Seen)
		case u.State == UploadReplaced:
			view.Word, view.Hue = "Given up", "warn"
			view.Sub = "another began before its last page"
		case u.Paused:
			view.Word, view.Hue = "Removal paused", "warn"
		case u.Kept:
			view.Word, view.Sub = "Done", count(u.Stale, "stale one")+" kept"
		default:
			view.Word, view.Hue = "Done", "ok"
			if u.Removed > 0 {
				view.Sub = thousands(u.Removed) + " removed"
			}
		}
		path := fmt.Sprintf("%s/%s/uploads/%d/", pathDatasources, url.PathEscape(d.Name), u.ID)
		view.Run, view.Drop = path+"run", path+"drop"
		if u.Paused {
			view.StaleWords = count(u.Stale, strings.TrimSuffix(u.Kind, "s"))
			if total := u.Stale + u.Items; total > 0 {
				view.Percent = u.Stale * 100 / total
			}
			d.Paused = append(d.Paused, view)
		}
		if len(d.Uploads) < shownUploads {
			d.Uploads = append(d.Uploads, view)
		}
	}
}

// setDatasource changes who may find a datasource.
func (c *Console) setDatasource(v *visit) error {
	name := v.r.PathValue("name")
	err := c.cfg.Datasources.SetDatasource(v.r.Context(), v.admin, name, v.form.Get("visible") != "", v.form.Get("openToAnonymousTokens") != "")
	if err != nil {
		return err
	}
	return v.backTo(name, "datasource")
}

// setTesters replaces the list of those who find a test datasource.
func (c *Console) setTesters(v *visit) error {
	name, text := v.r.PathValue("name"), v.form.Get("testers")
	list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\t\n\r", r) })
	err := c.cfg.Datasources.SetTesters(v.r.Context(), v.admin, name, list)
	var wrong problems
	if err != nil && wrong.blame(err, map[string]place{"emails": {"testers", "f-testers"}}) {
		return c.datasourcePage(v, http.StatusBadRequest, text, wrong)
	}
	if err != nil {
		return err
	}
	return v.backTo(name, "testers")
}

// settleRemoval runs a paused removal now, or drops it.
func (c *Console) settleRemoval(v *visit) error {
	name, verb := v.r.PathValue("name"), v.r.PathValue("verb")
	id, err := strconv.ParseInt(v.r.PathValue("id"), 10, 64)
	if err != nil {
		return errNoPage
	}
	switch verb {
	case "run":
		err = c.cfg.Datasources.RunRemoval(v.r.Context(), v.admin, name, id)
	case "drop":
		err = c.cfg.Datasources.DropRemoval(v.r.Context(), v.admin, name, id)
	default:
		return errNoPage
	}
	if err != nil {
		return err
	}
	return v.backTo(name, "removal-"+verb)
}

func (v *visit) backTo(datasource, said string) error {
	v.say(said)
	return v.redirect(pathDatasources + "/" + url.PathEscape(datasource))
}
