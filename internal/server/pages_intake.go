package server

import (
	"context"
	"fmt"
	"slices"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// pageUploads is how many bulk uploads of each kind a page reads.
const pageUploads = 12

// Intake says what connectors did to a datasource.
func (p pageDatasources) Intake(ctx context.Context, c grant.Caller, name string) (console.Intake, error) {
	if _, err := p.Datasource(ctx, c, name); err != nil {
		return console.Intake{}, err
	}
	var in console.Intake
	for _, kind := range []upload.Kind{upload.Documents, upload.Users, upload.Groups, upload.Memberships} {
		sessions, err := upload.Recent(ctx, p.server.DB, name, kind, pageUploads)
		if err != nil {
			return in, err
		}
		for i := range sessions {
			u := pageUpload(&sessions[i])
			in.Uploads = append(in.Uploads, u)
			if u.Seen.After(in.Last) {
				in.Last = u.Seen
			}
		}
	}
	slices.SortFunc(in.Uploads, func(a, b console.Upload) int { return b.Began.Compare(a.Began) })
	return in, nil
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

// Life says what happened to a document.
func (p pageDatasources) Life(ctx context.Context, c grant.Caller, name, document string) (console.Life, error) {
	ref, named := corpus.ParseKey(document)
	if !named || ref.Datasource != name {
		ref, named = corpus.ParseKey(name + "/" + document)
	}
	if !named {
		return console.Life{}, fault.New(fault.NotFound, "There is no document of this id here.")
	}
	at, err := p.server.Corpus.Standing(ctx, c, ref.Key())
	if err != nil {
		return console.Life{}, err
	}
	life := console.Life{ID: at.Key, Status: "Indexed"}
	if at.Position > p.server.Index.State().Position {
		life.Status = "Waiting to be indexed"
	}
	return life, nil
}
