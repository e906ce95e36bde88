// Package shortcut keeps short names of addresses, as people type them behind "go/".
//
// Its one idea is the canonical alias: case, hyphens and underscores do not count, so that "go/Team-Lunch" and
// "go/teamlunch" are one shortcut, and no two shortcuts of one source share one. Those hosted here are managed here; those
// of another service come by uploads that replace them all. intake/shortcuts writes, and the room of shortcuts reads; who
// may see an unlisted one is the room's affair.
package shortcut

import (
	"context"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Source says where a shortcut is managed.
type Source string

// The sources.
const (
	Hosted   Source = "hosted"   // here
	External Source = "external" // by another service
)

// Shortcut is a short name of an address.
type Shortcut struct {
	ID           int64
	Source       Source
	Alias        string // canonical
	InputAlias   string // as it was typed, without the prefix
	Title        string
	Description  string
	Destination  string
	Template     string // for addresses with arguments, whose place Placeholder marks; "" where there are none
	Intermediate string // the short address at the other service
	EditURL      string
	VisitScore   float64
	Unlisted     bool
	Author       string // the id of who held AuthorEmail when the shortcut was written, "" for nobody
	AuthorEmail  string
	Editor       string
	EditorEmail  string
	Created      int64 // microseconds; 0 when written means now
	Updated      int64
}

// Placeholder marks the place of an argument in a template.
const Placeholder = "%s"

// Bounds of a shortcut, in bytes.
const (
	maxAlias = 200
	maxText  = 10_000
	maxURL   = directory.MaxURL
)

// Store is the shortcuts of one server. It is safe for concurrent use.
type Store struct{ db *sqldb.DB }

// New returns the store kept in db.
func New(db *sqldb.DB) *Store { return &Store{db} }

// Canonical returns the form of an alias by which it is found, for one with or without the prefix "go/". An alias is
// letters, digits, "-", "_", "." and "/", with a letter or digit at least; anything else is a fault.Invalid.
func Canonical(alias string) (string, error) {
	var b strings.Builder
	has := false
	for _, r := range norm.NFC.String(trim(alias)) {
		switch {
		case r == '-' || r == '_':
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			has = true
		case r == '.' || r == '/' || unicode.IsMark(r):
		default:
			return "", errAlias
		}
		b.WriteRune(unicode.ToLower(r))
	}
	if !has || len(alias) > maxAlias || !utf8.ValidString(alias) {
		return "", errAlias
	}
	return strings.Trim(norm.NFC.String(b.String()), "/"), nil
}

// trim takes the prefix and what surrounds an alias away.
func trim(alias string) string {
	text := strings.TrimSpace(alias)
	if len(text) > 3 && strings.EqualFold(text[:3], "go/") {
		text = text[3:]
	}
	return strings.Trim(text, "/")
}

var errAlias = fault.Newf(fault.Invalid, "inputAlias has 1 to %d letters and digits, with \"-\", \"_\", \".\" and \"/\" between them.", maxAlias).WithField("inputAlias")

// prepare checks a shortcut that is to be written, and makes its canonical form.
func (s *Shortcut) prepare() (err error) {
	if s.Alias, err = Canonical(s.InputAlias); err != nil {
		return err
	}
	s.InputAlias = trim(s.InputAlias)
	if len(s.Title)+len(s.Description) > maxText || strings.IndexByte(s.Title+s.Description, 0) >= 0 {
		return fault.Newf(fault.Invalid, "Title and description have at most %d bytes.", maxText).WithField("description")
	}
	if s.Destination == "" {
		return fault.New(fault.Invalid, "A shortcut needs a destinationUrl.").WithField("destinationUrl")
	}
	for name, text := range map[string]string{"destinationUrl": s.Destination, "intermediateUrl": s.Intermediate, "editUrl": s.EditURL} {
		if err := directory.CheckURL(name, text); err != nil {
			return err
		}
	}
	if err := checkTemplate(s.Template); err != nil {
		return err
	}
	if s.AuthorEmail, err = directory.FoldEmail(s.AuthorEmail); err != nil {
		return fault.New(fault.Invalid, "createdBy is an email address.").WithField("createdBy")
	}
	if s.EditorEmail != "" {
		if s.EditorEmail, err = directory.FoldEmail(s.EditorEmail); err != nil {
			return fault.New(fault.Invalid, "updatedBy is an email address.").WithField("updatedBy")
		}
	}
	return nil
}

// checkTemplate refuses a template that is no address once its arguments are in place, or whose arguments could choose
// another server.
func checkTemplate(template string) error {
	if template == "" {
		return nil
	}
	bad := fault.New(fault.Invalid, "urlTemplate is an absolute address with %s behind the name of its server.").WithField("urlTemplate")
	filled := strings.ReplaceAll(template, Placeholder, "x")
	if directory.CheckURL("urlTemplate", filled) != nil || len(template) > maxURL {
		return bad
	}
	u, err := url.Parse(filled)
	if err != nil || u.Host == "" {
		return bad
	}
	scheme, rest, whole := strings.Cut(template, "://")
	server, _, _ := strings.Cut(rest, "/")
	if !whole || strings.Contains(scheme, Placeholder) || strings.Contains(server, Placeholder) {
		return bad
	}
	return nil
}

// ByAlias returns the shortcut that an alias means: the one hosted here before one of another service. None is a
// fault.NotFound.
func (st *Store) ByAlias(ctx context.Context, alias string) (s Shortcut, err error) {
	canonical, err := Canonical(alias)
	if err != nil {
		return s, errNone
	}
	err = st.db.Read(ctx, func(tx *sqldb.Tx) error {
		s, err = sqldb.One(ctx, tx, scan, "SELECT "+columns+" FROM shortcuts WHERE alias = $1 ORDER BY source DESC LIMIT 1", canonical)
		if fault.KindOf(err) == fault.NotFound {
			return errNone
		}
		return err
	})
	return s, err
}

var errNone = fault.New(fault.NotFound, "There is no such shortcut.")
