// Package rpc is the edge of sheaf: it turns HTTP requests into calls of typed handlers, and what
// they return into answers.
//
// Its one idea is that an operation is data. A room lists its operations with rpc.Open, which
// demands the scope and the kinds of caller that open it; the Server admits the caller, checks
// scope and kind before a byte of the body is read, decodes strictly and in bounds, calls the
// handler, and writes one log line and one metric. A handler never sees a ResponseWriter, a header
// or a status code.
package rpc

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// Limits of request bodies, in bytes, after decompression.
const (
	DefaultBody  = 1 << 20  // operations of the Client, Platform and admin APIs
	IndexingBody = 64 << 20 // operations of the Indexing API
)

// Family is a part of the outside API with its own credentials and its own form of error.
type Family uint8

// The families, told apart by path.
const (
	NoFamily      Family = iota
	ClientAPI            // /rest/api/v1/…
	IndexingAPI          // /api/index/v1/… and /rest/api/index/…
	PlatformAPI          // /api/…
	AdminAPI             // /api/admin/v1/…
	SCIMAPI              // /scim/v2/…
	familyEntries        // the number of entries
)

// FamilyOf returns the family that a path belongs to, or NoFamily.
func FamilyOf(path string) Family {
	switch {
	case strings.HasPrefix(path, "/rest/api/v1/"):
		return ClientAPI
	case strings.HasPrefix(path, "/api/index/v1/"), strings.HasPrefix(path, "/rest/api/index/"):
		return IndexingAPI
	case strings.HasPrefix(path, "/api/admin/v1/"):
		return AdminAPI
	case strings.HasPrefix(path, "/api/"):
		return PlatformAPI
	case strings.HasPrefix(path, "/scim/v2/"):
		return SCIMAPI
	}
	return NoFamily
}

// Closed reports whether requests of the family may hold no fields that it does not know.
func (f Family) Closed() bool { return f == PlatformAPI || f == AdminAPI }

// Room is a group of operations that one scope opens, to some kinds of caller.
type Room struct{ ops []Operation }

// Operations lists the room's operations.
func (r Room) Operations() []Operation { return r.ops }

// Open makes a room of operations that scope opens to callers of the given kinds. It panics on a
// mistake of declaration, so that the start stops: no scope, no kinds, an operation that widens the
// kinds, or a path outside every API family.
func Open(scope grant.Scope, kinds grant.Kind, ops ...Operation) Room {
	if scope == 0 || kinds == 0 {
		panic("rpc.Open: a room needs a scope and at least one kind of caller")
	}
	opened := make([]Operation, len(ops))
	for i, op := range ops {
		if op.Kinds&^kinds != 0 {
			panic(fmt.Sprintf("rpc.Open: %s %s admits %s, wider than its room's %s", op.Method, op.Path, op.Kinds, kinds))
		}
		if op.Kinds == 0 {
			op.Kinds = kinds
		}
		op.Scope, op.Family = scope, FamilyOf(op.Path)
		if op.Family == NoFamily {
			panic("rpc.Open: " + op.Path + " is in no API family")
		}
		if op.MaxBody == 0 {
			op.MaxBody = DefaultBody
			if op.Family == IndexingAPI {
				op.MaxBody = IndexingBody
			}
		}
		opened[i] = op
	}
	return Room{opened}
}

// Operation describes one operation. It is made by JSON, Lines, Events, JSONOrLines, Upload, File
// or Unbuilt, and completed by Open.
type Operation struct {
	Method  string
	Path    string // a pattern of net/http's ServeMux, without the method
	Summary string
	Family  Family
	Scope   grant.Scope
	Kinds   grant.Kind
	Built   bool   // false for operations that answer 404
	Bare    bool   // admits everybody
	Media   string // the media type of a success, without parameters; "" for an empty body
	Status  int    // of a success; 0 for 200
	MaxBody int64  // bytes after decompression
	Changes bool   // changes state, and so leaves an entry in the audit log
	// Refuses are the kinds of fault that the handler answers with and the outside API does not mention.
	Refuses []fault.Kind

	Request  reflect.Type // the handler's request; None where there is no body
	Response reflect.Type // the handler's answer, or the item of a stream; None for an empty body

	serve func(*exchange) error
}

// Only returns a copy of the operation for fewer kinds of caller than its room admits.
func (op Operation) Only(kinds grant.Kind) Operation {
	op.Kinds = kinds
	return op
}

// Audited returns a copy of the operation that leaves an entry in the audit log. Where the request
// has a method AuditSubject() string, its result names the thing that was changed.
func (op Operation) Audited() Operation {
	op.Changes = true
	return op
}

// Refusing returns a copy of the operation whose description says that it answers with these kinds of fault too. What the edge itself
// answers with, and what the outside API lists for the operation, is said without it.
func (op Operation) Refusing(kinds ...fault.Kind) Operation {
	op.Refuses = append(slices.Clone(op.Refuses), kinds...)
	return op
}

// Limit returns a copy of the operation that takes request bodies of up to the given bytes.
func (op Operation) Limit(bytes int64) Operation {
	op.MaxBody = bytes
	return op
}

// None stands for no request body or an empty answer.
type None struct{}

var none = reflect.TypeFor[None]()

func declare[Req, Resp any](pattern, summary, media string, serve func(*exchange) error) Operation {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || !strings.HasPrefix(path, "/") {
		panic("rpc: pattern " + pattern + " is not a method and a path")
	}
	return Operation{
		Method: method, Path: path, Summary: summary, Built: true, Media: media,
		Request: reflect.TypeFor[Req](), Response: reflect.TypeFor[Resp](), serve: serve,
	}
}

// Unbuilt declares an operation of the outside API that this server does not have. It admits
// callers like any other and answers 404, so that clients fall back as they do for an older server.
func Unbuilt(method, path string) Operation {
	op := declare[None, None](method+" "+path, "Not part of this server.", "", func(*exchange) error {
		return errNoOperation
	})
	op.Built = false
	return op
}

// PathNames lists the wildcards of the operation's path, in their order.
func (op Operation) PathNames() []string {
	var names []string
	for part := range strings.SplitSeq(op.Path, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}."))
		}
	}
	return names
}

// name is the label of the operation in logs, metrics and the audit log.
// Name is the operation's method and path, as in "POST /rest/api/v1/pin".
func (op Operation) Name() string { return op.Method + " " + op.Path }

var _ http.Handler = (*Server)(nil)
