package rpc

import (
	"context"
	"net/http"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Accepted declares an operation like JSON whose success is 202: what was asked for is durable and is worked on after the answer.
func Accepted[Req, Resp any](pattern, summary string, handle func(context.Context, grant.Caller, Req) (Resp, error)) Operation {
	op := JSON(pattern, summary, handle)
	op.Status = http.StatusAccepted
	return op
}
