// Package scim is user provisioning: SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2, by which a company's identity provider
// says who works here and in which groups.
//
// Its one idea is that what the provider says is kept as it was sent, checked against one table of attributes, beside the
// person that follows from it: bodies, PATCH paths, filters and the schemas that are served all come from that table. Only
// package directory decides what a change makes of a person, so whoever leaves loses access from the next request on.
//
// It opens to SCIM tokens alone. The parsers of filters and paths are ours: the libraries at hand read bodies without a
// bound, or refuse filters that providers in use send.
package scim

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// root is the path of the API.
const root = "/scim/v2"

const (
	// maxGroupBody bounds the body of a group: some 50,000 members.
	maxGroupBody = 8 << 20
	// maxUserBody bounds that of a user, of whom a quarter of it is kept. A PATCH may go through it a thousand times, while others wait to write.
	maxUserBody = 4 * maxAttributes
)

// Service is the SCIM API of one server.
type Service struct {
	people *directory.Directory
	audit  *audit.Log
	base   string // the public address of the API, without a slash at the end
	users  *resource
	groups *resource
}

// New returns the service over the people of a server that is reached at publicURL.
func New(people *directory.Directory, log *audit.Log, publicURL string) *Service {
	return &Service{people: people, audit: log, base: strings.TrimRight(publicURL, "/") + root, users: userResource(), groups: groupResource()}
}

// Room is what a SCIM token opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.ProvisioningScope, grant.Provisioning,
		rpc.JSON("GET "+root+"/ServiceProviderConfig", "Says what of SCIM this server does.", s.config),
		rpc.JSON("GET "+root+"/ResourceTypes", "Lists what is provisioned.", s.resourceTypes),
		rpc.JSON("GET "+root+"/ResourceTypes/{id}", "Describes one kind of what is provisioned.", s.resourceType),
		rpc.JSON("GET "+root+"/Schemas", "Lists the schemas.", s.schemas),
		rpc.JSON("GET "+root+"/Schemas/{id}", "Describes the attributes of one schema.", s.schema),

		rpc.JSON("GET "+root+"/Users", "Lists provisioned people.", s.listUsers),
		rpc.JSON("POST "+root+"/Users", "Provisions a person.", s.createUser).Limit(maxUserBody),
		rpc.JSON("GET "+root+"/Users/{id}", "Reads a provisioned person.", s.getUser),
		rpc.JSON("PUT "+root+"/Users/{id}", "Replaces what is known of a person.", s.replaceUser).Limit(maxUserBody),
		rpc.JSON("PATCH "+root+"/Users/{id}", "Changes a person; deactivating ends their access at once.", s.patchUser).Limit(maxUserBody),
		rpc.JSON("DELETE "+root+"/Users/{id}", "Ends a person's access and forgets what was provisioned.", s.deleteUser),

		rpc.JSON("GET "+root+"/Groups", "Lists groups.", s.listGroups),
		rpc.JSON("POST "+root+"/Groups", "Makes a group.", s.createGroup).Limit(maxGroupBody),
		rpc.JSON("GET "+root+"/Groups/{id}", "Reads a group.", s.getGroup),
		rpc.JSON("PUT "+root+"/Groups/{id}", "Replaces a group and its members.", s.replaceGroup).Limit(maxGroupBody),
		rpc.JSON("PATCH "+root+"/Groups/{id}", "Changes a group or its members.", s.patchGroup).Limit(maxGroupBody),
		rpc.JSON("DELETE "+root+"/Groups/{id}", "Removes a group.", s.deleteGroup),
	)
}

// The words of RFC 7644, section 3.12, for what can be wrong.
const (
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	mutability    = "mutability"
	noTarget      = "noTarget"
)

func wrong(code, format string, args ...any) *fault.Fault {
	return fault.Newf(fault.Invalid, format, args...).WithCode(code)
}

// told gives the faults of the directory a word of SCIM.
func told(err error) error {
	if f, ok := err.(*fault.Fault); ok && f.Kind == fault.Invalid && f.Code == "" { //nolint:errorlint // the directory returns its own
		return f.WithCode(invalidValue)
	}
	return err
}

// clip bounds what is repeated from a request.
func clip(text string) string {
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

// record puts a change into the audit log.
func (s *Service) record(ctx context.Context, c grant.Caller, action, id, name, detail string) error {
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.SubjectName, entry.Detail = action, id, name, detail
	return s.audit.Record(ctx, entry)
}
