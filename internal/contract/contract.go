// Package contract holds the facts of the outside API, and the test that sheaf matches them.
//
// Its one idea is that fidelity is checked, not generated: operations.tsv and the .shape files say,
// one fact a line, which operations exist and what goes in and out; Check derives the same facts
// from the Go types of the rooms by reflection and reports each difference. A difference that is
// meant is a line with a reason in divergences.txt; what the published clients need beyond the
// descriptions is a line in clients.txt. ValidateResponse holds a real answer against the same facts.
//
// At run time only Operations is needed: it lets the server answer 404 to an admitted caller where
// an operation is not built. Shapes are read on first use, by tests. Rooms do not import this package.
package contract

//go:generate go run ./gen

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// API names one of the three outside APIs.
type API string

// The outside APIs.
const (
	Client   API = "client"
	Indexing API = "indexing"
	Platform API = "platform"
)

// Evidence says how sure a fact is.
type Evidence string

// What can be known of a fact.
const (
	Yes     Evidence = "yes"
	No      Evidence = "no"
	Unknown Evidence = "unknown"
)

// Operation is one operation of the outside API, built or not.
type Operation struct {
	API    API
	Method string
	Path   string // with {names} for the parts that vary, as net/http's ServeMux writes them
	Scope  grant.Scope
	// Anonymous says whether anonymous tokens are known to open it elsewhere.
	Anonymous    Evidence
	Deprecated   bool
	Experimental bool
}

//go:embed operations.tsv
var operationsText string

// Operations lists every operation of the outside API in the order of its description. It panics
// where the file it is built from is broken, which the package's tests rule out.
func Operations() []Operation {
	lines := strings.Split(strings.TrimSuffix(operationsText, "\n"), "\n")
	list := make([]Operation, 0, len(lines)-1)
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != 7 {
			panic("contract: operations.tsv: a line with other than 7 cells: " + line)
		}
		scope, ok := grant.ParseScope(cells[3])
		if !ok && cells[3] == grant.IndexingScope.String() {
			scope, ok = grant.IndexingScope, true
		}
		if !ok {
			panic("contract: operations.tsv: unknown scope " + cells[3])
		}
		list = append(list, Operation{
			API: API(cells[0]), Method: cells[1], Path: cells[2], Scope: scope,
			Anonymous: Evidence(cells[4]), Deprecated: cells[5] == "yes", Experimental: cells[6] == "yes",
		})
	}
	return list
}

// Name is the operation's method and path, as shapes and logs name it.
func (op Operation) Name() string { return op.Method + " " + op.Path }

// familyAPI returns the API that a family of rpc is, or "" for those that are sheaf's own.
func familyAPI(f rpc.Family) API {
	switch f {
	case rpc.ClientAPI:
		return Client
	case rpc.IndexingAPI:
		return Indexing
	case rpc.PlatformAPI:
		return Platform
	default:
		return ""
	}
}

// ShapesOf returns the shapes of one API. They are read once and must not be changed. It panics
// where a file is broken, which the package's tests rule out.
func ShapesOf(api API) *Shapes {
	s, ok := loaded()[api]
	if !ok {
		panic(fmt.Sprintf("contract: no API is called %q", api))
	}
	return s
}
