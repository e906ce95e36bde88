package contract

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Description is an OpenAPI 3.1 document, made of maps, lists and texts alone, so that it prints as JSON and as YAML alike.
type Description map[string]any

// object is a JSON object on its way into a Description.
type object = map[string]any

// Families are the parts of the API that have a description of their own, by the names of their files.
func Families() map[string]rpc.Family {
	return map[string]rpc.Family{
		"client": rpc.ClientAPI, "indexing": rpc.IndexingAPI, "platform": rpc.PlatformAPI, "admin": rpc.AdminAPI,
	}
}

// Describe describes those operations that are built and belong to one of the families, as they are served under the address url.
// The schemas are those of the Go types that the operations decode and encode; the words are the operations' own.
func Describe(ops []rpc.Operation, url string, families ...rpc.Family) Description {
	var kept []rpc.Operation
	for _, op := range ops {
		if op.Built && slices.Contains(families, op.Family) {
			kept = append(kept, op)
		}
	}
	slices.SortFunc(kept, func(a, b rpc.Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	s := newSchemas(kept)
	standing := Standing()
	paths, tags := object{}, map[string]bool{}
	for _, op := range kept {
		path := strings.ReplaceAll(op.Path, "...}", "}")
		item, _ := paths[path].(object)
		if item == nil {
			item = object{}
			paths[path] = item
		}
		item[strings.ToLower(op.Method)] = describe(s, op, standing[op.Name()])
		tags[op.Scope.String()] = true
	}
	var list []any
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, object{"name": tag, "description": "What the scope " + tag + " opens."})
	}
	return Description{
		"openapi": "3.1.1",
		"info": object{
			"title": "sheaf", "version": "1",
			"description": "What this server answers. A GLOBAL token names the person it acts as in X-Glean-ActAs. Unknown fields of a request are ignored " +
				"on the Client and Indexing APIs and refused elsewhere; fields that an answer does not have are left out.",
			"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers": []any{object{"url": strings.TrimSuffix(url, "/")}},
		"tags":    list,
		"paths":   paths,
		"components": object{
			"schemas": s.components(),
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "A client token, or on the Indexing API an indexing token."},
				"session": object{"type": "apiKey", "in": "cookie", "name": "sheaf", "description": "A signed-in person. Whatever is no GET takes X-CSRF-Token too."},
			},
		},
	}
}

// describe describes one operation.
func describe(s *schemas, op rpc.Operation, standing rpc.Standing) object {
	d := object{
		"operationId": operationID(op), "summary": op.Summary, "tags": []any{op.Scope.String()},
		"description": "Opens with the scope " + op.Scope.String() + " to " + strings.ReplaceAll(op.Kinds.String(), "|", ", ") + ".",
		"security":    []any{object{"token": []any{}}},
		"responses":   responses(s, op, standing),
	}
	switch {
	case op.Bare:
		d["security"] = []any{}
		d["description"] = "Open to everybody."
	case op.Family == rpc.AdminAPI:
		d["security"] = []any{object{"session": []any{}}}
	}
	if standing.Deprecated {
		d["deprecated"] = true
	}
	if standing.Experimental {
		d["x-experimental"] = true
	}
	if list := parameters(s, op); len(list) > 0 {
		d["parameters"] = list
	}
	if op.Method != http.MethodGet && op.Method != http.MethodDelete && len(jsonFields(op.Request)) > 0 {
		d["requestBody"] = object{
			"required": true,
			"content":  object{"application/json": object{"schema": s.of(op.Request, request)}},
		}
	}
	return d
}

var notLetters = regexp.MustCompile(`[^A-Za-z0-9]+`)

func operationID(op rpc.Operation) string {
	return strings.ToLower(op.Method) + strings.TrimSuffix(notLetters.ReplaceAllString(op.Path, "_"), "_")
}

// parameters are the wildcards of the path, and what the request reads from the query and from headers.
func parameters(s *schemas, op rpc.Operation) []any {
	var list []any
	fields := urlFields(op.Request)
	for _, name := range op.PathNames() {
		schema := object{"type": "string"}
		if t, ok := fields["path "+name]; ok {
			schema = s.of(t, request)
		}
		list = append(list, object{"name": name, "in": "path", "required": true, "schema": schema})
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if name, ok := strings.CutPrefix(key, "query "); ok {
			list = append(list, object{"name": name, "in": "query", "schema": s.of(fields[key], request)})
		}
	}
	return list
}

// shapeOf is what the outside API has of an operation, nil for one of sheaf's own.
func shapeOf(op rpc.Operation) *Shape {
	if api := familyAPI(op.Family); api != "" {
		return ShapesOf(api).Operations[op.Name()]
	}
	return nil
}

// statuses lists what an operation may answer: what the edge answers for every operation of its kind, what the outside API lists, and
// what the operation says itself.
func statuses(op rpc.Operation, standing rpc.Standing) []int {
	set := map[int]bool{
		http.StatusOK: true, http.StatusBadRequest: true, http.StatusTooManyRequests: true,
		http.StatusInternalServerError: true, http.StatusServiceUnavailable: true,
	}
	if !op.Bare {
		set[http.StatusUnauthorized], set[http.StatusForbidden] = true, true
	}
	if len(jsonFields(op.Request)) > 0 || op.Request != noBody && !strings.Contains("GET DELETE", op.Method) {
		set[http.StatusRequestEntityTooLarge], set[http.StatusUnsupportedMediaType] = true, true
	}
	if standing.Experimental || !standing.Removal.IsZero() {
		set[http.StatusNotFound] = true
	}
	if op.Family == rpc.AdminAPI && op.Method != http.MethodGet {
		set[http.StatusConflict] = true
	}
	if strings.Contains(op.Path, "{") {
		set[http.StatusNotFound] = true
	}
	for _, kind := range op.Refuses {
		set[rpc.StatusOf(kind)] = true
	}
	if shape := shapeOf(op); shape != nil {
		_, fine := shape.Responses[http.StatusOK]
		set[http.StatusOK] = fine
		for status := range shape.Responses {
			set[status] = true
		}
	}
	maps.DeleteFunc(set, func(_ int, answered bool) bool { return !answered })
	return slices.Sorted(maps.Keys(set))
}

func responses(s *schemas, op rpc.Operation, standing rpc.Standing) object {
	all := object{}
	for _, status := range statuses(op, standing) {
		answer := object{"description": http.StatusText(status)}
		if status < http.StatusMultipleChoices {
			if op.Media != "" && hasBody(op, status) {
				answer["content"] = content(s, op)
			}
			if standing.Deprecated {
				answer["headers"] = object{"X-Glean-Deprecated": object{"description": "What is deprecated, as key=value;…", "schema": object{"type": "string"}}}
			}
		} else {
			answer["content"] = faultContent(s, op, status, standing)
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			answer["headers"] = object{"Retry-After": object{"description": "Seconds to wait.", "schema": object{"type": "string"}}}
		}
		all[strconv.Itoa(status)] = answer
	}
	return all
}

// hasBody reports whether a success of this status has a body: where the outside API does not say otherwise, a 200 has.
func hasBody(op rpc.Operation, status int) bool {
	if shape := shapeOf(op); shape != nil {
		return len(shape.Responses[status]) > 0
	}
	return status == http.StatusOK
}

// content is what a success holds.
func content(s *schemas, op rpc.Operation) object {
	switch op.Media {
	case "application/json":
		return object{op.Media: object{"schema": s.of(op.Response, response)}}
	case "application/octet-stream":
		return object{"*/*": object{}}
	}
	return object{op.Media: object{"schema": object{"type": "string"}}}
}

// faultContent is the form of a family's errors.
func faultContent(s *schemas, op rpc.Operation, status int, standing rpc.Standing) object {
	text := object{"text/plain": object{"schema": object{"type": "string"}}}
	problem := object{"application/problem+json": object{"schema": ref("Problem")}}
	switch {
	case op.Family == rpc.PlatformAPI:
		return problem
	case op.Family == rpc.AdminAPI:
		return object{"application/json": object{"schema": ref("AdminFault")}}
	case strings.HasPrefix(op.Path, "/rest/api/index/"):
		return object{"application/json": object{"schema": ref("IndexFault")}}
	case status == http.StatusNotFound && standing.Experimental:
		maps.Copy(text, problem)
	}
	if slices.Contains(op.Refuses, fault.Unprocessable) && status == http.StatusUnprocessableEntity { // it lists the filters that mean nothing
		text["application/json"] = object{"schema": object{"type": "object"}}
	}
	if shape := shapeOf(op); shape != nil && len(shape.Responses[status]) > 0 { // some errors have a body of the outside API's own
		text["application/json"] = object{"schema": object{"type": "object"}}
	}
	return text
}

// noted are the forms of errors, which the edge writes and no operation names.
func noted() object {
	word := object{"type": "string"}
	return object{
		"Problem": object{
			"type": "object", "description": "RFC 9457.", "required": []any{"type", "title", "status", "detail", "code", "request_id"},
			"properties": object{
				"type": word, "title": word, "status": object{"type": "integer"}, "detail": word, "code": word, "request_id": word,
				"errors": object{"type": "array", "items": object{"type": "object", "required": []any{"pointer", "detail"}, "properties": object{"pointer": word, "detail": word}}},
			},
		},
		"AdminFault": object{
			"type": "object", "required": []any{"error"},
			"properties": object{"error": object{
				"type": "object", "required": []any{"code", "message"}, "properties": object{"code": word, "message": word, "field": word},
			}},
		},
		"IndexFault": object{"type": "object", "required": []any{"error", "message"}, "properties": object{"error": word, "message": word}},
	}
}
