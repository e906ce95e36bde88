package contract

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Divergence is a way in which sheaf differs from the contract, in the words of divergences.txt.
type Divergence struct {
	// Text is the whole difference, such as "client request SearchRequest.sc missing". A line of
	// divergences.txt that begins with it accepts it.
	Text string
}

// String returns Text.
func (d Divergence) String() string { return d.Text }

// Check compares every operation of rooms with the contract. It returns the differences that
// divergences.txt does not accept, and a Divergence for each of its lines that accepts nothing, so
// that the file never outlives its reasons: call it with all rooms of the server.
func Check(rooms []rpc.Room) []Divergence {
	accepted := acceptedDivergences()
	found := Unaccepted(rooms...)
	for _, d := range Diff(rooms...) {
		for _, form := range d.forms() {
			if _, ok := accepted[form]; ok {
				accepted[form] = true
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(accepted)) {
		if used := accepted[text]; !used {
			found = append(found, Divergence{"divergences.txt accepts what does not occur: " + text})
		}
	}
	return found
}

// Unaccepted returns the differences that divergences.txt does not accept. It suits the test of a
// single room.
func Unaccepted(rooms ...rpc.Room) []Divergence {
	accepted := acceptedDivergences()
	return slices.DeleteFunc(Diff(rooms...), func(d Divergence) bool {
		return slices.ContainsFunc(d.forms(), func(form string) bool {
			_, ok := accepted[form]
			return ok
		})
	})
}

// Diff returns every difference, accepted or not, sorted and without repeats.
func Diff(rooms ...rpc.Room) []Divergence {
	c := &comparer{facts: map[string]Operation{}, found: map[string]bool{}, seen: map[pair]bool{}}
	for _, op := range Operations() {
		c.facts[op.Name()] = op
	}
	for _, room := range rooms {
		for _, op := range room.Operations() {
			if api := familyAPI(op.Family); api != "" {
				c.operation(api, op)
			}
		}
	}
	list := make([]Divergence, 0, len(c.found))
	for _, text := range slices.Sorted(maps.Keys(c.found)) {
		list = append(list, Divergence{text})
	}
	return list
}

// forms returns the lines that accept d: its text, and for a difference of one operation the same
// with "*" in place of the method and path.
func (d Divergence) forms() []string {
	words := strings.SplitN(d.Text, " ", 4)
	if len(words) == 4 && strings.HasPrefix(words[2], "/") {
		return []string{d.Text, words[0] + " * " + words[3]}
	}
	return []string{d.Text}
}

type direction string

const (
	request  direction = "request"
	response direction = "response"
)

// comparer collects the differences between Go types and shapes.
type comparer struct {
	facts map[string]Operation
	found map[string]bool
	seen  map[pair]bool
}

// pair is a comparison made once: types refer to themselves and to each other.
type pair struct {
	dir  direction
	typ  *Type
	with reflect.Type
}

func (c *comparer) report(format string, args ...any) { c.found[fmt.Sprintf(format, args...)] = true }

func (c *comparer) operation(api API, op rpc.Operation) {
	name := op.Name()
	subject := string(api) + " " + name
	fact, known := c.facts[name]
	shapes := ShapesOf(api)
	shape := shapes.Operations[name]
	if !known || shape == nil {
		c.report("%s not in the contract", subject)
		return
	}
	if fact.Scope != op.Scope {
		c.report("%s scope %s, contract %s", subject, op.Scope, fact.Scope)
	}
	if !op.Built {
		return
	}
	switch opens := op.Kinds&grant.Anonymous != 0; {
	case opens && fact.Anonymous != Yes:
		c.report("%s admits ANONYMOUS, contract %s", subject, fact.Anonymous)
	case !opens && fact.Anonymous == Yes:
		c.report("%s lacks ANONYMOUS", subject)
	}
	c.parameters(subject, shape, op.Request)
	c.request(api, subject, shape, op.Request)
	c.response(api, subject, shape, op)
}

func (c *comparer) parameters(subject string, shape *Shape, req reflect.Type) {
	ours := urlFields(req)
	for _, p := range shape.Parameters {
		t, ok := ours[p.In+" "+p.Name]
		delete(ours, p.In+" "+p.Name)
		if !ok {
			c.report("%s %s %s missing", subject, p.In, p.Name)
			continue
		}
		c.scalar(subject+" "+p.In+" "+p.Name, p.Kind, t, request)
	}
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		c.report("%s %s not in the contract", subject, key)
	}
}

func (c *comparer) request(api API, subject string, shape *Shape, req reflect.Type) {
	for _, body := range shape.Request {
		if body.Media != "application/json" { // parts of an upload are read by name, not decoded
			continue
		}
		if req == reflect.TypeFor[rpc.None]() {
			if body.Required {
				c.report("%s request body ignored", subject)
			}
			return
		}
		c.kind(api, subject+" request", body.Kind, req, request)
		return
	}
	if len(shape.Request) == 0 && len(jsonFields(req)) > 0 {
		c.report("%s request body not in the contract", subject)
	}
}

func (c *comparer) response(api API, subject string, shape *Shape, op rpc.Operation) {
	ok := cmp.Or(op.Status, http.StatusOK)
	bodies, known := shape.Responses[ok]
	var media []string
	for _, body := range bodies {
		media = append(media, body.Media)
		switch {
		case op.Response == reflect.TypeFor[rpc.Content]() && body.Kind == "string/binary":
			return
		case body.Media == op.Media:
			if body.Media != "text/event-stream" || body.Kind != "string" { // events have no shape
				c.kind(api, subject+" response", body.Kind, op.Response, response)
			}
			return
		}
	}
	switch {
	case !known:
		c.report("%s status %d not in the contract", subject, ok)
	case len(bodies) > 0 || op.Media != "":
		c.report("%s media %q, contract %q", subject, op.Media, strings.Join(media, " "))
	}
}

// kind compares a Go type with a kind. place names what is compared, for the report.
func (c *comparer) kind(api API, place, kind string, t reflect.Type, dir direction) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if kind == "any" || isRaw(t) && dir == request {
		return
	}
	if strings.Contains(kind, "|") { // only a type that decodes itself can be a choice
		if !codesItself(t) {
			c.report("%s %s, contract %s", place, goKind(t), kind)
		}
		return
	}
	if elem, ok := strings.CutPrefix(kind, "[]"); ok {
		if (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !isRaw(t) && !isBytes(t) {
			c.kind(api, place+"[]", elem, t.Elem(), dir)
		} else {
			c.report("%s %s, contract %s", place, goKind(t), kind)
		}
		return
	}
	if value, ok := strings.CutPrefix(kind, "map:"); ok {
		if t.Kind() == reflect.Map && t.Key().Kind() == reflect.String {
			c.kind(api, place+"{}", value, t.Elem(), dir)
		} else {
			c.report("%s %s, contract %s", place, goKind(t), kind)
		}
		return
	}
	if name, ok := strings.CutPrefix(kind, "ref:"); ok {
		if t.Kind() == reflect.Struct && !codesItself(t) {
			c.structure(api, ShapesOf(api).Types[name], t, dir)
		} else {
			c.report("%s %s, contract %s", place, goKind(t), kind)
		}
		return
	}
	if kind == "object" {
		if t.Kind() != reflect.Map && t.Kind() != reflect.Struct && !isRaw(t) {
			c.report("%s %s, contract %s", place, goKind(t), kind)
		}
		return
	}
	c.scalar(place, kind, t, dir)
}

// scalar compares the kinds that hold one value. A request may be read more loosely than it is
// described; an answer must hold what it promises.
func (c *comparer) scalar(place, kind string, t reflect.Type, dir direction) {
	ours := goKind(t)
	want, format, _ := strings.Cut(kind, "/")
	switch {
	case format == "date-time" && dir == response && ours == "string":
	case ours == "string/date-time" && format == "date-time":
		return
	case ours == want,
		want == "number" && ours == "integer" && dir == response,
		want == "integer" && ours == "number" && dir == request:
		return
	}
	c.report("%s %s, contract %s", place, ours, kind)
}

func (c *comparer) structure(api API, typ *Type, t reflect.Type, dir direction) {
	key := pair{dir, typ, t}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	ours := jsonFields(t)
	prefix := fmt.Sprintf("%s %s %s.", api, dir, typ.Name)
	for _, name := range slices.Sorted(maps.Keys(typ.Fields)) {
		f := typ.Fields[name]
		g, ok := ours[name]
		delete(ours, name)
		switch {
		case !ok && dir == request:
			c.report("%s%s missing", prefix, name)
		case !ok && f.Required:
			c.report("%s%s missing, contract required", prefix, name)
		case ok:
			if dir == response && f.Required && g.optional {
				c.report("%s%s optional, contract required", prefix, name)
			}
			if dir == response && g.mayBeNull && !f.Nullable {
				c.report("%s%s may be null", prefix, name)
			}
			c.kind(api, prefix+name, f.Kind, g.typ, dir)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if !typ.Open {
			c.report("%s%s not in the contract", prefix, name)
		}
	}
}
