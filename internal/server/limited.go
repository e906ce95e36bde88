package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/limit"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// limited holds pages to the rates of addresses and of the server, which the API's edge holds its own operations to.
func (s *Server) limited(limits *limit.Limits, h http.Handler) http.Handler {
	if limits == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := limits.Arrived(s.cfg.Proxies.Address(r), time.Now())
		if f, ok := errors.AsType[*fault.Fault](err); ok {
			w.Header().Set("Retry-After", rpc.RetryAfter(f.RetryAfter))
			http.Error(w, f.Message, http.StatusTooManyRequests)
			return
		}
		h.ServeHTTP(w, r)
	})
}
