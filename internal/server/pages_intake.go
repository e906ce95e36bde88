package server

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// pageUploads is how many bulk uploads of each kind a page reads.
const pageUploads = 12

// pageDays is how many days a page plots: four weeks.
const pageDays = 28

// pageRefusals is how many refused requests a page lists.
const pageRefusals = 20

// Intake says what connectors did to a datasource.
func (p pageDatasources) Intake(ctx context.Context, c grant.Caller, name string) (console.Intake, error) {
	d, err := p.corpus.Datasource(ctx, c, name)
	if err != nil {
		return console.Intake{}, err
	}
	a, err := p.corpus.Activity(ctx, c, name, pageDays)
	if err != nil {
		return console.Intake{}, err
	}
	in := console.Intake{
		Last: a.LastUpload, Users: int(a.Users), Groups: int(a.Groups), Memberships: int(a.Memberships), Testers: a.Testers,
	}
	if d.Realm.IdentitySource != name {
		in.IdentitySource = d.Realm.IdentitySource
	}
	for _, day := range a.Days {
		in.Days = append(in.Days, console.IntakeDay{Day: day.Start, Written: int(day.Uploads + day.Permissions), Deleted: int(day.Deletes), Refused: int(day.Refused)})
	}
	for _, r := range a.Refusals[:min(len(a.Refusals), pageRefusals)] {
		in.Errors = append(in.Errors, console.IntakeError{At: r.At, Subject: r.Subject, Operation: path.Base(r.Operation), Why: r.Message, Times: int(r.Times)})
	}
	counts, known, err := p.corpus.TypeCounts(ctx, c, name, shown{p.server})
	if err != nil {
		return in, err
	}
	for _, t := range counts {
		if known {
			in.Waiting += int(t.Uploaded - t.Indexed)
		}
	}
	return in, p.addUploads(ctx, &in, name)
}

// addUploads lists the newest bulk uploads of each kind.
func (p pageDatasources) addUploads(ctx context.Context, in *console.Intake, name string) error {
	for _, kind := range []upload.Kind{upload.Documents, upload.Users, upload.Groups, upload.Memberships} {
		sessions, err := upload.Recent(ctx, p.server.DB, name, kind, pageUploads)
		if err != nil {
			return err
		}
		for i := range sessions {
			in.Uploads = append(in.Uploads, pageUpload(&sessions[i]))
		}
	}
	slices.SortFunc(in.Uploads, func(a, b console.Upload) int { return b.Began.Compare(a.Began) })
	return nil
}

func pageUpload(s *upload.Session) console.Upload {
	u := console.Upload{
		ID: s.Seq, Kind: string(s.Kind), Part: s.Part, State: console.UploadDone, Pages: int(s.Pages), Items: int(s.Items),
		Began: s.Started, Seen: s.Seen, Ended: s.Ended, Stale: int(s.Stale), Removed: int(s.Removed),
		Paused: s.Removal == upload.Paused, Until: s.PausedUntil, Kept: s.Removal == upload.Refused,
	}
	switch s.State {
	case upload.Open:
		u.State = console.UploadOpen
	case upload.Dropped:
		u.State = console.UploadReplaced
	}
	return u
}

// RunRemoval lets a paused removal go on.
func (p pageDatasources) RunRemoval(ctx context.Context, c grant.Caller, name string, seq int64) error {
	return p.settle(ctx, c, name, seq, "upload.run_removal", p.server.uploads().Run)
}

// DropRemoval keeps what a paused removal would take away.
func (p pageDatasources) DropRemoval(ctx context.Context, c grant.Caller, name string, seq int64) error {
	return p.settle(ctx, c, name, seq, "upload.drop_removal", p.server.uploads().Drop)
}

func (p pageDatasources) settle(ctx context.Context, c grant.Caller, name string, seq int64, action string, how func(context.Context, grant.Caller, int64) error) error {
	paused, err := p.server.uploads().Paused(ctx, c, name)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(paused, func(s upload.Session) bool { return s.Seq == seq })
	if at < 0 {
		return fault.New(fault.Conflict, "This removal is not paused any more.")
	}
	if err := how(ctx, c, seq); err != nil {
		return err
	}
	entry := audit.By(c)
	entry.Action, entry.Subject = action, name
	entry.Detail = fmt.Sprintf("%d stale %s, upload %q", paused[at].Stale, paused[at].Kind, paused[at].ID)
	return p.server.Audit.Record(ctx, entry)
}

// SetTesters replaces the list of those who find a test datasource.
func (p pageDatasources) SetTesters(ctx context.Context, c grant.Caller, name string, emails []string) error {
	if _, err := p.Datasource(ctx, c, name); err != nil {
		return err
	}
	if c.Role() < grant.RoleAdmin {
		return fault.New(fault.Forbidden, "Test users are for administrators to choose.")
	}
	if err := p.server.People.SetTesters(ctx, name, emails); err != nil {
		return err
	}
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.Detail = "datasource.testers", name, fmt.Sprintf("%d test users", len(emails))
	return p.server.Audit.Record(ctx, entry)
}

// pageEvents is how many steps of a document's life a page lists.
const pageEvents = 50

// Life says what happened to a document.
func (p pageDatasources) Life(ctx context.Context, c grant.Caller, name, document string) (console.Life, error) {
	none := fault.New(fault.NotFound, "Nothing is known of a document of this name here. Name it as objectType/id.")
	ref, named := corpus.ParseKey(document)
	if !named || ref.Datasource != name {
		ref, named = corpus.ParseKey(name + "/" + document)
	}
	if !named {
		return console.Life{}, none
	}
	status, err := p.corpus.Status(ctx, c, ref, shown{p.server})
	if err != nil {
		return console.Life{}, err
	}
	events, err := p.corpus.Events(ctx, c, ref, shown{p.server}, time.Time{}, pageEvents)
	if err != nil {
		return console.Life{}, err
	}
	if !status.Uploaded && len(events) == 0 {
		return console.Life{}, none
	}
	life := console.Life{ID: ref.Key(), Status: "Deleted"}
	switch {
	case !status.Uploaded:
	case status.Indexed == corpus.Yes:
		life.Status = "Searchable"
	case status.Indexed == corpus.No:
		life.Status = "Waiting to be indexed"
	default:
		life.Status = "The index is being filled"
	}
	if status.Uploaded && !status.Named {
		life.Warning = "Its permissions name a user or group that was never sent."
	}
	words := map[corpus.EventKind]string{
		corpus.Uploaded: "Uploaded, or shared anew", corpus.Indexed: "Searchable", corpus.DeletionRequested: "Deletion asked for", corpus.Deleted: "Gone from search",
	}
	for _, e := range slices.Backward(events) {
		life.Events = append(life.Events, console.LifeEvent{At: e.At, What: words[e.Kind]})
	}
	return life, nil
}
