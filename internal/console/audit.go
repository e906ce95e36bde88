package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// AuditLog lists the record of who did what. *audit.Log is one.
type AuditLog interface {
	Flush(ctx context.Context) error
	List(ctx context.Context, f audit.Filter) (audit.Page, error)
}

type auditView struct {
	pager
	Actor, Subject, Action, From, To string
	Actions                          []string
	Problem                          string
	Filtered                         bool
	Days                             []auditDay
	Shown                            string
}

type auditDay struct {
	Name    string
	Entries []auditEntry
}

type auditEntry struct {
	At             moment
	Actor, As      string
	Face           face
	Icon           string // in place of letters where the actor is no person
	Action         string
	Subject        string
	Detail         string
	Address        string
	Outcome        string
	OutcomeRefused bool
}

// auditActions are offered while one types; the log knows more, one for each operation of the APIs.
var auditActions = []string{
	"admin.search", "datasource.update", "indexing-token.create", "indexing-token.revoke", "session.begin", "session.end",
	"session.refuse", "signin-link.create", "token.create", "token.revoke", "user.add", "user.update",
}

// auditPage shows the log, newest first. Somebody's address stands for their id in the filters.
func (c *Console) auditPage(v *visit) error {
	form := v.r.URL.Query()
	view := auditView{
		pager: pager{BackName: "Newest entries", NextName: "Older entries"},
		Actor: strings.TrimSpace(form.Get("actor")), Subject: strings.TrimSpace(form.Get("subject")),
		Action: strings.TrimSpace(form.Get("action")), From: form.Get("from"), To: form.Get("to"), Actions: auditActions,
	}
	view.Filtered = view.Actor+view.Subject+view.Action+view.From+view.To != ""
	f := audit.Filter{Action: view.Action, Cursor: form.Get("cursor"), Limit: perPage}
	f.From, f.To, view.Problem = readDays(view.From, view.To)
	var err error
	if f.Actor, err = c.idOf(v, view.Actor); err != nil {
		return err
	}
	if f.Subject, err = c.idOf(v, view.Subject); err != nil {
		return err
	}
	if view.Problem != "" {
		return v.write(http.StatusBadRequest, "audit", v.frame("Audit log"), view)
	}
	// What the reader did a moment ago belongs on the page.
	if err := c.cfg.Audit.Flush(v.r.Context()); err != nil {
		return err
	}
	found, err := c.cfg.Audit.List(v.r.Context(), f)
	if err != nil {
		return err
	}
	view.Days = auditDays(v.now, found.Entries)
	view.Shown = countOf(len(found.Entries), "entry", "entries") + " shown"
	l := listing{pathAudit, form}
	if f.Cursor != "" {
		view.Back = l.with("", "")
	}
	if found.Cursor != "" {
		view.Next = l.then("cursor", found.Cursor)
	}
	return v.write(http.StatusOK, "audit", v.frame("Audit log"), view)
}

// idOf is the id of whoever holds an address, and text itself where nobody does.
func (c *Console) idOf(v *visit, text string) (string, error) {
	if !strings.Contains(text, "@") {
		return text, nil
	}
	p, err := c.cfg.Authority.Person(v.r.Context(), v.admin, text)
	if fault.KindOf(err) == fault.NotFound {
		return text, nil
	}
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// readDays reads two days, the last one included.
func readDays(from, to string) (a, b time.Time, problem string) {
	var err error
	if from != "" {
		if a, err = time.Parse(time.DateOnly, from); err != nil {
			return a, b, "“From” is not a day. Write it in the form 2026-11-30."
		}
	}
	if to != "" {
		if b, err = time.Parse(time.DateOnly, to); err != nil {
			return a, b, "“To” is not a day. Write it in the form 2026-11-30."
		}
		b = b.Add(day)
	}
	if !a.IsZero() && !b.IsZero() && !a.Before(b) {
		return a, b, "“From” is after “To”. Swap them."
	}
	return a, b, ""
}

// auditDays groups entries, which come newest first, by their day.
func auditDays(now time.Time, entries []audit.Entry) []auditDay {
	var days []auditDay
	for i := range entries {
		e := &entries[i]
		name := dayName(now, e.At)
		if len(days) == 0 || days[len(days)-1].Name != name {
			days = append(days, auditDay{Name: name})
		}
		d := &days[len(days)-1]
		d.Entries = append(d.Entries, auditEntryOf(now, e))
	}
	return days
}

func auditEntryOf(now time.Time, e *audit.Entry) auditEntry {
	view := auditEntry{
		At: at(now, e.At), Actor: e.ActorName, As: e.ActedAsName, Action: e.Action,
		Subject: e.SubjectName, Detail: e.Detail, Address: e.Address,
		Outcome: e.Outcome, OutcomeRefused: e.Outcome == audit.Refused,
	}
	switch {
	case e.Actor == "":
		view.Actor, view.Icon = "nobody known", "lock"
	case e.Actor == audit.Host:
		view.Icon = "wrench"
		if view.Actor == "" {
			view.Actor = "the server’s host"
		}
	case e.Actor == e.Token:
		view.Icon = "key"
	}
	if view.Actor == "" {
		view.Actor = e.Actor
	}
	view.Face = faceOf("", view.Actor)
	if view.Subject == "" {
		view.Subject = e.Subject
	}
	if e.Outcome == audit.Done {
		view.Outcome = ""
	}
	return view
}

// dayName is "Today, 23 November", "Yesterday, 22 November", or "21 November 2026".
func dayName(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "Today, " + t.Format("2 January")
	case now.Add(-day).Format(time.DateOnly):
		return "Yesterday, " + t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
