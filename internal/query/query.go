// Package query is the search language: what a person types into a search box, as a tree.
//
// Its one idea is that Parse never fails. It understands words, "phrases", pre* prefixes, -negation, OR,
// (groups) and operators such as type:pdf or from:"Ada Lovelace". Quotes take what is in them literally, and within them a backslash
// takes a quote so; what it cannot use it leaves out and
// lists in Ignored. A tree prints back to text that parses to the same tree. The package knows no field
// names: the search room takes the operators that it knows out of the tree with Extract and turns them
// into filters; the others become ordinary words. Anyone may call it.
package query

// Limits of what Parse reads. What lies beyond is ignored and said so.
const (
	MaxLength = 8 << 10 // bytes of text
	MaxNodes  = 256     // words, phrases, prefixes and operators together
	MaxDepth  = 16      // parentheses within parentheses
)

// Query is a parsed text.
type Query struct {
	// Root is the tree: an All of what was asked, empty for an empty query.
	Root All
	// Ignored lists what of the text was left out, in its order.
	Ignored []Ignored
}

// Ignored is a piece of the text that was left out, and why.
type Ignored struct {
	Text   string
	Reason Reason
}

// Reason says why a piece was left out.
type Reason uint8

// The reasons.
const (
	TooLong  Reason = iota + 1 // beyond MaxLength
	TooMany                    // beyond MaxNodes
	TooDeep                    // a parenthesis beyond MaxDepth
	Dangling                   // a parenthesis, OR, NOT or quote without its other half
	Empty                      // a sign with nothing that it could apply to
	Negated                    // a negation within OR, which would ask for everything else
	Mixed                      // an operator within OR or a group beside words; it counts as words
)

var reasons = [...]string{"", "too long", "too many words", "nested too deep", "incomplete", "empty", "negation within OR", "operator among words"}

// String says the reason in a few words.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return ""
}

// Node is a part of the tree: All, Any, Not, Word, Phrase, Prefix or Field.
type Node interface{ node() }

// All is a list of things asked for together. Words in it are wishes (a document need not have each of them);
// phrases, groups of OR and negations are demands.
type All []Node

// Any asks for at least one of its parts. It has two or more, and none is a Not.
type Any []Node

// Not excludes what its part matches. The part is never itself a Not.
type Not struct{ Node Node }

// Word is a run of text without space, as typed.
type Word string

// Phrase is text that stood in quotes: its words follow each other in this order.
type Phrase string

// Prefix is the beginning of a word, typed with a star after it. The star is not part of it.
type Prefix string

// Field is an operator with its value, such as type:pdf.
type Field struct {
	Name  string // in lower case
	Value string // as typed, without quotes
}

func (All) node()    {}
func (Any) node()    {}
func (Not) node()    {}
func (Word) node()   {}
func (Phrase) node() {}
func (Prefix) node() {}
func (Field) node()  {}

// Empty reports whether nothing was asked.
func (q Query) Empty() bool { return len(q.Root) == 0 }
