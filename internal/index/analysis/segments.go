package analysis

import (
	"strings"
	"unicode/utf8"

	"github.com/blevesearch/segment"
)

// segments cuts text at the boundaries of UAX #29 and calls yield for each piece with its type. It stops when yield returns
// false. Plain ASCII words, which most text consists of, it cuts by itself, several times as fast: a test compares both ways. Before each
// piece it asks skip, which may name a later boundary to go on from.
func segments(text string, skip func(at int) int, yield func(start, end, kind int) bool) {
	for at := 0; at < len(text); {
		if at = skip(at); at >= len(text) {
			return
		}
		if end, kind, ok := simple(text, at); ok {
			if !yield(at, end, kind) {
				return
			}
			at = end
			continue
		}
		// There is always a boundary before a space.
		end := len(text)
		if i := strings.IndexByte(text[at+1:], ' '); i >= 0 {
			end = at + 1 + i
		}
		if !general(text[at:end], at, yield) {
			return
		}
		at = end
	}
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// simple returns the segment at a boundary, if it is of ASCII and nothing around it can change it.
func simple(text string, at int) (end, kind int, ok bool) {
	if c := text[at]; !alphanumeric(c) {
		ok = c < utf8.RuneSelf && c != '_' && c != '\r' && (at+1 == len(text) || text[at+1] < utf8.RuneSelf && text[at+1] != '_')
		return at + 1, segment.None, ok
	}
	kind = segment.Number
	for end = at; end < len(text) && alphanumeric(text[end]); end++ {
		if text[end] > '9' {
			kind = segment.Letter
		}
	}
	if end == len(text) {
		return end, kind, true
	}
	switch c := text[end]; {
	case c >= utf8.RuneSelf || c == '_':
		return 0, 0, false
	case c == '.' || c == ':' || c == ',' || c == ';' || c == '\'':
		// These may join what stands on both sides.
		if joins(text, end) {
			return 0, 0, false
		}
	}
	return end, kind, true
}

// joins reports whether something follows the sign at end that the sign may hold together with what stands before it.
func joins(text string, end int) bool {
	return end+1 < len(text) && (alphanumeric(text[end+1]) || text[end+1] >= utf8.RuneSelf || text[end+1] == '_')
}

// general cuts any text, which begins at byte from of the whole. It reports whether to go on.
func general(text string, from int, yield func(start, end, kind int) bool) bool {
	buf := validBytes(text)
	for start := 0; start < len(buf); {
		s := segment.NewWordSegmenterDirect(buf[start:])
		at := start
		for s.Segment() {
			n := len(s.Bytes())
			if !yield(from+at, from+at+n, s.Type()) {
				return false
			}
			at += n
		}
		if s.Err() == nil {
			break
		}
		// The segmenter gives up on some sequences: go on behind the character that stopped it.
		_, size := utf8.DecodeRune(buf[at:])
		start = at + max(size, 1)
	}
	return true
}

// validBytes copies text with each invalid byte replaced by a space, so that offsets stay.
func validBytes(text string) []byte {
	buf := []byte(text)
	if utf8.ValidString(text) {
		return buf
	}
	for i := 0; i < len(buf); {
		r, size := utf8.DecodeRune(buf[i:])
		if r == utf8.RuneError && size == 1 {
			buf[i] = ' '
		}
		i += size
	}
	return buf
}
