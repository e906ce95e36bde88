package grant

import (
	"iter"
	"math/bits"
	"strings"
)

// Scope opens one group of operations.
type Scope uint8

// The scopes that a client token can carry, in the order in which people read them. The zero Scope
// opens nothing.
const (
	Activity Scope = iota + 1
	Agents
	Announcements
	Answers
	Chat
	Collections
	DocPermissions
	Documents
	Entities
	Feed
	Feedback
	Insights
	MCP
	People
	Pins
	Search
	Shortcuts
	Summarize
	Tools
	Verification
)

// IndexingScope, AdminScope and ProvisioningScope are what an indexing token, a console session and a SCIM token
// open. No client token carries them.
const (
	IndexingScope Scope = iota + 30
	AdminScope
	ProvisioningScope
)

var scopeNames = map[Scope]string{
	Activity: "ACTIVITY", Agents: "AGENTS", Announcements: "ANNOUNCEMENTS", Answers: "ANSWERS", Chat: "CHAT",
	Collections: "COLLECTIONS", DocPermissions: "DOCPERMISSIONS", Documents: "DOCUMENTS", Entities: "ENTITIES",
	Feed: "FEED", Feedback: "FEEDBACK", Insights: "INSIGHTS", MCP: "MCP", People: "PEOPLE", Pins: "PINS",
	Search: "SEARCH", Shortcuts: "SHORTCUTS", Summarize: "SUMMARIZE", Tools: "TOOLS", Verification: "VERIFICATION",
	IndexingScope: "INDEXING", AdminScope: "ADMIN", ProvisioningScope: "PROVISIONING",
}

// String is the scope's name on the wire, in upper case.
func (s Scope) String() string { return scopeNames[s] }

// ParseScope returns the client scope of that exact name.
func ParseScope(name string) (Scope, bool) {
	for s := Activity; s <= Verification; s++ {
		if scopeNames[s] == name {
			return s, true
		}
	}
	return 0, false
}

// Scopes is a set of scopes.
type Scopes uint64

// AllScopes holds every client scope.
const AllScopes Scopes = 1<<(Verification+1) - 1<<Activity

// ScopesOf returns the set of the given scopes.
func ScopesOf(list ...Scope) Scopes {
	var set Scopes
	for _, s := range list {
		set |= 1 << s
	}
	return set
}

// Has reports whether the set holds s. No set holds the zero Scope.
func (set Scopes) Has(s Scope) bool { return s != 0 && set&(1<<s) != 0 }

// All yields the scopes of the set in reading order.
func (set Scopes) All() iter.Seq[Scope] {
	return func(yield func(Scope) bool) {
		for rest := uint64(set); rest != 0; rest &= rest - 1 {
			if !yield(Scope(bits.TrailingZeros64(rest))) { //nolint:gosec // at most 63
				return
			}
		}
	}
}

// Names lists the names of the set in reading order.
func (set Scopes) Names() []string {
	list := make([]string, 0, bits.OnesCount64(uint64(set)))
	for s := range set.All() {
		list = append(list, s.String())
	}
	return list
}

// String joins the names with commas.
func (set Scopes) String() string { return strings.Join(set.Names(), ",") }
