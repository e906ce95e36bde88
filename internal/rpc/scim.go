package rpc

import (
	"strconv"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// mediaSCIM is the media type of SCIM (RFC 7644, section 8.1). Bodies may come as plain JSON too, which clients in use send.
const mediaSCIM = "application/scim+json"

// Made is an answer of JSON that may tell of a thing that the request has made.
type Made interface {
	// MadeAt is the address of the new thing, which is sent with 201 and Location; "" where nothing was made.
	MadeAt() string
}

// scimFault is SCIM's form of error (RFC 7644, section 3.12).
type scimFault struct {
	Schemas []string `json:"schemas"`
	Status  string   `json:"status"`
	Type    string   `json:"scimType,omitzero"`
	Detail  string   `json:"detail"`
}

func scimFaultOf(f *fault.Fault, status int) scimFault {
	s := scimFault{Schemas: []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, Status: strconv.Itoa(status), Type: f.Code, Detail: f.Message}
	if s.Type == "" && f.Kind == fault.Invalid {
		s.Type = "invalidSyntax" // what the decoder finds; rooms name the other cases
	}
	if s.Type == InsufficientScope { // a word of RFC 6750, for the header alone
		s.Type = ""
	}
	return s
}
