package rpc

import (
	"context"
	"net/http"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Accepted declares an operation like JSON whose success is 202: what was asked for is durable and is worked on after the answer.
func Accepted[Req, Resp any](pattern, summary string, handle func(context.Context, grant.Caller, Req) (Resp, error)) Operation {
	decode := decoderOf[Req](pattern)
	op := declare[Req, Resp](pattern, summary, mediaJSON, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		resp, err := handle(&x.context, x.caller, req)
		if err != nil {
			return err
		}
		return x.json(http.StatusAccepted, resp)
	})
	op.Status = http.StatusAccepted
	return op
}
