package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// maxForm bounds the body of a post. The greatest form of ours, a token with all scopes, is under 2 KiB.
const maxForm = 64 << 10

// readForm decodes the body of a post. What it lets through is UTF-8 without control characters.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, fault.New(fault.UnsupportedMedia, "This address takes the forms of this console only.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fault.New(fault.TooLarge, "The form is larger than any of ours. Go back and shorten what you typed.").Wrap(err)
		}
		return nil, fault.New(fault.Invalid, "The form did not arrive whole. Go back and send it again.").Wrap(err)
	}
	return r.PostForm, checkText(r.PostForm)
}

// checkText refuses what SQL, logs and pages should never meet: bad UTF-8 and control characters.
func checkText(form url.Values) error {
	for name, values := range form {
		for _, text := range append(values, name) {
			if name == "testers" || name == "roles" || name == "token" { // the fields of several lines
				text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
			}
			if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return fault.New(fault.Invalid, "The text holds characters that cannot be kept. Go back and type it again.")
			}
		}
	}
	return nil
}

// problem is something wrong with a field, said twice: short in the summary, and at the field how to mend it.
type problem struct {
	Field, For, ID string // For is the element that the summary leads to
	Short, Long    string
}

// problems are what keeps a form from being saved, in the order of its fields.
type problems []problem

// add says that the field, whose element has the id element, is wrong.
func (p *problems) add(field, element, short, long string) {
	*p = append(*p, problem{field, element, "e-" + field, short, long})
}

// At returns what is wrong with a field, or nil.
func (p problems) At(field string) *problem {
	if i := slices.IndexFunc(p, func(x problem) bool { return x.Field == field }); i >= 0 {
		return &p[i]
	}
	return nil
}

// place is where a form shows what is wrong with a field of a service: its own field, and the element
// that the summary leads to.
type place struct{ field, element string }

// blame turns a refusal of a service into a problem of the field that it names. It returns false
// when the fault is not about what was typed, so that it becomes a page of its own.
func (p *problems) blame(err error, places map[string]place) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.Unprocessable && f.Kind != fault.NotFound {
		return false
	}
	at := places[f.Field]
	p.add(at.field, at.element, f.Message, f.Message)
	return true
}

// expiryView is the fieldset that says when a token ends.
type expiryView struct {
	Choices  []expiryChoice
	Help     string
	Earliest string // the first date that may be chosen
	Date     string
	Never    bool // whether a token without an end is offered
	Problems problems
}

type expiryChoice struct {
	Value, Name string
	Until       string // said in the summary line of the form
	Chosen      bool
}

const day = 24 * time.Hour

// lifetimes are the choices that count from today.
var lifetimes = []struct {
	value, name string
	span        time.Duration
}{{"30d", "30 days", 30 * day}, {"90d", "90 days", 90 * day}, {"365d", "365 days", 365 * day}}

// newExpiry offers the choices from now on; an end is left open only where never is true.
func newExpiry(now time.Time, chosen, date string, never bool) expiryView {
	now = now.UTC()
	v := expiryView{Date: date, Earliest: now.Format(time.DateOnly), Never: never}
	for _, l := range lifetimes {
		v.Choices = append(v.Choices, expiryChoice{l.value, l.name, now.Add(l.span).Format("2 Jan 2006"), l.value == chosen})
	}
	v.Choices = append(v.Choices, expiryChoice{"date", "On a date", "", chosen == "date"})
	if never {
		v.Choices = append(v.Choices, expiryChoice{"never", "Never", "someone revokes it", chosen == "never"})
	}
	v.Help = "90 days from today is " + now.Add(90*day).Format("2 January 2006") + ". The list warns " + count(soonDays, "day") + " before."
	return v
}

// lifetimeOf finds the choice that a token was made with, for its successor. 90 days where none fits.
func lifetimeOf(created, expires time.Time) string {
	for _, l := range lifetimes {
		if d := expires.Sub(created) - l.span; d > -day && d < day {
			return l.value
		}
	}
	return "90d"
}

// readExpiry works out the end of a token's life; the zero time is never. A date means through the
// end of that day, UTC.
func readExpiry(now time.Time, choice, date string, p *problems) time.Time {
	for _, l := range lifetimes {
		if l.value == choice {
			return now.Add(l.span)
		}
	}
	switch choice {
	case "never":
		return time.Time{}
	case "date":
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			p.add("date", "f-date", "Choose the last day it works", "Choose a day, in the form 2026-11-30.")
			return time.Time{}
		}
		if t = t.Add(day); !t.After(now) {
			p.add("date", "f-date", "Choose a day that is not over", "This day is over. Choose today or a later one.")
		}
		return t
	}
	p.add("expires", "expires", "Choose when it expires", "Choose one of these. 90 days suits most programs.")
	return time.Time{}
}
