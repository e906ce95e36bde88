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

// date is a test of a date: a day of the calendar in the zone of now, or a span that ends now. Each relation takes days; of the
// words, EQUALS takes all, LT the ends of those spans that have a name of their own, and GT yesterday.
func date(now time.Time, field string, relation wire.RelationType, value string) (index.Filter, verdict) {
	word := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(value), " ", "_"))
	from, to, ok := span(now, word)
	if ok {
		switch _, err := time.Parse(time.DateOnly, word); {
		case equal(relation):
			return within(field, from, to), usable
		case relation == wire.LessThan && (err == nil || takesLess(word)):
			return within(field, time.Time{}, from), usable
		case relation == wire.GreatThan && (err == nil || word == "yesterday"):
			return within(field, to, time.Time{}), usable
		}
	}
	return index.Any{}, malformed
}

// takesLess reports whether LT takes a word.
func takesLess(word string) bool {
	switch word {
	case "today", "yesterday", "past_day", "past_week", "past_month", "last_day", "last_week", "last_month":
		return true
	}
	return false
}

// within is the time from one moment up to another; a zero one is open.
func within(field string, from, to time.Time) index.Filter {
	w := index.Within{Field: field, From: math.MinInt64, To: math.MaxInt64}
	if !from.IsZero() {
		w.From = from.Unix()
	}
	if !to.IsZero() {
		w.To = to.Unix()
	}
	return w
}

var pastN = regexp.MustCompile(`^(?:past|last)_(?:(\d{1,4})_)?(day|week|month|year)s?$`)

// span returns the time that a date's word covers: a whole day, or the past up to now, whose end is open.
func span(now time.Time, word string) (from, to time.Time, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch word {
	case "today":
		return today, today.AddDate(0, 0, 1), true
	case "yesterday":
		return today.AddDate(0, 0, -1), today, true
	}
	if m := pastN.FindStringSubmatch(word); m != nil {
		n := 1
		if m[1] != "" {
			n, _ = strconv.Atoi(m[1]) // at most four digits
		}
		now = now.UTC() // these spans do not depend on the zone
		switch m[2] {
		case "day":
			return now.AddDate(0, 0, -n), to, true
		case "week":
			return now.AddDate(0, 0, -7*n), to, true
		case "month":
			return months(now, n), to, true
		default:
			return months(now, 12*n), to, true
		}
	}
	day, err := time.ParseInLocation(time.DateOnly, word, now.Location())
	if err != nil {
		return from, to, false
	}
	return day, day.AddDate(0, 0, 1), true
}

// months is n months before now, on the last day of a month that is too short: a month before the 31st of March is the end of February.
func months(now time.Time, n int) time.Time {
	first := now.AddDate(0, 0, 1-now.Day()).AddDate(0, -n, 0)
	return first.AddDate(0, 0, min(now.Day(), first.AddDate(0, 1, -1).Day())-1)
}
