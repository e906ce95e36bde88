package rpc

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestEscapeID(t *testing.T) {
	for _, c := range []struct{ path, id, group string }{
		{"/rest/api/index/document/wiki/Page/one/custom-metadata/quality", "wiki/Page/one", "quality"},
		{"/rest/api/index/document/wiki%2FPage/one%20two/custom-metadata/quality", "wiki/Page/one two", "quality"},
		{"/rest/api/index/document/wiki//custom-metadata/x/custom-metadata/quality", "wiki//custom-metadata/x", "quality"},
		{"/rest/api/index/document/a/b%252Fc/custom-metadata/quality", "a/b%2Fc", "quality"},
		{"/rest/api/index/document/a/b/custom-metadata/two/parts", "a/b", "two/parts"},
		{"/rest/api/index/document//custom-metadata/quality", "", ""},
		{"/rest/api/index/document/a/b", "", ""},
		{"/rest/api/index/custom-metadata/a/b", "", ""},
	} {
		var id, group string
		mux := http.NewServeMux()
		mux.HandleFunc("PUT /rest/api/index/document/{docId}/custom-metadata/{groupName}", func(_ http.ResponseWriter, r *http.Request) {
			id, group = r.PathValue("docId"), r.PathValue("groupName")
		})
		mux.ServeHTTP(httptest.NewRecorder(), escapeID(httptest.NewRequest(http.MethodPut, c.path, nil)))
		if id != c.id || group != c.group {
			t.Errorf("escapeID(%q) leads to %q, %q, want %q, %q", c.path, id, group, c.id, c.group)
		}
	}
}
