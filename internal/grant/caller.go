// Package grant says what may be asked, and by whom: scopes, kinds of caller, roles, the Caller
// that every request becomes, and the Access that filters what it reads.
//
// Its one idea is that these values cannot be made up: a Caller comes only out of package
// authority, an Access only out of package directory, and the zero value of both holds nothing.
package grant

import (
	"slices"
	"strings"
)

// Kind says in what manner a caller was admitted. Kinds are bits, so that a room can list those
// that it admits.
type Kind uint8

// The kinds of caller.
const (
	// User acts as one person: a USER token, an OAuth access token, or a person on the search page.
	User Kind = 1 << iota
	// Global is a GLOBAL token acting as the person that the request names.
	Global
	// Anonymous acts as nobody.
	Anonymous
	// Indexing is a connector with an indexing token. It acts on its datasources.
	Indexing
	// Session is an administrator's signed-in session in the console and the admin API.
	Session
	// AdminSearch is a Super Admin who searches past permissions. Each query is audited.
	AdminSearch
	// Maintenance is the server itself: queue, reindex, check, backup.
	Maintenance
	// Provisioning is an identity provider with a SCIM token. It says who works here.
	Provisioning
)

var kindNames = []string{"USER", "GLOBAL", "ANONYMOUS", "INDEXING", "SESSION", "ADMIN_SEARCH", "MAINTENANCE", "PROVISIONING"}

// String joins the names of the kinds with "|".
func (k Kind) String() string {
	var list []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, "|")
}

// Role is what a person may do as an administrator. Greater roles include what lesser ones may.
type Role uint8

// The roles, from the least to the greatest.
const (
	RoleMember Role = iota
	RoleTokenCreator
	RoleAdmin
	RoleSuperAdmin
)

var roleNames = [...]string{"MEMBER", "API_TOKEN_CREATOR", "ADMIN", "SUPER_ADMIN"}

// String is the role's name on the wire.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return roleNames[RoleMember]
}

// ParseRole returns the role of that exact name.
func ParseRole(name string) (Role, bool) {
	i := slices.Index(roleNames[:], name)
	return Role(max(i, 0)), i >= 0 //nolint:gosec // at most 3
}

// Facts is what authority knows of an admitted request. It is the argument of Mint.
type Facts struct {
	Kind   Kind
	Scopes Scopes
	// Person is the stable id of the person acted as; Email and Role are that person's at admission.
	// All are zero for callers that act as nobody.
	Person string
	Email  string
	Role   Role
	// Token is the id of the credential: a token, a session or an OAuth provider's name.
	Token string
	// Holder says in words whose credential it is, for the audit log: a token's description, or an address.
	Holder string
	// Datasources are those that an indexing token may write; nil means all of them.
	Datasources []string
	// Metadata are the groups of custom metadata that an indexing token may write, in lower case, or AllMetadata.
	Metadata []string
	// Recheck reports whether the admission still holds. Streams call it at each read of data.
	Recheck func() error
}

// Caller is who is asking. It is small and passed by value; the zero Caller may do nothing.
type Caller struct{ facts *Facts }

// Mint makes a Caller. Only authority and sheaftest may call it; a test at the root of the module
// holds that. It keeps a pointer to f, which must not change afterwards.
func Mint(f *Facts) Caller { return Caller{f} }

var nobody Facts

func (c Caller) f() *Facts {
	if c.facts == nil {
		return &nobody
	}
	return c.facts
}

// Kind returns the manner of admission, one bit. It is 0 for the zero Caller.
func (c Caller) Kind() Kind { return c.f().Kind }

// Is reports whether the caller's kind is among kinds.
func (c Caller) Is(kinds Kind) bool { return c.f().Kind&kinds != 0 }

// Scopes returns the scopes that the credential opens.
func (c Caller) Scopes() Scopes { return c.f().Scopes }

// Has reports whether the credential opens s.
func (c Caller) Has(s Scope) bool { return c.f().Scopes.Has(s) }

// Person returns the stable id of the person acted as, or "".
func (c Caller) Person() string { return c.f().Person }

// Email returns the login address of the person acted as, or "".
func (c Caller) Email() string { return c.f().Email }

// Role returns the role of the person acted as, RoleMember where there is none.
func (c Caller) Role() Role { return c.f().Role }

// Token returns the id of the credential, or "".
func (c Caller) Token() string { return c.f().Token }

// Holder says in words whose credential it is.
func (c Caller) Holder() string { return c.f().Holder }

// MayIndex reports whether the caller may write datasource: a connector whose token covers it, or the server
// itself.
func (c Caller) MayIndex(datasource string) bool {
	f := c.f()
	if f.Kind == Maintenance {
		return true
	}
	return f.Kind == Indexing && (f.Datasources == nil || slices.Contains(f.Datasources, datasource))
}

// MayIndexAll reports whether the caller may write every datasource, those to come too, and with them what belongs to none.
func (c Caller) MayIndexAll() bool { return c.MayIndex("") } // no datasource is called ""

// Administers reports whether the caller is a signed-in administrator.
func (c Caller) Administers() bool { return c.Is(Session) && c.Role() >= RoleAdmin }

// AllMetadata in the place of a group stands for every group of custom metadata.
const AllMetadata = "global_scope"

// MayDescribe reports whether the caller may write a group of custom metadata, given in lower case: a connector whose token has the scope,
// or the server itself.
func (c Caller) MayDescribe(group string) bool {
	f := c.f()
	return f.Kind == Maintenance || f.Kind == Indexing && (slices.Contains(f.Metadata, group) || slices.Contains(f.Metadata, AllMetadata))
}

// Recheck reports, as a fault, that the admission no longer holds. A nil error means that it did
// within the last second.
func (c Caller) Recheck() error {
	if check := c.f().Recheck; check != nil {
		return check()
	}
	return nil
}

// Binding is a text that differs between callers who may see different things. Cursors and
// tracking tokens are sealed to it.
func (c Caller) Binding() string {
	f := c.f()
	if f.Person != "" {
		return f.Kind.String() + ":" + f.Person
	}
	return f.Kind.String() + ":" + f.Token
}
