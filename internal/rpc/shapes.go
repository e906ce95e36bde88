package rpc

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// Media types of answers. Clients compare the JSON one as a whole string.
const (
	mediaJSON   = "application/json"
	mediaText   = "text/plain"
	mediaEvents = "text/event-stream"
)

// JSON declares an operation with one JSON object in and one out. None as Req ignores the body;
// None as Resp answers 200 with an empty body, and Nothing or Later as the error other successes. Fields of Req tagged `path:"name"` and
// `query:"name"` are filled from the URL; tag them `json:"-"`.
func JSON[Req, Resp any](pattern, summary string, handle func(context.Context, grant.Caller, Req) (Resp, error)) Operation {
	decode := decoderOf[Req](pattern)
	media := mediaJSON
	if isNone[Resp]() {
		media = ""
	}
	return declare[Req, Resp](pattern, summary, media, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		resp, err := handle(&x.context, x.caller, req)
		if err != nil {
			return x.withoutAnswer(err)
		}
		status := cmp.Or(x.rt.op.Status, http.StatusOK)
		if media == "" {
			return x.empty(status)
		}
		return x.json(status, resp)
	})
}

// Bare declares an operation like JSON that admits everybody and sees the request itself. It is for signing in,
// which is how a caller comes to be, and for nothing else; a test at the root of the module holds that.
func Bare[Req, Resp any](pattern, summary string, handle func(http.ResponseWriter, *http.Request, Req) (Resp, error)) Operation {
	decode := decoderOf[Req](pattern)
	op := declare[Req, Resp](pattern, summary, mediaJSON, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		resp, err := handle(&x.w, x.r.WithContext(&x.context), req)
		if err != nil {
			return err
		}
		return x.json(http.StatusOK, resp)
	})
	op.Bare = true
	return op
}

// Lines declares an operation that answers with one JSON value a line, each flushed as it comes, as
// text/plain. An error before the first line is an ordinary fault; one after it breaks the
// connection, so that no client takes the part for the whole.
func Lines[Req, Item any](pattern, summary string, handle func(context.Context, grant.Caller, Req) iter.Seq2[Item, error]) Operation {
	decode := decoderOf[Req](pattern)
	return declare[Req, Item](pattern, summary, mediaText, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		return stream(x, mediaText, linesForm, handle(&x.context, x.caller, req))
	})
}

// Events declares an operation that answers with server-sent events named "message", numbered
// from 1, each holding one JSON value. Errors are treated as by Lines.
func Events[Req, Item any](pattern, summary string, handle func(context.Context, grant.Caller, Req) iter.Seq2[Item, error]) Operation {
	decode := decoderOf[Req](pattern)
	return declare[Req, Item](pattern, summary, mediaEvents, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		return stream(x, mediaEvents, eventsForm, handle(&x.context, x.caller, req))
	})
}

// Streamer is a request that may say whether it wants a stream.
type Streamer interface {
	// WantsStream returns the request's own flag, nil where it is silent.
	WantsStream() *bool
}

// JSONOrLines declares an operation whose request decides between one JSON object and one JSON
// value a line: its own flag first, then an Accept header that names text/plain and not
// application/json.
func JSONOrLines[Req Streamer, Resp any](pattern, summary string,
	whole func(context.Context, grant.Caller, Req) (Resp, error),
	lines func(context.Context, grant.Caller, Req) iter.Seq2[Resp, error],
) Operation {
	decode := decoderOf[Req](pattern)
	return declare[Req, Resp](pattern, summary, mediaJSON, func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		accept := x.r.Header.Get("Accept")
		streams := strings.Contains(accept, mediaText) && !strings.Contains(accept, mediaJSON)
		if wants := req.WantsStream(); wants != nil {
			streams = *wants
		}
		if streams {
			return stream(x, mediaText, linesForm, lines(&x.context, x.caller, req))
		}
		resp, err := whole(&x.context, x.caller, req)
		if err != nil {
			return err
		}
		return x.json(http.StatusOK, resp)
	})
}

// Part is one file of an upload. Content is readable until the next part is asked for.
type Part struct {
	Field       string // the form field
	Name        string // the file name as sent, without folders; "" for plain fields
	ContentType string // as sent
	Content     io.Reader
}

// maxParts bounds the parts of an upload: far above what a person picks in a file dialog.
const maxParts = 100

// Upload declares an operation that takes multipart/form-data and answers with a JSON object. The
// parts come in the order sent; the whole body is bounded by the operation's limit.
func Upload[Req, Resp any](pattern, summary string, handle func(context.Context, grant.Caller, Req, iter.Seq2[Part, error]) (Resp, error)) Operation {
	fill := fillerOf[Req](pattern)
	op := declare[Req, Resp](pattern, summary, mediaJSON, func(x *exchange) error {
		var req Req
		if err := fill(x, &req); err != nil {
			return err
		}
		parts, err := x.parts()
		if err != nil {
			return err
		}
		resp, err := handle(&x.context, x.caller, req, parts)
		if err != nil {
			return err
		}
		return x.json(http.StatusOK, resp)
	})
	return op
}

func (x *exchange) parts() (iter.Seq2[Part, error], error) {
	media, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, fault.New(fault.UnsupportedMedia, "Send the files as multipart/form-data.")
	}
	body, err := x.body()
	if err != nil {
		return nil, err
	}
	x.r.Body = io.NopCloser(body)
	reader, err := x.r.MultipartReader()
	if err != nil {
		return nil, fault.New(fault.Invalid, "The multipart body cannot be read: its boundary is missing or malformed.").Wrap(err)
	}
	return func(yield func(Part, error) bool) {
		for n := 0; ; n++ {
			part, err := reader.NextPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && n == maxParts {
				err = fault.Newf(fault.TooLarge, "An upload has at most %d parts.", maxParts)
			}
			if err != nil {
				yield(Part{}, bodyFault(err, "The multipart body is cut off or malformed."))
				return
			}
			p := Part{Field: part.FormName(), Name: part.FileName(), ContentType: part.Header.Get("Content-Type"), Content: part}
			if !yield(p, nil) {
				return
			}
		}
	}, nil
}

// Content is a file to send. The edge closes it.
type Content struct {
	Name        string // offered as the file name
	ContentType string
	Size        int64 // bytes; -1 when unknown
	Inline      bool  // shown by a browser instead of saved; only for types that cannot run script
	MaxAge      time.Duration
	io.ReadCloser
}

// File declares an operation that answers with the bytes of a file.
func File[Req any](pattern, summary string, handle func(context.Context, grant.Caller, Req) (Content, error)) Operation {
	decode := decoderOf[Req](pattern)
	return declare[Req, Content](pattern, summary, "application/octet-stream", func(x *exchange) error {
		req, err := decode(x)
		if err != nil {
			return err
		}
		content, err := handle(&x.context, x.caller, req)
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		h := x.w.Header()
		h.Set("Content-Type", content.ContentType)
		h.Set("X-Content-Type-Options", "nosniff")
		// A stored file is never allowed to run anything in our origin.
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		disposition := "attachment"
		if content.Inline {
			disposition = "inline"
		}
		h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": content.Name}))
		if content.Size >= 0 {
			h.Set("Content-Length", strconv.FormatInt(content.Size, 10))
		}
		if content.MaxAge > 0 {
			h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(content.MaxAge.Seconds())))
		}
		return x.copy(content)
	})
}
