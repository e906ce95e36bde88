package extract

import (
	"context"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// maxGroups bounds the braces of RTF that are open at once.
const maxGroups = 1000

// rtfGroup is the state of one group of RTF.
type rtfGroup struct {
	silent bool // the group holds no text of the document
	title  bool
	skip   int // characters that stand for a Unicode character before them, of \uc
}

// rtfReader reads RTF (version 1.9): braces make groups, backslashes control words, the rest is text.
type rtfReader struct {
	data   []byte
	at     int
	out    text
	name   strings.Builder // the title
	groups []rtfGroup
	now    rtfGroup
	hold   int // characters still to be skipped
	page   encoding.Encoding
}

func readRTF(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	r := &rtfReader{data: data, now: rtfGroup{skip: 1}, page: charmap.Windows1252}
	for steps := 0; r.at < len(r.data); steps++ {
		if steps%65536 == 0 && ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		c := r.data[r.at]
		r.at++
		switch c {
		case '{':
			if len(r.groups) >= maxGroups {
				return "", "", errBroken
			}
			r.groups = append(r.groups, r.now)
		case '}':
			if n := len(r.groups); n > 0 {
				r.now, r.groups = r.groups[n-1], r.groups[:n-1]
			}
			r.hold = 0
		case '\\':
			r.control()
		case '\r', '\n':
		default:
			r.char(c)
		}
	}
	body, err = r.out.done()
	return r.name.String(), tidy(body), err
}

// char adds a character in the document's code page.
func (r *rtfReader) char(c byte) {
	if r.hold > 0 {
		r.hold--
		return
	}
	if c < 0x80 {
		r.text(string(rune(c)))
		return
	}
	s, err := r.page.NewDecoder().Bytes([]byte{c})
	if err == nil {
		r.text(string(s))
	}
}

func (r *rtfReader) text(s string) {
	switch {
	case r.now.title && r.name.Len() < MaxTitle:
		r.name.WriteString(s)
	case !r.now.silent:
		r.out.write(s)
	}
}

// control reads what follows a backslash.
func (r *rtfReader) control() {
	if r.at >= len(r.data) {
		return
	}
	c := r.data[r.at]
	if c < 'A' || c > 'z' || c > 'Z' && c < 'a' {
		r.at++
		switch c {
		case '\'':
			if r.at+2 <= len(r.data) {
				if n, err := strconv.ParseUint(string(r.data[r.at:r.at+2]), 16, 8); err == nil {
					r.at += 2
					r.char(byte(n))
				}
			}
		case '*':
			r.now.silent = true
		case '~':
			r.text(" ")
		case '_':
			r.text("-")
		case '\\', '{', '}':
			r.char(c)
		case '\n', '\r':
			r.text("\n")
		}
		return
	}
	begin := r.at
	for r.at < len(r.data) && (r.data[r.at] >= 'a' && r.data[r.at] <= 'z' || r.data[r.at] >= 'A' && r.data[r.at] <= 'Z') && r.at-begin < 32 {
		r.at++
	}
	word := string(r.data[begin:r.at])
	digits := r.at
	for r.at < len(r.data) && (r.data[r.at] >= '0' && r.data[r.at] <= '9' || r.at == digits && r.data[r.at] == '-') && r.at-digits < 11 {
		r.at++
	}
	n, err := strconv.Atoi(string(r.data[digits:r.at]))
	if r.at < len(r.data) && r.data[r.at] == ' ' {
		r.at++
	}
	r.word(word, n, err == nil)
}

// word carries out a control word.
func (r *rtfReader) word(word string, n int, given bool) {
	switch word {
	case "par", "line", "row", "page", "sect":
		r.text("\n")
	case "tab", "cell":
		r.text("\t")
	case "emdash":
		r.text("—")
	case "endash":
		r.text("–")
	case "bullet":
		r.text("•")
	case "lquote", "rquote":
		r.text("'")
	case "ldblquote", "rdblquote":
		r.text("\"")
	case "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr", "footerl", "footerr",
		"listtable", "listoverridetable", "themedata", "datastore", "xmlnstbl", "rsidtbl", "generator", "fldinst":
		r.now.silent = true
	case "title":
		r.now.title = true
	case "ansicpg":
		if enc, err := htmlindex.Get("windows-" + strconv.Itoa(n)); err == nil {
			r.page = enc
		}
	case "mac":
		r.page = charmap.Macintosh
	case "uc":
		if given {
			r.now.skip = min(max(n, 0), 16)
		}
	case "u":
		r.unicode(n)
	case "bin":
		if n > 0 {
			r.at = min(len(r.data), r.at+n)
		}
	}
}

func (r *rtfReader) unicode(n int) {
	if n < 0 {
		n += 1 << 16 // numbers are written as signed
	}
	if n > 0 && n < 0xd800 || n > 0xdfff && n <= 0x10ffff {
		r.text(string(rune(n))) //nolint:gosec // bounded above
	}
	r.hold = r.now.skip
}
