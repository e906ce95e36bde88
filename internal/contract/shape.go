package contract

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Shapes are the facts of one API: what each operation takes and answers.
type Shapes struct {
	API        API
	Types      map[string]*Type
	Operations map[string]*Shape // by method and path
}

// Shape is what goes into and comes out of one operation.
type Shape struct {
	Parameters []Parameter
	Request    []Body
	Responses  map[int][]Body // by status; an empty list is an answer without a body
}

// Parameter is a part of the URL.
type Parameter struct {
	In, Name, Kind string // In is "path" or "query"
	Required       bool
}

// Body is one media type, without its parameters, and the kind of value sent in it.
type Body struct {
	Media, Kind string
	Required    bool
}

// Type is a JSON object with known fields.
//
// A kind is written "string", "integer", "number", "boolean", "object", "any", each with an
// optional "/format"; "ref:Type"; "[]kind"; "map:kind"; or a choice, "kind|kind".
type Type struct {
	Name   string
	Fields map[string]*Field
	OneOf  []string // the types that this one chooses between; it has no fields of its own then
	Needs  []string // fields of which at least one is present
	Open   bool     // further fields may occur
}

// Field is one field of a Type.
type Field struct {
	Name, Kind string
	Required   bool
	Nullable   bool
	Deprecated bool
	Enum       []string // known values of the scalar in Kind
	Closed     bool     // published clients refuse values outside Enum
}

//go:embed client.shape
var clientText string

//go:embed indexing.shape
var indexingText string

//go:embed platform.shape
var platformText string

//go:embed clients.txt
var clientsText string

// loaded reads the embedded facts once: 4,000 lines, about 3 ms, and nothing at start.
var loaded = sync.OnceValue(func() map[API]*Shapes {
	all := map[API]*Shapes{}
	for api, text := range map[API]string{Client: clientText, Indexing: indexingText, Platform: platformText} {
		s, err := parseShapes(api, text)
		if err != nil {
			panic(fmt.Sprintf("contract: %s.shape: %v", api, err))
		}
		all[api] = s
	}
	if err := applyClients(all, clientsText); err != nil {
		panic(fmt.Sprintf("contract: clients.txt: %v", err))
	}
	return all
})

func parseShapes(api API, text string) (*Shapes, error) {
	s := &Shapes{API: api, Types: map[string]*Type{}, Operations: map[string]*Shape{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Split(line, " ")
		var err error
		switch {
		case len(words) > 2 && strings.HasPrefix(words[1], "/"):
			err = s.operation(words[0]+" "+words[1], words[2:])
		case len(words) == 3 && (words[1] == "oneof" || words[1] == "needs"):
			t := s.typ(words[0])
			if words[1] == "oneof" {
				t.OneOf = strings.Split(words[2], "|")
			} else {
				t.Needs = strings.Split(words[2], "|")
			}
		case len(words) > 2 && strings.Contains(words[0], "."):
			err = s.field(line)
		default:
			err = fmt.Errorf("a line of no known form")
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return s, s.resolve()
}

func (s *Shapes) typ(name string) *Type {
	t := s.Types[name]
	if t == nil {
		t = &Type{Name: name, Fields: map[string]*Field{}}
		s.Types[name] = t
	}
	return t
}

func (s *Shapes) field(line string) error {
	line, enum, hasEnum := strings.Cut(line, " enum ")
	words := strings.Split(line, " ")
	owner, name, _ := strings.Cut(words[0], ".")
	if name == "*" {
		s.typ(owner).Open = true
		return nil
	}
	f := &Field{Name: name, Kind: words[1]}
	if hasEnum {
		f.Enum = strings.Split(enum, "|")
	}
	for _, word := range words[2:] {
		switch word {
		case "required":
			f.Required = true
		case "nullable":
			f.Nullable = true
		case "deprecated":
			f.Deprecated = true
		case "optional":
		default:
			return fmt.Errorf("unknown word %q", word)
		}
	}
	s.typ(owner).Fields[name] = f
	return nil
}

func (s *Shapes) operation(name string, words []string) error {
	op := s.Operations[name]
	if op == nil {
		op = &Shape{Responses: map[int][]Body{}}
		s.Operations[name] = op
	}
	switch status, err := strconv.Atoi(words[0]); {
	case err == nil && len(words) == 1:
		op.Responses[status] = []Body{}
	case err == nil && len(words) == 3:
		op.Responses[status] = append(op.Responses[status], Body{Media: words[1], Kind: words[2]})
	case words[0] == "request" && len(words) == 4:
		op.Request = append(op.Request, Body{words[1], words[2], words[3] == "required"})
	case (words[0] == "path" || words[0] == "query") && len(words) >= 4:
		op.Parameters = append(op.Parameters, Parameter{words[0], words[1], words[2], words[3] == "required"})
	default:
		return fmt.Errorf("not a status, request, path or query")
	}
	return nil
}

// resolve gives every choice the fields of what it chooses between, required where each part
// requires them, and finds references to nothing.
func (s *Shapes) resolve() error {
	for _, t := range s.Types {
		for i, name := range t.OneOf {
			part := s.Types[name]
			if part == nil {
				return fmt.Errorf("%s chooses the unknown type %s", t.Name, name)
			}
			for field, f := range part.Fields {
				merged := *f
				merged.Required = f.Required && (i == 0 || t.Fields[field] != nil && t.Fields[field].Required)
				t.Fields[field] = &merged
			}
			for field, f := range t.Fields {
				f.Required = f.Required && part.Fields[field] != nil
			}
		}
	}
	for _, t := range s.Types {
		for _, f := range t.Fields {
			for part := range strings.SplitSeq(f.Kind, "|") {
				if name, ok := refOf(part); ok && s.Types[name] == nil {
					return fmt.Errorf("%s.%s refers to the unknown type %s", t.Name, f.Name, name)
				}
			}
		}
	}
	return nil
}

// refOf returns the type that a kind holds in the end, inside lists and maps.
func refOf(kind string) (string, bool) {
	for {
		if rest, ok := strings.CutPrefix(kind, "[]"); ok {
			kind = rest
		} else if rest, ok := strings.CutPrefix(kind, "map:"); ok {
			kind = rest
		} else {
			return strings.CutPrefix(kind, "ref:")
		}
	}
}

// applyClients adds what published clients need beyond the descriptions. Each line is an API, a
// verb, its object, a tab and the reason; a line that changes nothing is an error.
func applyClients(all map[API]*Shapes, text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fact, reason, _ := strings.Cut(line, "\t")
		words := strings.Split(fact, " ")
		if len(words) < 3 || reason == "" || all[API(words[0])] == nil {
			return fmt.Errorf("%q is not an API, a verb, an object, a tab and a reason", line)
		}
		if err := all[API(words[0])].amend(words[1], words[2], words[3:]); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

func (s *Shapes) amend(verb, object string, rest []string) error {
	if verb == "answers" && len(rest) == 4 {
		name := object + " " + rest[0]
		op, status := s.Operations[name], 0
		if op == nil {
			return fmt.Errorf("no such operation")
		}
		status, err := strconv.Atoi(rest[1])
		if err != nil {
			return fmt.Errorf("%q is no status", rest[1])
		}
		op.Responses[status] = append(slices.Clone(op.Responses[status]), Body{Media: rest[2], Kind: rest[3]})
		return nil
	}
	owner, name, _ := strings.Cut(object, ".")
	t := s.Types[owner]
	if t == nil || t.Fields[name] == nil {
		return fmt.Errorf("no such field")
	}
	f := t.Fields[name]
	switch {
	case verb == "required" && !f.Required:
		f.Required = true
	case verb == "closed" && !f.Closed:
		f.Closed = true
		if len(rest) == 1 {
			f.Enum = strings.Split(rest[0], "|")
		}
		if len(f.Enum) == 0 {
			return fmt.Errorf("the field has no known values")
		}
	default:
		return fmt.Errorf("says nothing new")
	}
	return nil
}
