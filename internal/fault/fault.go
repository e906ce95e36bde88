// Package fault holds the kinds of error that a caller can meet, and nothing else.
//
// A fault is an error whose message was written for the person who called. Every other error is an
// internal error: outside it is one sentence, inside it is a full log line. The status code that
// goes with a kind stands in one table, in package rpc.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classifies a fault. It is the only classification there is.
type Kind uint8

// The kinds, each with the HTTP status (RFC 9110) that package rpc gives it.
const (
	Internal         Kind = iota // 500: ours; shows nothing inside
	Invalid                      // 400: the request is malformed or contradicts itself
	Unauthenticated              // 401: no credential that holds
	Forbidden                    // 403: a good credential that does not reach this far
	NotFound                     // 404: no such thing, or none that the caller may see
	MethodNotAllowed             // 405: the path exists, not with this method
	Timeout                      // 408: the caller's own time limit has passed
	Conflict                     // 409: the thing changed or exists already
	TooLarge                     // 413: the body or a part of it is over a limit
	UnsupportedMedia             // 415: a body in a form that this operation does not take
	Unprocessable                // 422: well formed, but its meaning cannot be carried out
	TooMany                      // 429: over a rate limit
	Unavailable                  // 503: a part that we need is away; trying again may help
)

var names = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not found", "method not allowed", "timeout",
	"conflict", "too large", "unsupported media", "unprocessable", "too many", "unavailable",
}

// String names the kind in lower case, for logs and metrics.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}

// Fault is an error with a kind and a message for the person who called.
type Fault struct {
	Kind    Kind
	Message string // says what is wrong and how to mend it; shows no internals
	// Code names the case within its kind for programs, in the API family's own vocabulary. Optional.
	Code string
	// Field names the part of the request that is wrong, as the caller spelt it. Optional.
	Field string
	// Detail is a body that the contract prescribes for this case in place of the message. Optional.
	Detail any
	// RetryAfter says when a further try can succeed. Zero when unknown.
	RetryAfter time.Duration

	cause error
}

// New returns a fault of kind k that says message.
func New(k Kind, message string) *Fault { return &Fault{Kind: k, Message: message} }

// Newf returns a fault of kind k with a formatted message.
func Newf(k Kind, format string, args ...any) *Fault {
	return &Fault{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Error is the message, followed by the cause where there is one. It is for logs: what goes to the
// caller is Message alone.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.Message + ": " + f.cause.Error()
	}
	return f.Message
}

// Unwrap returns the cause, or nil.
func (f *Fault) Unwrap() error { return f.cause }

// Wrap returns a copy of f that keeps err for the log. The caller never sees err.
func (f *Fault) Wrap(err error) *Fault {
	c := *f
	c.cause = err
	return &c
}

// WithField returns a copy of f that names the part of the request that is wrong.
func (f *Fault) WithField(name string) *Fault {
	c := *f
	c.Field = name
	return &c
}

// WithCode returns a copy of f with a code for programs.
func (f *Fault) WithCode(code string) *Fault {
	c := *f
	c.Code = code
	return &c
}

// WithDetail returns a copy of f whose body is detail.
func (f *Fault) WithDetail(detail any) *Fault {
	c := *f
	c.Detail = detail
	return &c
}

// Clip returns text as a message quotes it: what is longer than most bytes is cut off.
func Clip(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// KindOf returns the kind of the first fault in err's chain, and Internal where there is none.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	return Internal
}
