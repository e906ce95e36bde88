package audit

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Outcomes of what an entry is about.
const (
	Done    = "done"    // it happened
	Refused = "refused" // it was asked for and not allowed
	Failed  = "failed"  // it was allowed and did not work
)

// Host stands as the actor of what was commanded on the machine itself.
const Host = "host"

// Entry is one line of the log.
type Entry struct {
	// Seq orders entries; it is given when an entry is written.
	Seq int64
	// At is when it happened. Record sets it where it is zero.
	At time.Time
	// Actor is the id of who did it: a person; the token, where a token acts as nobody or as whom it
	// names; Host; or "" for nobody known. ActorName says it in words, as they were then.
	Actor, ActorName string
	// ActedAs is the person whom a GLOBAL token acted as, with their address then.
	ActedAs, ActedAsName string
	// Token is the id of the credential: a token or a session.
	Token string
	// Action is a noun and a verb ("token.revoke"), or an operation ("POST /rest/api/v1/pin").
	Action string
	// Subject is the id of the thing acted on, SubjectName what it is called.
	Subject, SubjectName string
	// Address is where the request came from, RequestID the id in its answer and in the log.
	Address, RequestID string
	// Outcome is Done where it is empty.
	Outcome string
	// Detail says more in a sentence. Never a secret.
	Detail string
}

// By returns an entry whose actor is c, to be completed.
func By(c grant.Caller) Entry {
	e := Entry{Token: c.Token()}
	switch {
	case c.Is(grant.Global):
		e.Actor, e.ActorName = c.Token(), c.Holder()
		e.ActedAs, e.ActedAsName = c.Person(), c.Email()
	case c.Is(grant.Maintenance):
		e.Actor, e.ActorName, e.Token = Host, c.Holder(), ""
	case c.Person() != "":
		e.Actor, e.ActorName = c.Person(), c.Email()
	default:
		e.Actor, e.ActorName = c.Token(), c.Holder()
	}
	return e
}

// Bounds of the texts of an entry, in bytes. Entries hold what callers wrote, so they are cut.
const (
	maxName   = 320
	maxDetail = 1000
)

// secretForm matches every secret that sheaf makes. Nothing should ever put one here; this is the
// net below.
var secretForm = regexp.MustCompile(`shf_([a-z])_[0-9A-Za-z]{8,}`)

func (l *Log) complete(ctx context.Context, e Entry) Entry {
	if e.At.IsZero() {
		e.At = l.cfg.Now()
	}
	if e.Outcome == "" {
		e.Outcome = Done
	}
	if l.cfg.Origin != nil && (e.Address == "" || e.RequestID == "") {
		address, id := l.cfg.Origin(ctx)
		if e.Address == "" && address.IsValid() {
			e.Address = address.String()
		}
		if e.RequestID == "" {
			e.RequestID = id
		}
	}
	for _, text := range []*string{
		&e.Actor, &e.ActorName, &e.ActedAs, &e.ActedAsName, &e.Token, &e.Action, &e.Subject, &e.SubjectName,
		&e.Address, &e.RequestID, &e.Outcome,
	} {
		*text = clean(*text, maxName)
	}
	e.Detail = clean(e.Detail, maxDetail)
	return e
}

// clean returns text as SQL can keep it: valid UTF-8 without NUL, without secrets, cut to limit.
func clean(text string, limit int) string {
	if strings.Contains(text, "shf_") {
		text = secretForm.ReplaceAllString(text, "shf_${1}_…")
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if len(text) <= limit {
		return text
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
