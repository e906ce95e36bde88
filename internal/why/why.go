// Package why answers the two questions that every administrator of a search gets: why does somebody see, or not see, a
// document, and why does a result stand where it does.
//
// Its one idea is that an explanation is no way round permissions. A document is named as the administrator names it; its title and
// address are in the answer only where the administrator may see the document themselves. Whom it is open to, and the groups on the way, are what
// administrators are there to mend. Super Admins may ask how one document ranks for somebody else. Every question is in the audit log
// before it is answered.
//
// The admin API and the console call it, and give no more than it gives.
package why

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
)

// Authority knows who may ask. *authority.Authority is one.
type Authority interface {
	// Person finds a person by id or address, for an administrator.
	Person(ctx context.Context, c grant.Caller, text string) (*directory.Person, error)
	// SearchAs returns a caller who searches as another person, for a Super Admin.
	SearchAs(ctx context.Context, c grant.Caller, person *directory.Person, query string) (grant.Caller, error)
}

// Ranker searches and says how the scores came about. The search room's service is adapted to it.
type Ranker interface {
	Rank(ctx context.Context, c grant.Caller, q Question, size int) (index.Result, error)
}

// Config says what a Service is made of. All of it is needed.
type Config struct {
	Authority Authority
	Corpus    *corpus.Corpus
	Directory *directory.Directory
	Ranker    Ranker
	Audit     *audit.Log
	// Indexed returns how far in the change queue the index is.
	Indexed func() int64
}

// Service explains. It is safe for concurrent use.
type Service struct{ cfg Config }

// New returns the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Person is who was asked about.
type Person struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

func personOf(p *directory.Person) Person { return Person{p.ID, p.Email, p.Name} }

// called is the person in a sentence.
func called(p *directory.Person) string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}

// Document is what was asked about.
type Document struct {
	// Named is the document as the administrator named it.
	Named string `json:"named"`
	// ID, Title and URL are there where the administrator may see the document.
	ID    string `json:"id,omitzero"`
	Title string `json:"title,omitzero"`
	URL   string `json:"url,omitzero"`
}

// maxNamed bounds what names a person or a document, in bytes.
const maxNamed = 3000

// named cleans what names a person or a document.
func named(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxNamed || strings.IndexByte(text, 0) >= 0 {
		return "", fault.Newf(fault.Invalid, "%s is needed, and has at most %d bytes.", field, maxNamed).WithField(field)
	}
	return text, nil
}

// may refuses callers who do not administer.
func may(c grant.Caller) error {
	if c.Administers() {
		return nil
	}
	return fault.New(fault.Forbidden, "Explanations are for Super Admins and Admins.")
}

// person finds who is meant; "" is the administrator.
func (s *Service) person(ctx context.Context, c grant.Caller, text string) (*directory.Person, error) {
	if text == "" {
		text = c.Person()
	}
	text, err := named("person", text)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Authority.Person(ctx, c, text)
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "There is no person with this address or id.").WithField("person").Wrap(err)
	}
	return p, err
}

// document finds the document, and shows of it what the administrator may see.
func (s *Service) document(ctx context.Context, c grant.Caller, text string) (corpus.Standing, Document, error) {
	text, err := named("document", text)
	if err != nil {
		return corpus.Standing{}, Document{}, err
	}
	at, err := s.cfg.Corpus.Standing(ctx, c, text)
	if err != nil {
		return at, Document{}, err
	}
	d := Document{Named: text}
	seen, err := s.cfg.Corpus.Outline(ctx, c, at.Key)
	if own := seen[at.Key]; own != nil {
		d.ID, d.Title, d.URL = own.Key, own.Title, own.ViewURL
	}
	return at, d, err
}

// record puts the question into the audit log.
func (s *Service) record(ctx context.Context, c grant.Caller, action string, p *directory.Person, detail string) error {
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.SubjectName, entry.Detail = action, p.ID, p.Email, detail
	return s.cfg.Audit.Record(ctx, entry)
}
