package sheaftest

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maskedKeys are the fields whose scalar values differ from run to run.
var maskedKeys = map[string]bool{
	"requestID": true, "request_id": true, "requestId": true, "trackingToken": true, "cursor": true, "next_cursor": true, "expirationTime": true, "backendTimeMillis": true,
	"csrfToken": true, "mask": true, "createdAt": true, "lastUsedAt": true, "revokedAt": true, "rotatedAt": true, "at": true,
}

// masks are the texts that differ from run to run, wherever they stand.
var masks = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`shf_[a-z]_[0-9A-Za-z_-]{49,}`), "<secret>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
}

func maskText(text string) string {
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.instead)
	}
	return text
}

// maskJSON masks what differs and indents the rest.
func maskJSON(text string) (jsontext.Value, error) {
	var out strings.Builder
	in := jsontext.NewDecoder(strings.NewReader(text))
	to := jsontext.NewEncoder(&out, jsontext.WithIndent("  "))
	for {
		token, err := in.ReadToken()
		if errors.Is(err, io.EOF) {
			return jsontext.Value(strings.TrimRight(out.String(), "\n")), nil
		}
		if err != nil {
			return nil, err
		}
		inside, length := in.StackIndex(in.StackDepth())
		isName := inside == '{' && length%2 == 1
		switch key := in.StackPointer().LastToken(); {
		case isName:
		case maskedKeys[key] && (token.Kind() == '"' || token.Kind() == '0'):
			token = jsontext.String("<" + key + ">")
		case token.Kind() == '"':
			token = jsontext.String(maskText(token.String()))
		}
		if err := to.WriteToken(token); err != nil {
			return nil, err
		}
	}
}

// steps cuts a path apart: "list[].name" is the name of each in the list, "list[0].name" that of the first.
func steps(path string) []string { return strings.Split(strings.ReplaceAll(path, "[", ".["), ".") }

// showJSON writes the values at some paths, one a line.
func showJSON(value jsontext.Value, paths []string) string {
	var lines []string
	for _, path := range paths {
		walk(value, "", steps(path), func(at string, v jsontext.Value) {
			if v == nil {
				lines = append(lines, at+" is absent")
				return
			}
			_ = v.Compact() // it was read before
			lines = append(lines, at+": "+string(v))
		})
	}
	return strings.Join(lines, "\n")
}

// walk visits the values that the rest of a path leads to from v; nil stands for one that is not there.
func walk(v jsontext.Value, at string, path []string, visit func(string, jsontext.Value)) {
	if len(path) == 0 || v == nil {
		visit(at, v)
		return
	}
	if path[0][0] == '[' {
		var list []jsontext.Value
		if json.Unmarshal(v, &list) != nil {
			visit(at+path[0], nil)
			return
		}
		if len(list) == 0 {
			visit(at, v)
		}
		for i, item := range list {
			if place := "[" + strconv.Itoa(i) + "]"; path[0] == "[]" || path[0] == place {
				walk(item, at+place, path[1:], visit)
			}
		}
		return
	}
	var fields map[string]jsontext.Value
	if json.Unmarshal(v, &fields) != nil {
		fields = nil
	}
	walk(fields[path[0]], strings.TrimPrefix(at+"."+path[0], "."), path[1:], visit)
}

// pick returns the one value at a path of an answer, a string without its quotes.
func (w *wireFile) pick(title, body, path string) string {
	w.t.Helper()
	var found jsontext.Value
	walk(jsontext.Value(body), "", steps(path), func(_ string, v jsontext.Value) {
		if found == nil {
			found = v
		}
	})
	if found == nil {
		w.t.Fatalf("%s: there is no %s in %s", title, path, body)
	}
	var text string
	if json.Unmarshal(found, &text) == nil {
		return text
	}
	return string(found)
}

// Masked returns the body with ids, secrets and times of the moment replaced, for comparing two answers.
func (a Answer) Masked() string {
	if value, err := maskJSON(a.Body); err == nil {
		return string(value)
	}
	return maskText(a.Body)
}
