package pdf

import (
	"bytes"
	"math"
)

// matrix is [a b c d e f] of a transformation.
type matrix [6]float64

func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

var identity = [6]float64{1, 0, 0, 1, 0, 0}

// state is the part of the graphics state that text depends on.
type state struct {
	ctm                           matrix
	font                          *font
	size                          float64
	charSpace, wordSpace, leading float64
	scale                         float64 // horizontal, 1 for none
}

// reader interprets the content of one page.
type reader struct {
	file  *file
	out   *writer
	fonts *fonts

	state
	saved      []state
	text, line matrix

	// Where the last text ended and how large it was, to tell words and lines apart.
	endX, endY, height float64
	wrote              bool
}

func (r *reader) page(p page) error {
	var data []byte
	for _, part := range r.file.list(p.contents) {
		s, ok := r.file.resolve(part).(*stream)
		if !ok {
			continue
		}
		more, err := r.file.decode(s)
		if err != nil {
			return err
		}
		data = append(append(data, more...), '\n')
	}
	r.state = state{ctm: identity, scale: 1}
	return r.run(data, p.resources, 0)
}

// maxOperands bounds what stands before one operator.
const maxOperands = 1000

// run interprets a content stream.
func (r *reader) run(data []byte, resources dict, depth int) error {
	l := lexer{data: data}
	var args []object
	for {
		r.file.steps++
		if r.file.steps > maxSteps {
			return ErrTooLarge
		}
		if r.file.steps%4096 == 0 {
			if err := r.file.ctx.Err(); err != nil {
				return err
			}
		}
		v := l.next(0)
		switch v := v.(type) {
		case end:
			if v == 0 {
				return nil
			}
		case operator:
			if v == "BI" {
				skipImage(&l)
			} else if err := r.do(string(v), args, resources, depth); err != nil {
				return err
			}
			if r.out.full {
				return ErrTooLarge
			}
			clear(args)
			args, l.made = args[:0], 0
		default:
			if len(args) < maxOperands {
				args = append(args, v)
			}
		}
	}
}

// skipImage moves past an image that lies in the content itself.
func skipImage(l *lexer) {
	for from := l.at; ; {
		i := bytes.Index(l.data[from:], []byte("EI"))
		if i < 0 {
			l.at = len(l.data)
			return
		}
		i += from
		before, after := i == 0 || isSpace(l.data[i-1]), i+2 >= len(l.data) || isSpace(l.data[i+2])
		if from = i + 2; before && after {
			l.at = from
			return
		}
	}
}

func num(args []object, i int) float64 {
	if i < 0 || i >= len(args) {
		return 0
	}
	n, _ := args[i].(number)
	if math.IsInf(float64(n), 0) || math.IsNaN(float64(n)) {
		return 0
	}
	return float64(n)
}

func toMatrix(args []object) (m matrix) {
	for i := range m {
		m[i] = num(args, i)
	}
	return m
}

// do carries out one operator.
func (r *reader) do(op string, args []object, resources dict, depth int) error {
	switch op {
	case "q":
		if len(r.saved) < maxDepth*16 {
			r.saved = append(r.saved, r.state)
		}
	case "Q":
		if n := len(r.saved); n > 0 {
			r.state, r.saved = r.saved[n-1], r.saved[:n-1]
		}
	case "cm":
		r.ctm = toMatrix(args).times(r.ctm)
	case "BT":
		r.text, r.line = identity, identity
	case "Tc":
		r.charSpace = num(args, 0)
	case "Tw":
		r.wordSpace = num(args, 0)
	case "Tz":
		r.scale = num(args, 0) / 100
	case "TL":
		r.leading = num(args, 0)
	case "Tf":
		return r.setFont(args, resources)
	case "Td":
		r.move(num(args, 0), num(args, 1))
	case "TD":
		r.leading = -num(args, 1)
		r.move(num(args, 0), num(args, 1))
	case "Tm":
		r.text = toMatrix(args)
		r.line = r.text
	case "T*":
		r.move(0, -r.leading)
	case "Tj":
		r.show(args, 0)
	case "'":
		r.move(0, -r.leading)
		r.show(args, 0)
	case "\"":
		r.wordSpace, r.charSpace = num(args, 0), num(args, 1)
		r.move(0, -r.leading)
		r.show(args, 2)
	case "TJ":
		r.showAll(args)
	case "Do":
		return r.form(args, resources, depth)
	}
	return nil
}

func (r *reader) move(x, y float64) {
	r.line = matrix{1, 0, 0, 1, x, y}.times(r.line)
	r.text = r.line
}

func (r *reader) setFont(args []object, resources dict) error {
	r.size = num(args, 1)
	if len(args) == 0 {
		return nil
	}
	word, _ := args[0].(name)
	list, _ := r.file.resolve(resources["Font"]).(dict)
	o := list[string(word)]
	id, isRef := o.(ref)
	if known := r.fonts.list[int(id)]; isRef && known != nil {
		r.font = known
		return nil
	}
	d, ok := r.file.resolve(o).(dict)
	if !ok {
		r.font = nil
		return nil
	}
	f, err := r.file.font(d)
	if err != nil {
		return err
	}
	if r.font = f; isRef {
		r.fonts.keep(int(id), f)
	}
	return nil
}

func (r *reader) showAll(args []object) {
	if len(args) == 0 {
		return
	}
	list, _ := args[0].(array)
	for _, item := range list {
		switch v := item.(type) {
		case text:
			r.put(v)
		case number:
			shift := -float64(v) / 1000 * r.size * r.scale
			r.text = matrix{1, 0, 0, 1, shift, 0}.times(r.text)
		}
	}
}

func (r *reader) show(args []object, i int) {
	if i < len(args) {
		if s, ok := args[i].(text); ok {
			r.put(s)
		}
	}
}

// Distances, in heights of the text, from which words and lines are apart.
const (
	wordGap = 0.18
	lineGap = 0.5
)

// put writes a text where the text matrix stands, and moves on.
func (r *reader) put(s text) {
	if r.font == nil {
		return
	}
	r.font.glyphs(s, func(g glyph) {
		at := r.text.times(r.ctm)
		height := math.Abs(r.size) * math.Hypot(at[2], at[3])
		if g.text != "" {
			r.part(at[4], at[5], height)
			r.out.write(g.text)
			r.wrote = true
		}
		step := g.width/1000*r.size + r.charSpace
		if g.space {
			step += r.wordSpace
		}
		r.text = matrix{1, 0, 0, 1, step * r.scale, 0}.times(r.text)
		after := r.text.times(r.ctm)
		if g.text != "" {
			r.endX, r.endY, r.height = after[4], after[5], height
		}
	})
}

// part writes the space or the end of line that lies between the last text and one at x, y.
func (r *reader) part(x, y, height float64) {
	if !r.wrote {
		return
	}
	unit := max(math.Min(height, r.height), 1e-6)
	along, across := x-r.endX, math.Abs(y-r.endY)
	switch {
	case across > lineGap*unit && math.Abs(along) > 0.01*unit, along < -2*unit && across > 0.2*unit, across > 2*unit:
		r.out.write("\n")
	case math.Abs(along) > wordGap*unit:
		r.out.write(" ")
	}
}

// form interprets a form, which is content that is drawn like an image.
func (r *reader) form(args []object, resources dict, depth int) error {
	if len(args) == 0 || depth >= 8 {
		return nil
	}
	word, _ := args[0].(name)
	list, _ := r.file.resolve(resources["XObject"]).(dict)
	s, ok := r.file.resolve(list[string(word)]).(*stream)
	if !ok || r.file.resolve(s.dict["Subtype"]) != name("Form") {
		return nil
	}
	data, err := r.file.decode(s)
	if err != nil {
		return err
	}
	if own, ok := r.file.resolve(s.dict["Resources"]).(dict); ok {
		resources = own
	}
	before, saved := r.state, r.saved
	if m, ok := r.file.resolve(s.dict["Matrix"]).(array); ok {
		r.ctm = toMatrix(m).times(r.ctm)
	}
	r.saved = nil
	err = r.run(data, resources, depth+1)
	r.state, r.saved = before, saved
	return err
}
