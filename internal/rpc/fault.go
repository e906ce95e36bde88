package rpc

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Faults that the edge itself makes.
var (
	errNoPath      = fault.New(fault.NotFound, "There is nothing at this path.")
	errNoOperation = fault.New(fault.NotFound, "This server does not have this operation.")
	errInternal    = fault.New(fault.Internal, "Internal error. The server's log has the details under this request's id.")
)

// InsufficientScope is the fault for a good credential that does not open an operation (RFC 6750,
// section 3.1).
const InsufficientScope = "insufficient_scope"

// render writes err in the form of the family. It returns the status.
func (x *exchange) render(family Family, err error) int {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind == fault.Internal {
		f = errInternal
	}
	status := StatusOf(f.Kind)
	h := x.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", RetryAfter(f.RetryAfter))
	}
	switch {
	case f.Kind == fault.Unauthenticated && family != AdminAPI:
		h.Set("WWW-Authenticate", x.challenge(family, "Bearer"))
	case f.Code == InsufficientScope:
		h.Set("WWW-Authenticate", x.challenge(family, `Bearer error="insufficient_scope", scope="`+f.Field+`"`))
	}
	// The rest of a body that nobody will read is not worth a connection held open.
	if status == http.StatusRequestEntityTooLarge {
		h.Set("Connection", "close")
	}
	media, body := x.faultBody(family, f, status)
	x.send(status, media, body)
	return status
}

// RetryAfter is a wait as the header of this name has it: in whole seconds, none of them too few.
func RetryAfter(wait time.Duration) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

// challenge adds to a challenge where a token is to be had, in the APIs that take those of identity providers (RFC 9728, section 5.1).
func (x *exchange) challenge(family Family, text string) string {
	if x.s.metadata == nil || family != ClientAPI && family != PlatformAPI {
		return text
	}
	address := x.s.metadata(x.r.Context())
	if address == "" {
		return text
	}
	sep := ", "
	if text == "Bearer" {
		sep = " "
	}
	return text + sep + `resource_metadata="` + address + `"`
}

func (x *exchange) faultBody(family Family, f *fault.Fault, status int) (media string, body []byte) {
	var v any
	media = mediaJSONFull
	switch {
	case f.Detail != nil:
		v = f.Detail
	case family == PlatformAPI:
		media, v = "application/problem+json", problemOf(f, status, x.context.id)
	case family == AdminAPI:
		v = adminFault{adminError{Code: code(f, adminCodes), Message: f.Message, Field: f.Field}}
	case family == SCIMAPI:
		media, v = mediaSCIM, scimFaultOf(f, status)
	case family == IndexingAPI && strings.HasPrefix(x.r.URL.Path, "/rest/api/index/"):
		v = indexFault{Error: http.StatusText(status), Message: f.Message}
	default:
		return "text/plain; charset=UTF-8", []byte(f.Message + "\n")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "text/plain; charset=UTF-8", []byte(errInternal.Message + "\n")
	}
	return media, text
}

// problem is the Platform API's form of error, RFC 9457.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	RequestID string         `json:"request_id"`
	Errors    []problemPoint `json:"errors,omitzero"`
}

type problemPoint struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

func problemOf(f *fault.Fault, status int, id string) problem {
	p := problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: f.Message, Code: code(f, platformCodes), RequestID: id,
	}
	if p.Code == InsufficientScope { // a word of RFC 6750, for the header alone
		p.Code = platformCodes[f.Kind]
	}
	if f.Field != "" && f.Kind == fault.Invalid {
		p.Errors = []problemPoint{{Pointer: "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(f.Field), Detail: f.Message}}
	}
	return p
}

type adminFault struct {
	Error adminError `json:"error"`
}

type adminError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitzero"`
}

type indexFault struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

func code(f *fault.Fault, table map[fault.Kind]string) string {
	if f.Code != "" {
		return f.Code
	}
	return table[f.Kind]
}

var platformCodes = map[fault.Kind]string{
	fault.Internal: "internal_error", fault.Invalid: "invalid_request", fault.Unauthenticated: "authentication_required",
	fault.Forbidden: "insufficient_permissions", fault.NotFound: "resource_not_found",
	fault.MethodNotAllowed: "method_not_allowed", fault.Timeout: "request_timeout", fault.Conflict: "conflict",
	fault.TooLarge: "request_too_large", fault.UnsupportedMedia: "invalid_request", fault.Unprocessable: "unprocessable_query",
	fault.TooMany: "rate_limit_exceeded", fault.Unavailable: "service_unavailable",
}

var adminCodes = map[fault.Kind]string{
	fault.Internal: "internal", fault.Invalid: "invalid", fault.Unauthenticated: "unauthenticated",
	fault.Forbidden: "forbidden", fault.NotFound: "not_found", fault.MethodNotAllowed: "method_not_allowed",
	fault.Timeout: "timeout", fault.Conflict: "conflict", fault.TooLarge: "too_large",
	fault.UnsupportedMedia: "unsupported_media", fault.Unprocessable: "unprocessable", fault.TooMany: "too_many_requests",
	fault.Unavailable: "unavailable",
}
