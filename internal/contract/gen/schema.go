package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the part of an OpenAPI description that holds facts.
type document struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Schemas    map[string]*schema   `yaml:"schemas"`
		Parameters map[string]parameter `yaml:"parameters"`
		Responses  map[string]response  `yaml:"responses"`
	} `yaml:"components"`
}

type operation struct {
	Parameters  []parameter         `yaml:"parameters"`
	RequestBody *body               `yaml:"requestBody"`
	Responses   map[string]response `yaml:"responses"`
}

type parameter struct {
	Ref      string  `yaml:"$ref"`
	Name     string  `yaml:"name"`
	In       string  `yaml:"in"`
	Required bool    `yaml:"required"`
	Schema   *schema `yaml:"schema"`
}

type body struct {
	Required bool                  `yaml:"required"`
	Content  map[string]mediaShape `yaml:"content"`
}

type response struct {
	Ref     string                `yaml:"$ref"`
	Content map[string]mediaShape `yaml:"content"`
}

type mediaShape struct {
	Schema *schema `yaml:"schema"`
}

type schema struct {
	Ref        string             `yaml:"$ref"`
	Type       string             `yaml:"type"`
	Format     string             `yaml:"format"`
	Nullable   bool               `yaml:"nullable"`
	Deprecated bool               `yaml:"deprecated"`
	Enum       []string           `yaml:"enum"`
	Required   []string           `yaml:"required"`
	Properties map[string]*schema `yaml:"properties"`
	Items      *schema            `yaml:"items"`
	AllOf      []*schema          `yaml:"allOf"`
	OneOf      []*schema          `yaml:"oneOf"`
	AnyOf      []*schema          `yaml:"anyOf"`
	Additional yaml.Node          `yaml:"additionalProperties"`
}

// slips are fields that a schema lists as required and never defines. Documented samples omit them
// and published clients cannot send them, so they are no facts. A new one stops the generator.
var slips = []string{
	"client ActivityEvent.source",
	"client FeedRequest.refreshType",
	"client AutocompleteResult.result_type", // the property is resultType
	"client VerificationMetadata.documentId",
	"client ListAnswersResponse.answers",
	"client ServerToolBase.toolType",
	"client ServerToolRequest.toolName",
	"indexing EmployeeAndVersionDefinition.info",
}

// corrections replace schemas that the published clients know to be otherwise.
var corrections = map[string]*schema{
	// Both SDKs decode an object here and fail on the bare string that the description has.
	"client ErrorResponse": {Type: "object", Properties: map[string]*schema{"message": {Type: "string"}}},
}

// reducer turns schemas into lines.
type reducer struct {
	api   string
	doc   *document
	lines map[string]bool
	errs  []string
}

func reduce(api string, doc *document) ([]string, error) {
	r := &reducer{api: api, doc: doc, lines: map[string]bool{}}
	for name := range doc.Components.Schemas {
		if better := corrections[api+" "+name]; better != nil {
			doc.Components.Schemas[name] = better
		}
	}
	for name, s := range doc.Components.Schemas {
		r.named(name, s)
	}
	for path, item := range doc.Paths {
		if err := r.path(path, item); err != nil {
			return nil, err
		}
	}
	if len(r.errs) > 0 {
		sort.Strings(r.errs)
		return nil, fmt.Errorf("not understood:\n%s", strings.Join(r.errs, "\n"))
	}
	lines := make([]string, 0, len(r.lines))
	for line := range r.lines {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines, nil
}

func (r *reducer) emit(format string, args ...any) { r.lines[fmt.Sprintf(format, args...)] = true }

func (r *reducer) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

var methods = []string{"get", "post", "put", "patch", "delete"}

func (r *reducer) path(path string, item map[string]yaml.Node) error {
	var shared []parameter
	if node, ok := item["parameters"]; ok {
		if err := node.Decode(&shared); err != nil {
			return fmt.Errorf("parameters of %s: %w", path, err)
		}
	}
	for _, method := range methods {
		node, ok := item[method]
		if !ok {
			continue
		}
		var op operation
		if err := node.Decode(&op); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		r.operation(strings.ToUpper(method)+" "+path, slices.Concat(shared, op.Parameters), op)
	}
	return nil
}

func (r *reducer) operation(name string, parameters []parameter, op operation) {
	hint := typeHint(name)
	for _, p := range parameters {
		if p.Ref != "" {
			p = r.doc.Components.Parameters[last(p.Ref)]
		}
		if p.In == "header" { // admission reads the headers, the same ones everywhere
			continue
		}
		kind, enum := r.kind(p.Schema, hint+"_"+p.Name)
		r.emit("%s %s %s %s%s", name, p.In, p.Name, need(kind, p.Required), flags(p.Schema, enum))
	}
	if op.RequestBody != nil {
		for media, m := range op.RequestBody.Content {
			kind, _ := r.kind(m.Schema, hint+"_request")
			r.emit("%s request %s %s", name, plainMedia(media), need(kind, op.RequestBody.Required))
		}
	}
	for status, resp := range op.Responses {
		if resp.Ref != "" {
			resp = r.doc.Components.Responses[last(resp.Ref)]
		}
		if len(resp.Content) == 0 {
			r.emit("%s %s", name, status)
		}
		for media, m := range resp.Content {
			kind, _ := r.kind(m.Schema, hint+"_"+status)
			r.emit("%s %s %s %s", name, status, plainMedia(media), kind)
		}
	}
}

// named emits the lines of a component. A component that is no object of known fields has no name
// of its own in the facts: its kind stands where it is used.
func (r *reducer) named(name string, s *schema) {
	if s.Ref == "" && r.isStruct(s) {
		r.structure(name, s)
	}
}

// isStruct reports whether s is an object with fields, or a choice between such objects.
func (r *reducer) isStruct(s *schema) bool {
	s, _ = r.deref(s)
	if len(s.Properties) > 0 {
		return true
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf) {
		if r.isStruct(part) {
			return true
		}
	}
	return false
}

// deref follows references, and the single allOf that is written to add a flag to one. It returns
// the name of the last component met.
func (r *reducer) deref(s *schema) (*schema, string) {
	name := ""
	for {
		switch {
		case s.Ref != "":
			name = last(s.Ref)
			target := r.doc.Components.Schemas[name]
			if target == nil {
				r.fail("reference to unknown %s", s.Ref)
				return &schema{}, name
			}
			s = target
		case len(s.AllOf) == 1 && len(s.Properties) == 0 && s.AllOf[0].Ref != "" && name == "":
			s = s.AllOf[0]
		default:
			return s, name
		}
	}
}

// kind returns the kind of s as the facts spell it, and its enumeration. hint names it if it is an
// object without a name.
func (r *reducer) kind(s *schema, hint string) (kind string, enum []string) {
	if s == nil {
		return "any", nil
	}
	s, name := r.deref(s)
	switch {
	case isUnionOfOthers(r, s):
		kinds := make([]string, 0, len(s.OneOf))
		for i, part := range s.OneOf {
			k, _ := r.kind(part, fmt.Sprintf("%s_%d", hint, i+1))
			kinds = append(kinds, k)
		}
		return strings.Join(kinds, "|"), nil
	case r.isStruct(s):
		if name == "" {
			name = hint
			r.structure(name, s)
		}
		return "ref:" + name, nil
	case s.Type == "array":
		kind, enum = r.kind(s.Items, hint+"_item")
		return "[]" + kind, enum
	case s.Additional.Kind == yaml.MappingNode:
		var value schema
		if err := s.Additional.Decode(&value); err != nil {
			r.fail("additionalProperties of %s: %v", hint, err)
		}
		kind, enum = r.kind(&value, hint+"_value")
		return "map:" + kind, enum
	case s.Type == "object":
		return "object", nil
	case s.Type == "" && len(s.Enum) > 0:
		return "string", s.Enum
	case s.Type == "":
		return "any", nil
	case s.Format != "":
		return s.Type + "/" + s.Format, s.Enum
	default:
		return s.Type, s.Enum
	}
}

// isUnionOfOthers reports whether s chooses between things of which some are no objects.
func isUnionOfOthers(r *reducer, s *schema) bool {
	return len(s.OneOf) > 0 && slices.ContainsFunc(s.OneOf, func(part *schema) bool { return !r.isStruct(part) })
}

// structure emits the fields of one object, with those of all its parts.
func (r *reducer) structure(name string, s *schema) {
	fields, required, alternatives := map[string]*schema{}, map[string]bool{}, []string{}
	var gather func(s *schema)
	gather = func(s *schema) {
		s, _ = r.deref(s)
		for _, part := range s.AllOf {
			gather(part)
		}
		if len(s.OneOf) > 0 && isUnionOfOthers(r, s) {
			r.fail("%s chooses between objects and others", name)
		}
		for i, part := range s.OneOf {
			kind, _ := r.kind(part, fmt.Sprintf("%s_%d", name, i+1))
			alternatives = append(alternatives, strings.TrimPrefix(kind, "ref:"))
		}
		if len(s.AnyOf) > 0 { // only ever written to say "at least one of these fields"
			var needs []string
			for _, part := range s.AnyOf {
				needs = append(needs, part.Required...)
			}
			r.emit("%s needs %s", name, strings.Join(needs, "|"))
		}
		for field, f := range s.Properties {
			fields[field] = f
		}
		for _, field := range s.Required {
			required[field] = true
		}
		if s.Additional.Kind == yaml.ScalarNode && s.Additional.Value == "true" {
			r.emit("%s.* any optional", name)
		}
	}
	gather(s)
	if len(alternatives) > 0 {
		r.emit("%s oneof %s", name, strings.Join(alternatives, "|"))
	}
	for field := range required {
		if slip := r.api + " " + name + "." + field; fields[field] == nil && !slices.Contains(slips, slip) &&
			!r.inherited(slip) {
			r.fail("%s is required and not defined", slip)
		}
	}
	for field, f := range fields {
		kind, enum := r.kind(f, name+"_"+field)
		target, _ := r.deref(f)
		f.Nullable = f.Nullable || target.Nullable
		r.emit("%s.%s %s%s", name, field, need(kind, required[field]), flags(f, enum))
	}
}

// inherited reports whether a known slip of another schema explains this one: types that are built
// on it carry the same undefined field.
func (r *reducer) inherited(slip string) bool {
	_, field, _ := strings.Cut(strings.TrimPrefix(slip, r.api+" "), ".")
	return slices.ContainsFunc(slips, func(known string) bool {
		return strings.HasPrefix(known, r.api+" ") && strings.HasSuffix(known, "."+field)
	})
}

func need(kind string, required bool) string {
	if required {
		return kind + " required"
	}
	return kind + " optional"
}

func flags(s *schema, enum []string) string {
	text := ""
	if s.Nullable {
		text += " nullable"
	}
	if s.Deprecated {
		text += " deprecated"
	}
	if len(enum) > 0 { // last on the line, because values may hold spaces
		text += " enum " + strings.Join(enum, "|")
	}
	return text
}

func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func plainMedia(media string) string {
	media, _, _ = strings.Cut(media, ";")
	return strings.TrimSpace(media)
}

// typeHint names what an operation carries without a name, after the last fixed part of its path.
func typeHint(operation string) string {
	hint := ""
	for part := range strings.SplitSeq(operation, "/") {
		if !strings.HasPrefix(part, "{") {
			hint = part
		}
	}
	return hint
}
