package why

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// AccessRequest asks why a person sees a document, or does not.
type AccessRequest struct {
	// Person is an address or an id. Empty is who asks.
	Person string `json:"person,omitzero"`
	// Document is "datasource/objectType/id", or an address.
	Document string `json:"document"`
}

// AccessAnswer says why.
type AccessAnswer struct {
	Person     Person   `json:"person"`
	Document   Document `json:"document"`
	Datasource string   `json:"datasource"`
	Sees       bool     `json:"sees"`
	// Summary is the answer in a sentence.
	Summary string `json:"summary"`
	// Reasons say what keeps the person from the document and how to mend it, the decisive ones first. Where the person sees it, they
	// say what else there is to know.
	Reasons []Reason `json:"reasons"`
	// Ways lead from the person to what the document is open to, the shortest first. Where the person does not see it, they
	// would, were it not for the reasons.
	Ways []Way `json:"ways"`
	// WaysInAll counts the ways; Ways has the first of them.
	WaysInAll int `json:"waysInAll"`
}

// Reason is one thing that stands between a person and a document.
type Reason struct {
	// Code is for programs; see the constants.
	Code string `json:"code"`
	// Words say what is so, Mend what an administrator can do about it.
	Words string `json:"words"`
	Mend  string `json:"mend,omitzero"`
	// Chain is the way on which it happens, where there is one.
	Chain []Step `json:"chain,omitzero"`
}

// Codes of reasons.
const (
	CodePersonInactive   = "person-inactive"
	CodeHidden           = "datasource-hidden"
	CodeNotTester        = "not-a-tester"
	CodeNoPermissions    = "no-permissions"
	CodeNoIdentity       = "no-identity"
	CodeIdentityInactive = "identity-inactive"
	CodeEarlierHolder    = "identity-of-earlier-holder"
	CodeOtherAddress     = "identity-has-other-address"
	CodeUnknownUser      = "user-unknown"
	CodeOtherUsers       = "other-users"
	CodeUnknownGroup     = "group-unknown"
	CodeNotMember        = "not-a-member"
	CodeLacksGroup       = "intersection-lacks-group"
	CodeNotIndexed       = "not-yet-indexed"
)

// Way leads from a person to something that a document is open to.
type Way struct {
	// Reader is everyone, all-users, user, group or intersection; Name what it is called.
	Reader string `json:"reader"`
	Name   string `json:"name,omitzero"`
	Words  string `json:"words"`
	// Chains have one chain, an intersection one for each of its groups, everyone none.
	Chains [][]Step `json:"chains"`
}

// Step is one place on a way.
type Step struct {
	Kind string `json:"kind"` // person, user or group
	Name string `json:"name"`
	// Broken says what is wrong at this place.
	Broken string `json:"broken,omitzero"`
}

// Access says why a person sees a document or does not. It agrees with what the person finds, as of this moment.
func (s *Service) Access(ctx context.Context, c grant.Caller, req AccessRequest) (AccessAnswer, error) {
	if err := may(c); err != nil {
		return AccessAnswer{}, err
	}
	p, err := s.person(ctx, c, req.Person)
	if err != nil {
		return AccessAnswer{}, err
	}
	text, err := named("document", req.Document)
	if err != nil {
		return AccessAnswer{}, err
	}
	if err := s.record(ctx, c, "why.access", p, text); err != nil {
		return AccessAnswer{}, err
	}
	at, document, err := s.document(ctx, c, text)
	if err != nil {
		return AccessAnswer{}, err
	}
	e, err := s.cfg.Directory.Explain(ctx, p.ID, at.Datasource, at.Readers)
	if err != nil {
		return AccessAnswer{}, err
	}
	t := teller{p: p, who: called(p), datasource: at.Datasource, e: &e}
	answer := AccessAnswer{
		Person: personOf(p), Document: document, Datasource: at.Datasource, Sees: e.Sees,
		Reasons: t.reasons(), Ways: t.ways(), WaysInAll: e.WaysInAll,
	}
	answer.Summary = t.who + " does not see it."
	if e.Sees {
		answer.Summary = t.who + " sees it."
		if at.Position > s.cfg.Indexed() {
			answer.Reasons = append(answer.Reasons, Reason{
				Code: CodeNotIndexed, Words: "Its latest change has not reached the search index yet, so searches may still answer as before.",
				Mend: "Ask again in a few seconds. If it stays so, look at the server's log.",
			})
		}
	}
	return answer, nil
}

// ways puts the ways in words.
func (t *teller) ways() []Way {
	list := make([]Way, 0, len(t.e.Ways))
	for _, w := range t.e.Ways {
		way := Way{Reader: string(w.Reader), Name: w.Name, Words: t.opens(&w), Chains: [][]Step{}}
		if len(w.Chain) > 0 {
			way.Chains = append(way.Chains, t.chain(w.Chain))
		}
		for _, p := range w.Parts {
			way.Chains = append(way.Chains, t.chain(p.Chain))
		}
		list = append(list, way)
	}
	return list
}

// opens says what a way leads to.
func (t *teller) opens(w *directory.Way) string {
	switch w.Reader {
	case directory.ReaderEveryone:
		return "The document is open to everyone who may see the datasource " + t.datasource + "."
	case directory.ReaderAllUsers:
		return "The document is open to every active user of " + t.e.IdentitySource + ", and " + t.who + " is one."
	case directory.ReaderUser:
		return "The document names the user " + w.Name + "."
	case directory.ReaderGroup:
		if len(w.Chain) <= 2 {
			return "The document names the group " + w.Name + ", and " + t.who + " is a member."
		}
		return "The document names the group " + w.Name + ", and " + t.who + " is in it through other groups."
	}
	return "The document is open to those who are in all of " + listed(partNames(w.Parts)) + "."
}
