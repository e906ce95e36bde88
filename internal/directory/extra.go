package directory

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// hyperlink is a value of an additional field that is a link.
type hyperlink struct {
	Anchor string `json:"anchor,omitzero"`
	Link   string `json:"hyperlink,omitzero"`
}

// linkOf reads a value that is an object. What is none is the zero link.
func linkOf(v jsontext.Value) (link hyperlink) {
	if json.Unmarshal(v, &link) != nil {
		return hyperlink{}
	}
	return link
}

// textOf reads a value that is a text, a number or a truth. Another is "".
func textOf(v jsontext.Value) (text string) {
	switch v.Kind() {
	case '"':
		if json.Unmarshal(v, &text) != nil {
			return ""
		}
	case '0', 't', 'f':
		return string(v)
	}
	return text
}
