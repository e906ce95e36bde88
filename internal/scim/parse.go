package scim

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Bounds of a filter or path: far above what providers send, far below what hurts.
const (
	maxFilter = 4096 // bytes
	maxTerms  = 64
	maxDepth  = 16
)

// target is what a path leads to.
type target struct {
	ext string // the address of the extension that has it, or ""
	// attr is nil where the path names a whole extension.
	attr *attr
	sub  *attr
}

// String writes the target as the schema does.
func (t target) String() string {
	name := t.ext
	if t.attr != nil {
		if name != "" {
			name += ":"
		}
		name += t.attr.name
	}
	if t.sub != nil {
		name += "." + t.sub.name
	}
	return name
}

// filter is a parsed filter (RFC 7644, section 3.4.2.2).
type filter struct {
	op    string // and, or, not, has, pr, or a comparison
	parts []*filter
	at    target
	value any // of a comparison: string, float64, bool or nil
}

// path is a parsed path of PATCH (RFC 7644, section 3.5.2).
type path struct {
	target
	where *filter // chooses among the values; nil for all
}

type parser struct {
	r     *resource
	text  string
	pos   int
	terms int
	code  string // for what is wrong
	// within is the attribute whose values are being filtered; nil outside of brackets.
	within *attr
}

func (p *parser) wrong(format string, args ...any) error { return wrong(p.code, format, args...) }

// parseFilter reads a filter over resources of r.
func parseFilter(r *resource, text string) (*filter, error) {
	p := &parser{r: r, text: text, code: invalidFilter}
	if len(text) > maxFilter {
		return nil, p.wrong("A filter has at most %d bytes.", maxFilter)
	}
	f, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.text) {
		return nil, p.unexpected("and, or, or the end")
	}
	return f, nil
}

// parsePath reads a path into a resource of r.
func parsePath(r *resource, text string) (path, error) {
	p := &parser{r: r, text: strings.TrimSpace(text), code: invalidPath}
	if len(text) > maxFilter {
		return path{}, p.wrong("A path has at most %d bytes.", maxFilter)
	}
	at, err := p.attribute(true)
	if err != nil {
		return path{}, err
	}
	found := path{target: at}
	if p.take("[") {
		if at.attr == nil || !at.attr.many || at.attr.kind != asParts || at.sub != nil {
			return path{}, p.wrong("%s has no values to choose from.", at)
		}
		if found.where, err = p.values(at.attr, 0); err != nil {
			return path{}, err
		}
		if p.take(".") {
			if found.sub, err = p.subAttribute(at.attr); err != nil {
				return path{}, err
			}
		}
	}
	if p.pos < len(p.text) {
		return path{}, p.unexpected("the end")
	}
	return found, nil
}

func (p *parser) space() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

func (p *parser) take(sign string) bool {
	if strings.HasPrefix(p.text[p.pos:], sign) {
		p.pos += len(sign)
		return true
	}
	return false
}

func (p *parser) unexpected(want string) error {
	if p.pos >= len(p.text) {
		return p.wrong("It ends where %s should stand.", want)
	}
	return p.wrong("At byte %d stands %q, where %s should.", p.pos, clip(p.text[p.pos:]), want)
}

// word takes what stands until a space or a sign.
func (p *parser) word() string {
	from := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" ()[]\"", p.text[p.pos]) < 0 {
		p.pos++
	}
	return p.text[from:p.pos]
}

// keyword takes a word if it is that one, in any case.
func (p *parser) keyword(want string) bool {
	before := p.pos
	if p.space(); strings.EqualFold(p.word(), want) {
		return true
	}
	p.pos = before
	return false
}

func (p *parser) or(depth int) (*filter, error)  { return p.joined("or", depth, p.and) }
func (p *parser) and(depth int) (*filter, error) { return p.joined("and", depth, p.term) }

func (p *parser) joined(op string, depth int, part func(int) (*filter, error)) (*filter, error) {
	first, err := part(depth)
	if err != nil {
		return nil, err
	}
	all := &filter{op: op, parts: []*filter{first}}
	for p.keyword(op) {
		next, err := part(depth)
		if err != nil {
			return nil, err
		}
		all.parts = append(all.parts, next)
	}
	if len(all.parts) == 1 {
		return first, nil
	}
	return all, nil
}

func (p *parser) term(depth int) (*filter, error) {
	if p.terms++; p.terms > maxTerms || depth > maxDepth {
		return nil, p.wrong("A filter has at most %d terms, nested at most %d deep.", maxTerms, maxDepth)
	}
	p.space()
	if before := p.pos; p.keyword("not") {
		if p.space(); p.take("(") {
			inner, err := p.group(depth + 1)
			return &filter{op: "not", parts: []*filter{inner}}, err
		}
		p.pos = before
	}
	if p.take("(") {
		return p.group(depth + 1)
	}
	at, err := p.attribute(false)
	if err != nil {
		return nil, err
	}
	if p.take("[") {
		return p.chosen(at, depth)
	}
	return p.comparison(at)
}

// group reads up to the closing bracket.
func (p *parser) group(depth int) (*filter, error) {
	inner, err := p.or(depth)
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take(")") {
		return nil, p.unexpected("a closing bracket")
	}
	return inner, nil
}

// chosen reads attr[filter], which holds where one value fits, or attr[filter].sub with a comparison, which providers in use
// send beyond the grammar.
func (p *parser) chosen(at target, depth int) (*filter, error) {
	if at.attr == nil || at.attr.kind != asParts || at.sub != nil || p.within != nil {
		return nil, p.wrong("%s has no values to choose from.", at)
	}
	inner, err := p.values(at.attr, depth+1)
	if err != nil {
		return nil, err
	}
	if p.take(".") {
		sub, err := p.subAttribute(at.attr)
		if err != nil {
			return nil, err
		}
		more, err := p.comparison(target{attr: sub})
		if err != nil {
			return nil, err
		}
		inner = &filter{op: "and", parts: []*filter{inner, more}}
	}
	return &filter{op: "has", at: at, parts: []*filter{inner}}, nil
}

// values reads the filter of an attribute's values, up to the closing bracket.
func (p *parser) values(a *attr, depth int) (*filter, error) {
	if p.within != nil {
		return nil, p.wrong("Brackets within brackets lead nowhere.")
	}
	p.within = a
	inner, err := p.or(depth)
	p.within = nil
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take("]") {
		return nil, p.unexpected("]")
	}
	return inner, nil
}

func (p *parser) subAttribute(a *attr) (*attr, error) {
	name := p.word()
	sub := named(a.subs, name)
	if sub == nil {
		return nil, p.wrong("%s has no %q.", a.name, clip(name))
	}
	return sub, nil
}

// attribute reads the name of an attribute. whole admits the name of an extension alone.
func (p *parser) attribute(whole bool) (target, error) {
	word := p.word()
	if word == "" {
		return target{}, p.unexpected("the name of an attribute")
	}
	if p.within != nil {
		a := named(p.within.subs, word)
		if a == nil {
			return target{}, p.wrong("%s has no %q.", p.within.name, clip(word))
		}
		return target{attr: a}, nil
	}
	return p.r.locate(word, whole, p.code)
}

// locate finds what a name leads to: attr, attr.sub, or either behind the address of a schema.
func (r *resource) locate(word string, whole bool, code string) (target, error) {
	var at target
	name, find := word, r.find
	if len(word) >= 4 && strings.EqualFold(word[:4], "urn:") {
		rest, ok := behind(word, r.core.urn)
		if !ok {
			for i := range r.more {
				ext := &r.more[i]
				if whole && strings.EqualFold(word, ext.urn) {
					return target{ext: ext.urn}, nil
				}
				if rest, ok = behind(word, ext.urn); ok {
					at.ext = ext.urn
					find = func(name string) *attr { return named(ext.attrs, name) }
					break
				}
			}
		}
		if !ok {
			return at, wrong(code, "There is no schema for %q.", clip(word))
		}
		name = rest
	}
	name, sub, dotted := strings.Cut(name, ".")
	if at.attr = find(name); at.attr == nil {
		return at, wrong(code, "There is no attribute %q.", clip(word))
	}
	if !dotted {
		return at, nil
	}
	if at.sub = named(at.attr.subs, sub); at.sub == nil {
		return at, wrong(code, "There is no attribute %q.", clip(word))
	}
	return at, nil
}

// behind returns what follows the address of a schema and a colon.
func behind(word, urn string) (string, bool) {
	if len(word) > len(urn)+1 && strings.EqualFold(word[:len(urn)], urn) && word[len(urn)] == ':' {
		return word[len(urn)+1:], true
	}
	return "", false
}

// comparison reads an operator and a value, or pr.
func (p *parser) comparison(at target) (*filter, error) {
	p.space()
	op := strings.ToLower(p.word())
	switch op {
	case "pr":
		return &filter{op: op, at: at}, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, p.wrong("%q is no operator: eq, ne, co, sw, ew, gt, ge, lt, le and pr are.", clip(op))
	}
	p.space()
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	f := &filter{op: op, at: at, value: value}
	return f, p.fits(f)
}

func (p *parser) value() (any, error) {
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		end := p.pos + 1
		for end < len(p.text) && p.text[end] != '"' {
			if p.text[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(p.text) {
			return nil, p.wrong("A text in quotes does not end.")
		}
		var value string
		if err := json.Unmarshal([]byte(p.text[p.pos:end+1]), &value); err != nil || strings.IndexByte(value, 0) >= 0 {
			return nil, p.wrong("A text in quotes is none of JSON.")
		}
		p.pos = end + 1
		return value, nil
	}
	switch word := p.word(); {
	case strings.EqualFold(word, "true"):
		return true, nil
	case strings.EqualFold(word, "false"):
		return false, nil
	case strings.EqualFold(word, "null"):
		return nil, nil
	default:
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, p.wrong("%q is no value: texts stand in quotes.", clip(word))
		}
		return n, nil
	}
}

// fits refuses comparisons that have no meaning (RFC 7644, section 3.4.2.2).
func (p *parser) fits(f *filter) error {
	a := f.at.attr
	if f.at.sub != nil {
		a = f.at.sub
	} else if a.kind == asParts {
		if a = named(a.subs, "value"); a == nil {
			return p.wrong("%s has parts; compare one of them.", f.at)
		}
	}
	_, isText := f.value.(string)
	switch {
	case a.kind == asBool:
		if b, err := readBool(f.at.String(), f.value); err == nil && (f.op == "eq" || f.op == "ne") {
			f.value = b
			return nil
		}
		return p.wrong("%s is true or false; compare it by eq or ne.", f.at)
	case f.value == nil && (f.op == "eq" || f.op == "ne"), isText:
		return nil
	}
	return p.wrong("%s is a text; compare it with a text in quotes.", f.at)
}
