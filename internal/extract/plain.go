package extract

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// decode makes UTF-8 of content in a charset, which the content's own mark overrides.
func decode(data []byte, name string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		name, data = "utf-8", data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		name = "utf-16"
	}
	var enc encoding.Encoding
	switch name {
	case "":
		if utf8.Valid(data) {
			return data, nil
		}
		return nil, fault.New(fault.Invalid, "The content is not valid UTF-8. Send it as UTF-8, or name its charset in the mimeType.").WithField("mimeType")
	case "utf-16", "utf16":
		enc = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	default:
		if enc, _ = charset.Lookup(name); enc == nil {
			return nil, fault.Newf(fault.Invalid, "The charset %q is not known. Send the content as UTF-8.", fault.Clip(name, 40)).WithField("mimeType")
		}
	}
	if name == "utf-8" || name == "us-ascii" {
		if !utf8.Valid(data) {
			return nil, fault.New(fault.Invalid, "The content is not valid UTF-8.").WithField("mimeType")
		}
		return data, nil
	}
	out, err := enc.NewDecoder().Bytes(data)
	if err != nil {
		return nil, fault.Newf(fault.Invalid, "The content is not in the charset %q that its mimeType names.", fault.Clip(name, 40)).WithField("mimeType").Wrap(err)
	}
	return out, nil
}

// ligatures takes apart the letters that typesetters join, which nobody types in a search.
var ligatures = strings.NewReplacer("ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st", "\u00ad", "")

func readPlain(_ context.Context, data []byte, charset string) (title, body string, err error) {
	data, err = decode(data, charset)
	return "", string(data), err
}
