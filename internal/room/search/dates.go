package search

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// zone is the caller's, from its offset in minutes; one that no place on Earth has is UTC.
func zone(minutes int) *time.Location {
	if minutes < -14*60 || minutes > 14*60 {
		return time.UTC
	}
	return time.FixedZone("caller", minutes*60)
}

var pastN = regexp.MustCompile(`^(?:past|last)_(?:(\d{1,4})_)?(day|week|month|year)s?$`)

// time is a test of a date: a day of the calendar in the caller's zone, or a span that ends now.
func (f *filters) time(name, field string, relation wire.RelationType, value string) index.Filter {
	within := func(from, to time.Time) index.Filter {
		w := index.Within{Field: field, From: math.MinInt64, To: math.MaxInt64}
		if !from.IsZero() {
			w.From = from.Unix()
		}
		if !to.IsZero() {
			w.To = to.Unix()
		}
		return w
	}
	from, to, ok := f.span(value)
	if ok {
		switch relation {
		case "", wire.Equals, wire.IDEquals:
			return within(from, to)
		case wire.LessThan:
			return within(time.Time{}, from)
		case wire.GreatThan:
			if !to.IsZero() {
				return within(to, time.Time{})
			}
		}
	}
	return f.unusable(name, value)
}

// span returns the time that a date's value covers: a whole day, or the past up to now, whose end is open.
func (f *filters) span(value string) (from, to time.Time, ok bool) {
	value = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(value), " ", "_"))
	today := time.Date(f.now.Year(), f.now.Month(), f.now.Day(), 0, 0, 0, 0, f.now.Location())
	switch value {
	case "today":
		return today, today.AddDate(0, 0, 1), true
	case "yesterday":
		return today.AddDate(0, 0, -1), today, true
	}
	if m := pastN.FindStringSubmatch(value); m != nil {
		n := 1
		if m[1] != "" {
			n, _ = strconv.Atoi(m[1]) // at most four digits
		}
		now := f.now.UTC() // these spans do not depend on the zone
		switch m[2] {
		case "day":
			return now.AddDate(0, 0, -n), to, true
		case "week":
			return now.AddDate(0, 0, -7*n), to, true
		case "month":
			return now.AddDate(0, -n, 0), to, true
		default:
			return now.AddDate(-n, 0, 0), to, true
		}
	}
	day, err := time.ParseInLocation(time.DateOnly, value, f.now.Location())
	if err != nil {
		return from, to, false
	}
	return day, day.AddDate(0, 0, 1), true
}
