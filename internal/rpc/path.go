package rpc

import (
	"net/http"
	"net/url"
	"strings"
)

// A document's id is the one name in a path that has slashes.
const beforeID, afterID = "/rest/api/index/document/", "/custom-metadata/"

// escapeID returns r with the slashes of a document's id as %2F: the published Python client writes ids into a path as
// they are.
func escapeID(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, beforeID)
	at := strings.LastIndex(rest, afterID)
	if !ok || at <= 0 {
		return r
	}
	escaped := *r.URL
	escaped.RawPath = beforeID + url.PathEscape(rest[:at]) + afterID + url.PathEscape(rest[at+len(afterID):])
	c := r.WithContext(r.Context())
	c.URL = &escaped
	return c
}
