package demo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// calendar turns the day numbers of the data files into dates around now. Day 0 is now's day in UTC,
// day -40 the working day at or before forty days earlier.
type calendar struct{ now time.Time }

// day is midnight of day n, moved off the weekend: back for the past, forward for the future.
func (c calendar) day(n int) time.Time {
	y, m, d := c.now.Date()
	t := time.Date(y, m, d+n, 0, 0, 0, 0, time.UTC)
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		if n > 0 {
			t = t.AddDate(0, 0, 1)
		} else {
			t = t.AddDate(0, 0, -1)
		}
	}
	return t
}

// moment is a time in working hours of day n that depends on key alone, and never lies after now.
func (c calendar) moment(key string, n int) time.Time {
	t := c.day(n).Add(8*time.Hour + time.Duration(hash(key, 10*3600))*time.Second)
	if t.After(c.now) {
		return c.now.Add(-time.Duration(60+hash(key, 3000)) * time.Second)
	}
	return t
}

// expand replaces the dates in braces within text. {-40} is "14 October" of the day so many days off,
// {c+2} counts from created, and a last letter chooses another form: y with year, w the weekday,
// m month and year, q the quarter. {y}, {y-1} and {y+1} are years.
func (c calendar) expand(text string, created time.Time) (string, error) {
	if !strings.Contains(text, "{") {
		return text, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		mark, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("date mark without an end: %.20q", rest)
		}
		date, err := c.mark(mark, created)
		if err != nil {
			return "", err
		}
		b.WriteString(date)
		text = after
	}
}

func (c calendar) mark(mark string, created time.Time) (string, error) {
	if year, ok := strings.CutPrefix(mark, "y"); ok {
		n, err := offset(year)
		return strconv.Itoa(c.now.Year() + n), err
	}
	number := strings.TrimRight(mark, "ywmq")
	form := mark[len(number):]
	var day time.Time
	if after, ok := strings.CutPrefix(number, "c"); ok {
		n, err := offset(after)
		if err != nil {
			return "", err
		}
		day = created.AddDate(0, 0, n)
	} else {
		n, err := offset(number)
		if err != nil {
			return "", err
		}
		day = c.day(n)
	}
	switch form {
	case "":
		return day.Format("2 January"), nil
	case "y":
		return day.Format("2 January 2006"), nil
	case "w":
		return day.Format("Monday"), nil
	case "m":
		return day.Format("January 2006"), nil
	case "q":
		return fmt.Sprintf("Q%d %d", (int(day.Month())+2)/3, day.Year()), nil
	}
	return "", fmt.Errorf("date mark {%s} has an unknown form", mark)
}

// offset reads "", "+3" or "-40".
func offset(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || (s[0] != '+' && s[0] != '-') {
		return 0, fmt.Errorf("date mark with %q in place of +days or -days", s)
	}
	return n, nil
}

// hash maps key to 0..n-1, the same on every run and platform. It is the only source of variety, in
// place of a seeded generator, so that adding a document changes no other.
func hash(key string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // hash.Hash never fails
	x := h.Sum64()
	x ^= x >> 33 // FNV's low bits repeat between keys that differ in their last letter only
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return int(x % uint64(n)) //nolint:gosec // n is a small count
}
