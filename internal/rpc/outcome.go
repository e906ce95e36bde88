package rpc

import (
	"errors"
	"net/http"
	"time"
)

// outcome is a success that has no answer. Handlers of JSON return one in place of an error.
type outcome struct {
	status int
	after  time.Duration
}

func (o *outcome) Error() string { return "success without an answer: " + http.StatusText(o.status) }

// Nothing is what a handler of JSON returns, in place of an error, where there is nothing to answer with: 204.
func Nothing() error { return &outcome{status: http.StatusNoContent} }

// Later is what a handler of JSON returns, in place of an error, where the answer is not there yet and will be after about that
// time: 202, with Retry-After.
func Later(after time.Duration) error { return &outcome{http.StatusAccepted, after} }

// withoutAnswer sends err where it is an outcome. Any other error it returns.
func (x *exchange) withoutAnswer(err error) error {
	o, ok := errors.AsType[*outcome](err)
	if !ok {
		return err
	}
	if err := x.record(o.status); err != nil {
		return err
	}
	if o.after > 0 {
		x.w.Header().Set("Retry-After", RetryAfter(o.after))
	}
	x.w.WriteHeader(o.status)
	return nil
}
