package rpc

import (
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Standing is how far an operation of the outside API is in its life. The zero Standing is an ordinary one.
type Standing struct {
	Experimental bool
	Deprecated   bool
	// Removal is the day from which on a deprecated operation may be gone elsewhere; zero where none is known.
	Removal time.Time
}

// The headers of an API that changes, as net/http keeps them.
const (
	deprecatedHeader   = "X-Glean-Deprecated"
	excludeHeader      = "X-Glean-Exclude-Deprecated-After"
	experimentalHeader = "X-Glean-Include-Experimental"
)

var (
	errRemoved      = fault.New(fault.NotFound, "This operation is removed by the day that "+excludeHeader+" names.")
	errExperimental = fault.New(fault.NotFound, "This operation is experimental. Send "+experimentalHeader+": true to have it.")
)

// deprecation is the value of the header that the answers of a deprecated operation carry.
func deprecation(op Operation, s Standing) []string {
	if !s.Deprecated {
		return nil
	}
	text := "name=" + op.Name() + ";kind=endpoint;context=endpoint"
	if !s.Removal.IsZero() {
		text += ";removal=" + s.Removal.Format(time.DateOnly)
	}
	return []string{text}
}

// stands reports, as a fault, that the operation is not there for a request that asks for the API as it will be, or does not ask
// for what is experimental where that is needed.
func (x *exchange) stands() error {
	if x.rt.op.Family == AdminAPI {
		return nil
	}
	day, err := excludeAfter(x.r.Header[excludeHeader])
	if err != nil {
		return err
	}
	if removal := x.rt.standing.Removal; !day.IsZero() && !removal.IsZero() && !removal.After(day) {
		return errRemoved
	}
	if x.s.hidesExperimental && x.rt.standing.Experimental {
		if values := x.r.Header[experimentalHeader]; len(values) != 1 || !strings.EqualFold(values[0], "true") {
			return errExperimental
		}
	}
	return nil
}

// excludeAfter reads the day in X-Glean-Exclude-Deprecated-After, zero where none is given.
func excludeAfter(values []string) (time.Time, error) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return time.Time{}, nil
	}
	if len(values) == 1 {
		if day, err := time.Parse(time.DateOnly, values[0]); err == nil {
			return day, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, excludeHeader+" is one day, written as 2027-01-15.").WithField(excludeHeader)
}
