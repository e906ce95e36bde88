package contract

import (
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Unbuilt returns rooms for every operation of the outside API that none of the given rooms has.
// They admit callers as the real ones will, and answer 404: clients then fall back as they do for
// an older server. An operation that is never declared would be an unknown path instead, which is
// answered without asking for a token.
func Unbuilt(built []rpc.Room) []rpc.Room {
	have := map[string]bool{}
	for _, room := range built {
		for _, op := range room.Operations() {
			have[op.Name()] = true
		}
	}
	byScope := map[grant.Scope][]rpc.Operation{}
	var order []grant.Scope
	for _, op := range Operations() {
		if have[op.Name()] {
			continue
		}
		if byScope[op.Scope] == nil {
			order = append(order, op.Scope)
		}
		byScope[op.Scope] = append(byScope[op.Scope], rpc.Unbuilt(op.Method, op.Path))
	}
	rooms := make([]rpc.Room, 0, len(order))
	for _, scope := range order {
		kinds := grant.User | grant.Global
		if scope == grant.IndexingScope {
			kinds = grant.Indexing
		}
		rooms = append(rooms, rpc.Open(scope, kinds, byScope[scope]...))
	}
	return rooms
}
