package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// describe serves the description of the API: /openapi.json and /openapi.yaml of what connectors and programs use, and one file for each
// family under /openapi/. It says nothing that depends on who asks, so it is open.
func (s *Server) describe(mux *http.ServeMux) {
	outside := []rpc.Family{rpc.ClientAPI, rpc.IndexingAPI, rpc.PlatformAPI}
	s.describeAs(mux, "/openapi", outside...)
	for _, name := range slices.Sorted(maps.Keys(contract.Families())) {
		s.describeAs(mux, "/openapi/"+name, contract.Families()[name])
	}
}

func (s *Server) describeAs(mux *http.ServeMux, path string, families ...rpc.Family) {
	description := sync.OnceValue(func() contract.Description {
		return contract.Describe(s.Operations(), s.PublicURL.String(), families...)
	})
	serve := func(extension, media string, print func(contract.Description) ([]byte, error)) {
		text := sync.OnceValues(func() ([]byte, error) { return print(description()) })
		mux.HandleFunc("GET "+path+extension, func(w http.ResponseWriter, _ *http.Request) {
			body, err := text()
			if err != nil {
				s.cfg.Log.Error("the description of the API cannot be printed", "err", err)
				http.Error(w, "Internal error.", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", media)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(body)
		})
	}
	serve(".json", "application/json; charset=UTF-8", func(d contract.Description) ([]byte, error) {
		return json.Marshal(d, json.Deterministic(true), jsontext.WithIndent("  "))
	})
	serve(".yaml", "application/yaml", func(d contract.Description) ([]byte, error) {
		text, err := yaml.Marshal(map[string]any(d))
		if err != nil {
			return nil, fmt.Errorf("print as YAML: %w", err)
		}
		return text, nil
	})
}
