// Package upload keeps the sessions in which a connector replaces everything of one kind, page by page: all documents of a
// datasource, all its users, the memberships of one group, all employees.
//
// Its one idea is the mark. Every transaction that writes things of a replaceable kind takes a number from one counter
// (Touch) and leaves it on each row that it writes, unchanged ones too. A session remembers the number at which it
// began; once it ends, whatever was written last before that is stale. So pages may come in any order and at once,
// a page may come twice, a restarted session is one with a newer mark, and what single operations write while a
// session is open is kept.
//
// The packages that own a kind (corpus, directory, rooms of people and shortcuts) call Begin in the first transaction
// of a page, Session.Still in every further one, and Finish in the last one of a last page, or have Write do so, and say how
// stale things are counted and removed (Remover). Removals does that in the background. The debug endpoints and the console read
// Recent. Who may upload what is the caller's business.
package upload

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Kind is what a session replaces.
type Kind string

// The kinds.
const (
	Documents   Kind = "documents"
	Users       Kind = "users"
	Groups      Kind = "groups"
	Memberships Kind = "memberships"
	Employees   Kind = "employees"
	Teams       Kind = "teams"
	Shortcuts   Kind = "shortcuts"
)

const (
	// AbandonAfter is how long an open session may go without a page before another may take its place unforced.
	AbandonAfter = 12 * time.Hour
	// MaxID bounds an uploadId in bytes.
	MaxID = 512
	// repeatWithin is how long after the end of a session of a single page that same page counts as sent again by a client
	// that did not get the answer, and not as another session.
	repeatWithin = 15 * time.Minute
)

// Page is one page of a session, as its request describes it.
type Page struct {
	Datasource string // "" where the kind belongs to none
	Kind       Kind
	Part       string // the group, for memberships
	ID         string // uploadId
	First      bool   // isFirstPage
	Last       bool   // isLastPage
	Restart    bool   // forceRestartUpload
	Items      int
	// SkipStaleCheck removes what is stale without a pause, however much it is. It counts on the last page only.
	SkipStaleCheck bool
	// Digest is Digest of the items. It is needed only where First and Last are both set, and tells a page that is sent
	// again from another one with the same ID.
	Digest string
}

// Head is what the request of every page says of its place in a session. Requests embed it.
type Head struct {
	UploadID           string `json:"uploadId"`
	IsFirstPage        bool   `json:"isFirstPage,omitzero"`
	IsLastPage         bool   `json:"isLastPage,omitzero"`
	ForceRestartUpload bool   `json:"forceRestartUpload,omitzero"`
}

// Page returns the page of these items, with their digest where it is needed. Whoever asks adds what the head does not say.
func (h *Head) Page(items any) Page {
	p := Page{ID: h.UploadID, First: h.IsFirstPage, Last: h.IsLastPage, Restart: h.ForceRestartUpload}
	if p.First && p.Last {
		p.Digest = Digest(items)
	}
	return p
}

// Digest returns a digest of a page's items.
func Digest(items any) string {
	h := sha256.New()
	if err := json.MarshalWrite(h, items, json.Deterministic(true)); err != nil {
		return "" // equal to no page, so that it counts as another
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// counterTouches is the counter of marks.
const counterTouches = "touches"

// Touch returns the mark of a writing transaction: greater than that of every earlier one.
func Touch(ctx context.Context, tx *sqldb.Tx) (int64, error) { return tx.Next(ctx, counterTouches, 1) }

// Check refuses what no page may be. Begin does so too; a caller that has much to do before it may ask first.
func (p *Page) Check() error {
	switch {
	case p.ID == "" || len(p.ID) > MaxID || !utf8.ValidString(p.ID) || strings.IndexByte(p.ID, 0) >= 0:
		return fault.Newf(fault.Invalid, "A bulk upload has an uploadId of 1 to %d bytes, the same on all its pages.", MaxID).WithField("uploadId")
	case p.Restart && !p.First:
		return fault.New(fault.Invalid, "forceRestartUpload goes with isFirstPage only.").WithField("forceRestartUpload")
	}
	return nil
}

// Begin takes in a page: it opens a session where the page is the first of one, and finds the session of any other. It
// is called in the first transaction that writes something of the page, before anything is written. A page that
// belongs to no session is a fault.Invalid, one whose session has ended or lost its place, or that would begin a second
// session beside an open one, a fault.Conflict; the message says what to do.
//
// Pages that come again because their answer was lost are welcome: the first one while the session is open, the last one
// until another session begins, and a single page for a quarter of an hour.
func Begin(ctx context.Context, tx *sqldb.Tx, p Page) (Session, error) {
	if err := p.Check(); err != nil {
		return Session{}, err
	}
	s, err := latest(ctx, tx, p.Datasource, p.Kind, p.Part)
	met := err == nil
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return Session{}, err
	}
	now := time.Now()
	if p.First {
		switch {
		case met && s.ID == p.ID && s.State == Closed && p.Last && p.Digest != "" && p.Digest == s.digest && now.Sub(s.Ended) < repeatWithin:
		case met && s.ID == p.ID && s.State == Open && !p.Restart:
		case met && s.State == Open && !p.Restart && now.Sub(s.Seen) < AbandonAfter:
			return Session{}, conflict("The upload %q of %s is open. Send its last page, or begin this one with forceRestartUpload to drop it.", s.ID, p.what())
		default:
			if s, err = open(ctx, tx, p, now); err != nil {
				return Session{}, err
			}
		}
	} else if err := belongs(ctx, tx, p, s, met); err != nil {
		return Session{}, err
	}
	s.page = p
	_, err = tx.Exec(ctx, "UPDATE uploads SET pages = pages + 1, items = items + $2, seen_at = $3 WHERE seq = $1", s.Seq, p.Items, now.UnixMicro())
	return s, err
}

// belongs refuses a page, not a first one, that the newest session of its place does not expect.
func belongs(ctx context.Context, tx *sqldb.Tx, p Page, s Session, met bool) error {
	switch {
	case met && s.ID == p.ID && (s.State == Open || s.State == Closed && p.Last):
		return nil
	case met && s.ID == p.ID && s.State == Closed:
		return conflict("The upload %q of %s has had its last page. Begin another one, with an uploadId of its own and isFirstPage.", p.ID, p.what())
	}
	known, err := knows(ctx, tx, p)
	switch {
	case err != nil:
		return err
	case known:
		return conflict("The upload %q of %s has been replaced by another, or by a restored backup. Begin again with isFirstPage and forceRestartUpload.", p.ID, p.what())
	}
	return fault.Newf(fault.Invalid, "There is no upload %q of %s. Begin it with a page that has isFirstPage.", p.ID, p.what()).WithField("uploadId")
}

func conflict(format string, args ...any) error {
	return fault.Newf(fault.Conflict, format, args...).WithField("uploadId")
}

// what names what a page is of, for messages.
func (p *Page) what() string {
	text := string(p.Kind)
	if p.Part != "" {
		text += " of " + p.Part
	}
	if p.Datasource != "" {
		text += " in " + p.Datasource
	}
	return text
}

// Still fails with a fault.Conflict once another session has taken this one's place, so that what is left of a page
// does not get into the other one. It is called in every transaction of a page but the first.
func (s *Session) Still(ctx context.Context, tx *sqldb.Tx) error {
	now, err := latest(ctx, tx, s.Datasource, s.Kind, s.Part)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err != nil || now.Seq != s.Seq {
		return conflict("The upload %q of %s was replaced by another while this page was read.", s.ID, s.page.what())
	}
	s.State = now.State
	return nil
}

// Finish ends the session of a last page, in the transaction that writes the last of it. left says that there are stale
// things, which are then removed in the background. It does nothing for other pages, and for a session that has ended.
func (s *Session) Finish(ctx context.Context, tx *sqldb.Tx, left bool) error {
	if !s.page.Last || s.State != Open {
		return nil
	}
	removal, digest := None, ""
	if left {
		removal = Waiting
	}
	if s.page.First {
		digest = s.page.Digest
	}
	_, err := tx.Exec(ctx, "UPDATE uploads SET state = $2, ended_at = $3, unchecked = $4, removal = $5, digest = $6 WHERE seq = $1",
		s.Seq, string(Closed), time.Now().UnixMicro(), s.page.SkipStaleCheck, string(removal), digest)
	if err != nil {
		return err
	}
	if left {
		if err := enqueue(ctx, tx, s.Seq, time.Time{}); err != nil {
			return err
		}
	}
	s.State = Closed
	return prune(ctx, tx, s.Datasource, s.Kind)
}
