package server

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// resourcePath is where a client learns how to get an access token (RFC 9728, section 3).
const resourcePath = "/.well-known/oauth-protected-resource"

// Resource is what a client learns there.
type Resource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	// Scopes are what a client asks its provider for. Ours follow from the person and the settings.
	Scopes []string `json:"scopes_supported"`
	Name   string   `json:"resource_name"`
	// DeviceClient is the client id for programs that cannot register one of their own at the first of the servers.
	DeviceClient string `json:"glean_device_flow_client_id,omitzero"`
}

// resource serves the description of this server as a resource: at the well-known path alone, and with the path of an API
// behind it, for clients that call themselves bound to just that. It is open, and 404 while no access token is taken.
func (s *Server) resource(mux *http.ServeMux) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		// It says nothing that depends on who asks, and web pages are clients, too.
		h.Set("Access-Control-Allow-Origin", "*")
		part := strings.TrimPrefix(r.URL.Path, resourcePath)
		known := part == "" || part == "/" || path.Clean(part) == part && slices.Contains(bearerFamilies, rpc.FamilyOf(part+"/"))
		settings := s.OAuth.Settings(r.Context())
		servers := accepted(settings)
		if !known || len(servers) == 0 {
			http.Error(w, "There is nothing at this path.", http.StatusNotFound)
			return
		}
		body, err := json.Marshal(resourceOf(s.PublicURL.String()+strings.TrimSuffix(part, "/"), servers))
		if err != nil {
			s.cfg.Log.Error("the description of the resource cannot be printed", "err", err)
			http.Error(w, "Internal error.", http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = w.Write(body)
	}
	mux.HandleFunc("GET "+resourcePath, serve)
	mux.HandleFunc("GET "+resourcePath+"/", serve)
}

// bearerFamilies are the APIs that take access tokens of identity providers.
var bearerFamilies = []rpc.Family{rpc.ClientAPI, rpc.PlatformAPI}

// accepted are the providers whose tokens are taken now. Those of the configuration file come first.
func accepted(s oauth.Settings) []oauth.Provider {
	if !s.Enabled {
		return nil
	}
	return slices.DeleteFunc(s.Providers, func(p oauth.Provider) bool { return p.Disabled })
}

func resourceOf(resource string, servers []oauth.Provider) Resource {
	d := Resource{Resource: resource, BearerMethods: []string{"header"}, Scopes: []string{"openid", "email", "profile"}, Name: "sheaf", DeviceClient: programClient(servers[0])}
	for i := range servers {
		d.AuthorizationServers = append(d.AuthorizationServers, servers[i].Issuer)
	}
	return d
}

// programClient is the client id that programs without one may use: the second, since sheaf itself signs people in as the first; or
// the first, if it is a public one. "" where there is none.
func programClient(p oauth.Provider) string {
	switch {
	case len(p.ClientIDs) > 1:
		return p.ClientIDs[1]
	case len(p.ClientIDs) == 1 && !p.HasSecret:
		return p.ClientIDs[0]
	}
	return ""
}

// metadata is the address of that description, "" while no access token is taken.
func (s *Server) metadata(ctx context.Context) string {
	if len(accepted(s.OAuth.Settings(ctx))) == 0 {
		return ""
	}
	return s.PublicURL.String() + resourcePath
}
