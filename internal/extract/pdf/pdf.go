// Package pdf reads the text of PDF files (ISO 32000).
//
// Its one idea is that a PDF is believed in nothing: objects are found by walking over the file, not by the tables that say where they are,
// every size is bounded by what is really there, every chain of references ends, and all work is paid out of one budget. So a broken file gives
// what can be read of it, and a hostile one an error. It reads no images, forms, attachments or scripts, and nothing that is encrypted.
// Only package extract calls it.
package pdf

import (
	"context"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What Read fails with.
var (
	// ErrMalformed means that no page can be found.
	ErrMalformed = errors.New("pdf: no pages found")
	// ErrEncrypted means that the file needs a password, or a right to copy text.
	ErrEncrypted = errors.New("pdf: encrypted")
	// ErrTooLarge means that a bound was reached.
	ErrTooLarge = errors.New("pdf: too large")
)

// Limits bounds what one file may cost.
type Limits struct {
	Pages    int // pages
	Inflated int // bytes of all streams together, decompressed
	Text     int // bytes of text
}

// Text is what a file says.
type Text struct {
	Title string // of the document's own information; may be ""
	Body  string
}

// Bounds that no honest file comes near.
const (
	maxObjects  = 1_000_000
	maxDepth    = 64         // of arrays, dictionaries, page trees and forms within forms
	maxSteps    = 20_000_000 // operators and operands of all content streams together
	maxResolved = 4096       // objects kept parsed
	maxKept     = 4 << 20    // bytes of the file that they stand for: objects take many times the memory of their text
)

// Read returns the text of a file. It fails with one of the errors above, or with ctx's.
func Read(ctx context.Context, content []byte, limits Limits) (Text, error) {
	f := &file{ctx: ctx, data: content, places: map[int]place{}, parsed: map[int]object{}, left: limits.Inflated}
	if err := f.walk(); err != nil {
		return Text{}, err
	}
	if f.encrypted {
		return Text{}, ErrEncrypted
	}
	root, _ := f.resolve(f.root).(dict)
	if root == nil {
		root = f.findCatalog()
	}
	var pages []page
	err := f.pages(root["Pages"], nil, map[int]bool{}, 0, limits.Pages, &pages)
	if err != nil {
		return Text{}, err
	}
	if len(pages) == 0 {
		return Text{}, ErrMalformed
	}
	w := &writer{most: limits.Text}
	known := &fonts{list: map[int]*font{}}
	for _, p := range pages {
		r := &reader{file: f, out: w, fonts: known}
		if err := r.page(p); err != nil {
			return Text{}, err
		}
		w.newPage()
	}
	t := Text{Body: w.String()}
	if info, ok := f.resolve(f.info).(dict); ok {
		if s, ok := f.resolve(info["Title"]).(text); ok {
			t.Title = decodeText(s)
		}
	}
	return t, nil
}

// page is a page with what it inherits.
type page struct {
	contents  object
	resources dict
}

// pages walks the page tree.
func (f *file) pages(node object, resources dict, seen map[int]bool, depth, most int, out *[]page) error {
	if depth > maxDepth {
		return nil
	}
	if r, ok := node.(ref); ok {
		if seen[int(r)] {
			return nil
		}
		seen[int(r)] = true
	}
	d, ok := f.resolve(node).(dict)
	if !ok {
		return f.ctx.Err()
	}
	if own, ok := f.resolve(d["Resources"]).(dict); ok {
		resources = own
	}
	kids, isTree := f.resolve(d["Kids"]).(array)
	if !isTree {
		if len(*out) >= most {
			return ErrTooLarge
		}
		*out = append(*out, page{d["Contents"], resources})
		return nil
	}
	for _, kid := range kids {
		if _, direct := kid.(ref); !direct {
			continue // kids are references, so that what was seen ends a circle
		}
		if err := f.pages(kid, resources, seen, depth+1, most, out); err != nil {
			return err
		}
	}
	return nil
}

// writer collects text, up to a bound.
type writer struct {
	strings.Builder
	most int
	full bool
}

func (w *writer) write(s string) {
	if w.Len()+len(s) > w.most {
		w.full = true
		return
	}
	w.WriteString(s)
}

func (w *writer) newPage() { w.write("\n\n") }

// decodeText reads a text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding, which is taken for Latin 1.
func decodeText(s text) string {
	switch {
	case strings.HasPrefix(string(s), "\xfe\xff"):
		return decodeUTF16(s[2:])
	case strings.HasPrefix(string(s), "\xef\xbb\xbf"):
		return strings.ToValidUTF8(string(s[3:]), "")
	}
	out := make([]rune, 0, len(s))
	for _, b := range []byte(s) {
		out = append(out, rune(b))
	}
	return string(out)
}

// decodeUTF16 reads UTF-16 in big-endian order.
func decodeUTF16(s text) string {
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	var out strings.Builder
	for _, r := range utf16.Decode(units) {
		if r != utf8.RuneError {
			out.WriteRune(r)
		}
	}
	return out.String()
}
