package pdf

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// font turns the codes of a text into characters and widths.
type font struct {
	wide     bool              // codes have two bytes unless spaces says otherwise
	unicode  map[uint32]string // by code, from the font's own table
	spaces   []codespace
	simple   [256]string // of fonts with one byte a code
	widths   map[uint32]float64
	ordinary float64 // the width of a code that has none, in thousandths
	sets     int     // codes given a meaning or a width, with repeats
}

// fonts keeps fonts that were read, by the number of their object.
type fonts struct {
	list  map[int]*font
	codes int // that these know
}

// maxKnown bounds the codes of all fonts that are kept.
const maxKnown = 10 * maxCodes

func (k *fonts) keep(id int, f *font) {
	n := len(f.unicode) + len(f.widths)
	if k.codes += n; k.codes > maxKnown {
		clear(k.list)
		k.codes = n
	}
	k.list[id] = f
}

// codespace says how many bytes the codes in a range have.
type codespace struct {
	bytes     int
	low, high uint32
}

// Bounds of one font.
const (
	maxCodes = 70_000
	maxLong  = 64 // bytes that one code may stand for
)

// glyph is one code of a text.
type glyph struct {
	text  string
	width float64 // in thousandths
	space bool    // the one-byte code 32, to which word spacing applies
}

// glyphs cuts a text into its codes.
func (f *font) glyphs(s text, yield func(glyph)) {
	for len(s) > 0 {
		code, n := f.code(s)
		s = s[n:]
		g := glyph{width: f.ordinary, space: n == 1 && code == ' '}
		if w, ok := f.widths[code]; ok {
			g.width = w
		}
		if t, ok := f.unicode[code]; ok {
			g.text = t
		} else if !f.wide && code < 256 {
			g.text = f.simple[code]
		}
		yield(g)
	}
}

func (f *font) code(s text) (code uint32, n int) {
	if len(f.spaces) > 0 && f.wide {
		for n = 1; n <= min(4, len(s)); n++ {
			code = code<<8 | uint32(s[n-1])
			for _, space := range f.spaces {
				if space.bytes == n && code >= space.low && code <= space.high {
					return code, n
				}
			}
		}
	}
	if f.wide && len(s) >= 2 {
		return uint32(s[0])<<8 | uint32(s[1]), 2
	}
	return uint32(s[0]), 1
}

// font reads a font's dictionary. What it takes counts as so many steps of the page.
func (f *file) font(d dict) (*font, error) {
	out, err := f.newFont(d)
	if err != nil {
		return nil, err
	}
	f.steps += 100 + out.sets + len(out.widths)
	return out, f.ctx.Err()
}

func (f *file) newFont(d dict) (*font, error) {
	out := &font{ordinary: 500, widths: map[uint32]float64{}, unicode: map[uint32]string{}}
	out.wide = f.resolve(d["Subtype"]) == name("Type0")
	if s, ok := f.resolve(d["ToUnicode"]).(*stream); ok {
		data, err := f.decode(s)
		if err != nil {
			return nil, err
		}
		out.readTable(data)
	}
	if out.wide {
		f.descendant(out, d)
		return out, nil
	}
	f.encoding(out, d)
	first, _ := f.resolve(d["FirstChar"]).(number)
	widths, _ := f.resolve(d["Widths"]).(array)
	scale := 1.0
	if matrix, ok := f.resolve(d["FontMatrix"]).(array); ok && len(matrix) > 0 {
		if a, ok := f.resolve(matrix[0]).(number); ok && a > 0 {
			scale = float64(a) * 1000 // of type 3 fonts, which choose their own unit
		}
	}
	for i, w := range widths {
		if n, ok := f.resolve(w).(number); ok && i < 256 {
			out.widths[uint32(int(first)+i)] = float64(n) * scale //nolint:gosec // a code beyond 255 is never asked for
		}
	}
	return out, nil
}

// descendant reads the widths of a composite font.
func (f *file) descendant(out *font, d dict) {
	list := f.list(d["DescendantFonts"])
	if len(list) == 0 {
		return
	}
	inner, _ := f.resolve(list[0]).(dict)
	out.ordinary = 1000
	if n, ok := f.resolve(inner["DW"]).(number); ok {
		out.ordinary = float64(n)
	}
	widths, _ := f.resolve(inner["W"]).(array)
	// Either "first [w w w]" or "first last w".
	for i := 0; i+1 < len(widths); {
		first, ok := f.resolve(widths[i]).(number)
		if !ok || len(out.widths) > maxCodes {
			return
		}
		switch v := f.resolve(widths[i+1]).(type) {
		case array:
			for k, w := range v {
				if n, ok := f.resolve(w).(number); ok && k < maxCodes {
					out.widths[uint32(int(first)+k)] = float64(n) //nolint:gosec // a code beyond the range is never asked for
				}
			}
			i += 2
		case number:
			if i+2 < len(widths) {
				if n, ok := f.resolve(widths[i+2]).(number); ok && v-first < maxCodes {
					for c := int(first); c <= int(v) && out.sets <= 2*maxCodes; c++ {
						out.sets++
						out.widths[uint32(c)] = float64(n) //nolint:gosec // as above
					}
				}
			}
			i += 3
		default:
			return
		}
	}
}

// encoding reads which character each code of a simple font is.
func (f *file) encoding(out *font, d dict) {
	base := name("")
	var differences array
	switch e := f.resolve(d["Encoding"]).(type) {
	case name:
		base = e
	case dict:
		base, _ = f.resolve(e["BaseEncoding"]).(name)
		differences, _ = f.resolve(e["Differences"]).(array)
	}
	table := charmap.Windows1252
	if base == "MacRomanEncoding" {
		table = charmap.Macintosh
	}
	for i := range out.simple {
		if i >= 32 {
			if r := table.DecodeByte(byte(i)); r != utf8.RuneError {
				out.simple[i] = string(r)
			}
		}
	}
	if base == "" || base == "StandardEncoding" {
		for code, r := range standard {
			out.simple[code] = string(r)
		}
		out.simple[0xae], out.simple[0xaf] = "fi", "fl"
	}
	code := 0
	for _, item := range differences {
		switch v := f.resolve(item).(type) {
		case number:
			code = int(v)
		case name:
			if code >= 0 && code < 256 {
				if s := glyphText(string(v)); s != "" {
					out.simple[code] = s
				}
			}
			code++
		}
	}
}

// glyphText is the character that a glyph's name stands for, or "".
func glyphText(n string) string {
	n, _, _ = strings.Cut(n, ".") // a.alt is an a
	if n == "" {
		return ""
	}
	if len(n) == 1 {
		return n
	}
	if s, ok := glyphNames[n]; ok {
		return s
	}
	if strings.Contains(n, "_") { // ligatures are named for their parts
		var out string
		for part := range strings.SplitSeq(n, "_") {
			if len(out) < maxLong && !strings.Contains(part, "_") {
				out += glyphText(part)
			}
		}
		return out
	}
	for _, prefix := range []string{"uni", "u"} {
		if hex, ok := strings.CutPrefix(n, prefix); ok && len(hex) >= 4 && len(hex) <= 6 {
			if v, err := strconv.ParseUint(hex, 16, 32); err == nil && utf8.ValidRune(rune(v)) { //nolint:gosec // at most 24 bits
				return string(rune(v)) //nolint:gosec // as above
			}
		}
	}
	return ""
}

// readTable reads a table from codes to Unicode.
func (f *font) readTable(data []byte) {
	l := lexer{data: data}
	var args []object
	for {
		switch v := l.next(0).(type) {
		case end:
			if v == 0 {
				return
			}
		case operator:
			switch v {
			case "endcodespacerange":
				for i := 0; i+1 < len(args); i += 2 {
					low, ok1 := args[i].(text)
					high, ok2 := args[i+1].(text)
					if ok1 && ok2 && len(low) >= 1 && len(low) <= 4 && len(f.spaces) < 100 {
						f.spaces = append(f.spaces, codespace{len(low), codeOf(low), codeOf(high)})
					}
				}
			case "endbfchar":
				for i := 0; i+1 < len(args); i += 2 {
					code, ok1 := args[i].(text)
					to, ok2 := args[i+1].(text)
					if ok1 && ok2 {
						f.set(codeOf(code), decodeUTF16(to[:min(len(to), maxLong)]))
					}
				}
			case "endbfrange":
				for i := 0; i+2 < len(args); i += 3 {
					f.setRange(args[i], args[i+1], args[i+2])
				}
			}
			args = args[:0]
		default:
			if len(args) < maxCodes {
				args = append(args, v)
			}
		}
	}
}

func codeOf(s text) uint32 {
	var n uint32
	for _, b := range s {
		n = n<<8 | uint32(b)
	}
	return n
}

func (f *font) set(code uint32, s string) {
	if f.sets++; f.sets <= maxCodes {
		f.unicode[code] = s
	}
}

func (f *font) setRange(from, to, target object) {
	low, ok1 := from.(text)
	high, ok2 := to.(text)
	if !ok1 || !ok2 {
		return
	}
	first, last := codeOf(low), codeOf(high)
	if last < first || last-first > 0xffff || f.sets > maxCodes {
		return
	}
	switch v := target.(type) {
	case text:
		base := []rune(decodeUTF16(v[:min(len(v), maxLong)]))
		if len(base) == 0 {
			return
		}
		for n := range last - first + 1 {
			runes := append([]rune(nil), base...)
			runes[len(runes)-1] += rune(n)
			f.set(first+n, string(runes))
		}
	case array:
		for n, item := range v {
			if s, ok := item.(text); ok && uint32(n) <= last-first {
				f.set(first+uint32(n), decodeUTF16(s[:min(len(s), maxLong)]))
			}
		}
	}
}
