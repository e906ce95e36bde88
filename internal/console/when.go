package console

import (
	"fmt"
	"time"
)

// moment is a time in the words of a page: the day, and how far off it is. All are UTC.
type moment struct {
	ISO  string // for <time datetime>
	Day  string // "26 Nov 2026"
	Hour string // "10:58:04"
	Near string // "in 3 days", "12 minutes ago"
}

// at puts t in words as seen from now. The zero time gives the zero moment, which templates leave out.
func at(now, t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{t.Format(time.RFC3339), t.Format("2 Jan 2006"), t.Format("15:04:05"), near(now, t)}
}

// Set reports whether there is a time at all.
func (m moment) Set() bool { return m.ISO != "" }

func near(now, t time.Time) string {
	const day = 24 * time.Hour
	d := t.Sub(now)
	if d.Abs() >= 2*day { // as people count: from one date to the other
		d = t.Truncate(day).Sub(now.Truncate(day))
	}
	if d > 0 {
		if d < time.Minute {
			return "in less than a minute"
		}
		return "in " + span(d)
	}
	if -d < time.Minute {
		return "just now"
	}
	return span(-d) + " ago"
}

// span names a duration by its greatest unit, rounded down so that nothing is promised too long.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < day:
		return count(int(d/time.Hour), "hour")
	case d < 100*day:
		return count(int(d/day), "day")
	case d < 730*day:
		return count(int(d/(30*day)), "month")
	}
	return count(int(d/(365*day)), "year")
}

// count is "1 token", "2 tokens", "1,204 tokens".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands groups the digits of n by commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
