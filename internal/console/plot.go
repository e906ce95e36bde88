package console

import (
	"slices"
	"strconv"
	"time"
)

// plotView is a plot of what arrived on each day: stacked bars over a grid, drawn here so that it needs no script. The same numbers
// stand in a table below it.
type plotView struct {
	Width, Height int
	Title         string
	Grid          []gridLine
	Bars          []dayBar
	Marks         []tick
	Rows          []plotRow
}

// gridLine is a level of the plot, with its number at the left.
type gridLine struct {
	Y, TextY int
	Text     string
}

// dayBar is one day: up to three parts, from the ground upward.
type dayBar struct {
	X, Width int
	Title    string
	Parts    []barPart
}

type barPart struct {
	Y, Height int
	Class     string
}

// tick names a day below the plot.
type tick struct {
	X      int
	Text   string
	Anchor string // of the text
}

type plotRow struct {
	Day                       string
	Written, Deleted, Refused int
}

// The measures of the plot, in units of its own grid.
const (
	plotWidth  = 720
	plotHeight = 190
	plotLeft   = 46
	plotTop    = 10
	plotGround = 162
	plotGap    = 3
)

// plotOf draws the days; nil where there are none.
func plotOf(days []IntakeDay, now time.Time) *plotView {
	if len(days) == 0 {
		return nil
	}
	p := &plotView{Width: plotWidth, Height: plotHeight}
	most, total := 0, 0
	for _, d := range days {
		n := d.Written + d.Deleted + d.Refused
		most, total = max(most, n), total+n
	}
	p.Title = "What arrived on each of the last " + count(len(days), "day") + ": " + thousands(total) + " in all, " + thousands(most) + " on the busiest day"
	top := p.levels(most)
	for i, d := range days {
		p.day(i, len(days), d, top, now)
	}
	return p
}

// levels draws the grid, and returns the number at its top.
func (p *plotView) levels(most int) int {
	step := stepFor(most)
	top := max((most+step-1)/step, 1) * step
	for n := 0; n <= top; n += step {
		y := plotGround - (plotGround-plotTop)*n/top
		p.Grid = append(p.Grid, gridLine{y, y + 4, short(n)})
	}
	return top
}

// stepFor is the distance of levels: 1, 2 or 5 of some power of ten, so that there are at most four.
func stepFor(most int) int {
	for power := 1; ; power *= 10 {
		for _, n := range []int{1, 2, 5} {
			if n*power*4 >= most {
				return n * power
			}
		}
	}
}

// short is a number in few signs: 950, 1.5k, 20k, 3M.
func short(n int) string {
	for _, unit := range []struct {
		size int
		sign string
	}{{1_000_000, "M"}, {1000, "k"}} {
		if n >= unit.size {
			return strconv.FormatFloat(float64(n)/float64(unit.size), 'f', -1, 64) + unit.sign
		}
	}
	return strconv.Itoa(n)
}

func (p *plotView) day(i, days int, d IntakeDay, top int, now time.Time) {
	left := plotLeft + (plotWidth-plotLeft)*i/days
	right := plotLeft + (plotWidth-plotLeft)*(i+1)/days
	name := d.Day.UTC().Format("2 Jan")
	bar := dayBar{X: left + plotGap, Width: max(right-left-2*plotGap, 2)}
	bar.Title = name + ": " + thousands(d.Written) + " written, " + thousands(d.Deleted) + " deleted, " + thousands(d.Refused) + " refused"
	ground := plotGround
	for _, part := range []struct {
		n     int
		class string
	}{{d.Written, "written"}, {d.Deleted, "deleted"}, {d.Refused, "refused"}} {
		if part.n == 0 {
			continue
		}
		height := max((plotGround-plotTop)*part.n/top, 2) // two units can still be seen
		ground -= height
		bar.Parts = append(bar.Parts, barPart{max(ground, 0), height, part.class})
	}
	p.Bars = append(p.Bars, bar)
	p.Rows = slices.Insert(p.Rows, 0, plotRow{name, d.Written, d.Deleted, d.Refused}) // the newest first: it is what one looks for
	switch today := d.Day.UTC().Truncate(day).Equal(now.UTC().Truncate(day)); {
	case today:
		p.Marks = append(p.Marks, tick{right, "today", "end"})
	case d.Day.UTC().Weekday() == time.Monday && days-i > 4:
		p.Marks = append(p.Marks, tick{(left + right) / 2, name, "middle"})
	}
}
