package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// mediaJSONFull is sent to the letter: some clients compare the whole string.
const mediaJSONFull = "application/json; charset=UTF-8"

// streamGap is how long a stream may wait for its reader to take one item.
const streamGap = 30 * time.Second

// StatusOf is the one table from kinds of fault to statuses (RFC 9110, section 15). Servers beside this one use it too.
func StatusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case fault.Timeout:
		return http.StatusRequestTimeout
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.UnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case fault.Unprocessable:
		return http.StatusUnprocessableEntity
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// ready puts the success of a request on record. Nothing of the answer is sent before it.
func (x *exchange) ready() error { return x.record(http.StatusOK) }

func (x *exchange) empty(status int) error {
	if err := x.ready(); err != nil {
		return err
	}
	x.w.WriteHeader(status)
	return nil
}

// steady writes the keys of maps in order, so that equal answers are equal byte for byte.
var steady = json.Deterministic(true)

// json sends v whole, so that a value that cannot be encoded is still an ordinary fault.
func (x *exchange) json(status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buf)
	if err := json.MarshalWrite(buf, v, steady); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if n := int64(buf.Len()); n > DefaultBody {
		giveBack, err := x.s.outgoing.take(x.caller.Binding(), n)
		if err != nil {
			return err
		}
		defer giveBack()
	}
	if err := x.ready(); err != nil {
		return err
	}
	media := mediaJSONFull
	switch h := x.w.Header(); x.rt.op.Family {
	case AdminAPI: // secrets and CSRF tokens, behind a cookie that caches on the way do not look at
		h["Cache-Control"], h["X-Content-Type-Options"] = []string{"no-store"}, []string{"nosniff"}
	case SCIMAPI:
		h["Cache-Control"], h["X-Content-Type-Options"] = []string{"no-store"}, []string{"nosniff"}
		media = mediaSCIM
	}
	if made, ok := v.(Made); ok {
		if at := made.MadeAt(); at != "" {
			status = http.StatusCreated
			x.w.Header()["Location"] = []string{at}
		}
	}
	x.send(status, media, buf.Bytes())
	return nil
}

// counted is the length up to which net/http counts an answer by itself.
const counted = 2000

func (x *exchange) send(status int, media string, body []byte) {
	h := x.w.Header()
	h["Content-Type"] = []string{media}
	if len(body) > counted {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a reader that went away is no error of ours
}

// copy sends the bytes of r; what goes wrong on the way can only break the connection.
func (x *exchange) copy(r io.Reader) error {
	if err := x.ready(); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusOK)
	_, err := io.Copy(&x.w, r)
	return err
}

type form func(buf *bytes.Buffer, n int, item []byte)

func linesForm(buf *bytes.Buffer, _ int, item []byte) {
	buf.Write(item)
	buf.WriteByte('\n')
}

func eventsForm(buf *bytes.Buffer, n int, item []byte) {
	fmt.Fprintf(buf, "id: %d\nevent: message\ndata: %s\n\n", n, item)
}

// stream sends items as they come. It asks the caller's admission again before each, so that a
// revoked token ends a stream as it ends everything else. An error after the first item is returned
// with the answer begun, which breaks the connection.
func stream[T any](x *exchange, media string, write form, items iter.Seq2[T, error]) error {
	control := http.NewResponseController(&x.w)
	var buf bytes.Buffer
	n := 0
	for item, err := range items {
		if err == nil && n > 0 {
			err = x.caller.Recheck()
		}
		if err != nil {
			return err
		}
		text, err := json.Marshal(item, steady)
		if err != nil {
			return fmt.Errorf("encode an item: %w", err)
		}
		if n++; n == 1 {
			if err := x.beginStream(media); err != nil {
				return err
			}
		}
		buf.Reset()
		write(&buf, n, text)
		_ = control.SetWriteDeadline(time.Now().Add(streamGap))
		if _, err := x.w.Write(buf.Bytes()); err != nil {
			return err
		}
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	if n == 0 {
		return x.beginStream(media)
	}
	return nil
}

func (x *exchange) beginStream(media string) error {
	if err := x.ready(); err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", media+"; charset=UTF-8")
	x.w.Header().Set("Cache-Control", "no-store")
	x.w.WriteHeader(http.StatusOK)
	return nil
}
