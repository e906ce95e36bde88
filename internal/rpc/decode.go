package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Strict options: exact key case, no duplicate names, no invalid UTF-8 (the library's defaults).
// Unknown names are the one thing that families treat differently.
var (
	lenient = json.JoinOptions(json.MatchCaseInsensitiveNames(false), jsontext.AllowDuplicateNames(false))
	closed  = json.JoinOptions(lenient, json.RejectUnknownMembers(true))
)

func isNone[T any]() bool { return reflect.TypeFor[T]() == none }

// decoderOf returns the function that reads a Req from an exchange.
func decoderOf[Req any](pattern string) func(*exchange) (Req, error) {
	fill := fillerOf[Req](pattern)
	names := reflect.TypeFor[Req]().Implements(reflect.TypeFor[subjecter]())
	many := reflect.TypeFor[Req]().Implements(reflect.TypeFor[counter]())
	hasBody := !isNone[Req]() && !strings.HasPrefix(pattern, "GET ") && !strings.HasPrefix(pattern, "DELETE ")
	needsBody := !allFromURL(reflect.TypeFor[Req]()) && !reflect.TypeFor[Req]().Implements(reflect.TypeFor[bodyless]())
	return func(x *exchange) (req Req, err error) {
		if hasBody && (needsBody || x.r.ContentLength != 0) {
			if err = x.decode(&req); err != nil {
				return req, err
			}
		}
		if err = fill(x, &req); err == nil && names {
			x.subject = any(req).(subjecter).AuditSubject()
		}
		if err == nil && many {
			err = x.s.limits.Documents(x.caller, any(req).(counter).RateDocuments(), x.begun)
		}
		return req, err
	}
}

// allFromURL reports whether a request has nothing to say in a body. It may then come without one.
func allFromURL(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("json") != "-" {
			return false
		}
	}
	return t.NumField() > 0
}

// bodyless is a request that may come without a body.
type bodyless interface{ BodyOptional() }

// subjecter is a request that names the thing it acts on, for the audit log.
type subjecter interface{ AuditSubject() string }

// counter is a request that holds documents which have a rate of their own.
type counter interface{ RateDocuments() int }

// fillerOf returns the function that fills the fields of Req that come from the URL or a header. It panics on a
// field of a kind that it does not know.
func fillerOf[Req any](pattern string) func(*exchange, *Req) error {
	type slot struct {
		index  []int
		name   string
		path   bool
		header bool
		kind   reflect.Kind
	}
	var slots []slot
	if t := reflect.TypeFor[Req](); t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			name, path := f.Tag.Lookup("path")
			header := false
			if !path {
				name = f.Tag.Get("query")
			}
			if name == "" {
				name, header = f.Tag.Lookup("header")
			}
			if name == "" {
				continue
			}
			switch f.Type.Kind() {
			case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
			case reflect.Slice:
				if path || f.Type.Elem().Kind() != reflect.String {
					panic(fmt.Sprintf("rpc: %s: field %s of the URL is a %s", pattern, f.Name, f.Type))
				}
			default:
				panic(fmt.Sprintf("rpc: %s: field %s of the URL is a %s", pattern, f.Name, f.Type))
			}
			slots = append(slots, slot{f.Index, name, path, header, f.Type.Kind()})
		}
	}
	if len(slots) == 0 {
		return func(*exchange, *Req) error { return nil }
	}
	return func(x *exchange, req *Req) error {
		var query url.Values
		if x.r.URL.RawQuery != "" {
			query = x.r.URL.Query()
		}
		for _, s := range slots {
			text := ""
			switch {
			case s.path:
				text = x.r.PathValue(s.name)
			case s.header: // several lines of one header are a list (RFC 9110, section 5.3)
				text = strings.Join(x.r.Header.Values(s.name), ",")
			case s.kind == reflect.Slice: // a parameter that is repeated
				for _, text := range query[s.name] {
					if !clean(text) {
						return fault.Newf(fault.Invalid, "The parameter %s is not text in UTF-8.", s.name).WithField(s.name)
					}
				}
				reflect.ValueOf(req).Elem().FieldByIndex(s.index).Set(reflect.ValueOf(query[s.name]))
				continue
			default:
				if len(query[s.name]) > 1 {
					return fault.Newf(fault.Invalid, "The query parameter %s is given more than once.", s.name).WithField(s.name)
				}
				text = query.Get(s.name)
			}
			if text == "" {
				continue
			}
			if !clean(text) {
				return fault.Newf(fault.Invalid, "The parameter %s is not text in UTF-8.", s.name).WithField(s.name)
			}
			if err := setText(reflect.ValueOf(req).Elem().FieldByIndex(s.index), s.kind, text); err != nil {
				return fault.Newf(fault.Invalid, "The parameter %s is not a %s.", s.name, kindWord(s.kind)).WithField(s.name)
			}
		}
		return nil
	}
}

// clean reports whether a text of the URL is one that SQL can hold.
func clean(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

func setText(v reflect.Value, kind reflect.Kind, text string) error {
	switch kind {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
		return err
	default:
		v.SetString(text)
		return nil
	}
}

// body returns the request's body, decompressed and bounded.
func (x *exchange) body() (io.Reader, error) {
	if x.r.ContentLength > x.rt.op.MaxBody {
		return nil, x.tooLarge()
	}
	encoding := strings.ToLower(x.r.Header.Get("Content-Encoding"))
	if x.r.ContentLength >= 0 && encoding == "" {
		return x.r.Body, nil // net/http reads no further than the length that was checked above
	}
	limited := http.MaxBytesReader(&x.w, x.r.Body, x.rt.op.MaxBody)
	switch encoding {
	case "", "identity":
		return limited, nil
	case "gzip":
		unzipped, err := gzip.NewReader(limited)
		if err != nil {
			return nil, fault.New(fault.Invalid, "The body is not the gzip that Content-Encoding promises.").Wrap(err)
		}
		return &boundedReader{r: unzipped, left: x.rt.op.MaxBody}, nil
	default:
		return nil, fault.New(fault.UnsupportedMedia, "Content-Encoding can be gzip or absent.")
	}
}

// boundedReader bounds what a small compressed body can grow into.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &http.MaxBytesError{}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n, &http.MaxBytesError{}
	}
	return n, err
}

// largeStep is how much of the memory for large bodies is taken at a time, and largeWait for how long a body that
// has begun waits for the next step. Bodies that hold memory and wait for each other end by it.
const (
	largeStep = 4 << 20
	largeWait = 5 * time.Second
)

// meteredReader takes memory for what has arrived of a large body, not for what is announced, so that whoever sends
// slowly, or says no size, keeps nobody waiting. What a body of ordinary size takes is free.
type meteredReader struct {
	x    *exchange
	r    io.Reader
	read int64
	held int64
}

func (m *meteredReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.read += int64(n); m.read <= DefaultBody+m.held {
		return n, err
	}
	ctx, cancel := context.WithTimeout(&m.x.context, largeWait)
	defer cancel()
	if err := m.x.s.large.Acquire(ctx, largeStep); err != nil {
		f := fault.New(fault.Unavailable, "Too many large bodies are being read. Try again in a moment, or send less at a time.")
		f.RetryAfter = time.Second
		return 0, f.Wrap(err)
	}
	m.held += largeStep
	return n, err
}

func (m *meteredReader) release() {
	if m.held > 0 {
		m.x.s.large.Release(m.held)
	}
}

func (x *exchange) tooLarge() *fault.Fault {
	return fault.Newf(fault.TooLarge, "The request body is larger than %d bytes. Send less at a time.", x.rt.op.MaxBody)
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps one large body from holding its memory for ever.
const maxPooled = 1 << 20

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// decode reads the body, one JSON object, into req.
func (x *exchange) decode(req any) error {
	if ct := x.r.Header.Get("Content-Type"); ct != "" && ct != mediaJSON {
		if media, _, err := mime.ParseMediaType(ct); err != nil || media != mediaJSON && (media != mediaSCIM || x.rt.op.Family != SCIMAPI) {
			return fault.New(fault.UnsupportedMedia, "Send the body as JSON with Content-Type: application/json.")
		}
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	metered := meteredReader{x: x, r: body}
	defer metered.release()
	buf := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buf)
	if err := x.readAll(buf, &metered); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return x.tooLarge().Wrap(err)
		}
		return bodyFault(err, "The request body could not be read to its end.")
	}
	switch text := bytes.TrimLeft(buf.Bytes(), " \t\r\n"); {
	case len(text) == 0:
		return fault.New(fault.Invalid, "The request body is empty. Send a JSON object.")
	case text[0] != '{':
		return fault.New(fault.Invalid, "The request body is not a JSON object.")
	}
	options := lenient
	if x.rt.op.Family.Closed() {
		options = closed
	}
	if err := json.Unmarshal(buf.Bytes(), req, options); err != nil {
		return jsonFault(err)
	}
	return nil
}

// readAll reads r into buf, which is empty. Room for what comes is doubled as it arrives, as bytes.Buffer has it, but
// never past what the body may have, so that a body of the largest size takes its size and a half rather than thrice.
func (x *exchange) readAll(buf *bytes.Buffer, r io.Reader) error {
	most := x.rt.op.MaxBody + 1
	if n := x.r.ContentLength; n >= 0 && x.r.Header.Get("Content-Encoding") == "" {
		most = n + 1 // one more, so that the end is read without growing
		if most <= maxPooled {
			buf.Grow(int(most))
		}
	}
	text := buf.AvailableBuffer()
	for {
		if len(text) == cap(text) {
			larger := make([]byte, len(text), max(min(int64(2*cap(text)), most), int64(len(text)+bytes.MinRead)))
			copy(larger, text)
			text = larger
		}
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err != nil {
			*buf = *bytes.NewBuffer(text)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// bodyFault tells an oversized body and a fault of our own apart from a broken one.
func bodyFault(err error, message string) error {
	if _, ok := errors.AsType[*fault.Fault](err); ok {
		return err
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return fault.New(fault.TooLarge, "The request body is too large. Send less at a time.").Wrap(err)
	}
	return fault.New(fault.Invalid, message).Wrap(err)
}

// jsonFault says in words of ours where the body is wrong and what is wanted there.
func jsonFault(err error) error {
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		field := pointerText(se.JSONPointer)
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return fault.Newf(fault.Invalid, "Unknown field %s.", field).WithField(field).Wrap(err)
		case se.GoType != nil:
			return fault.Newf(fault.Invalid, "The value of %s is not a %s.", field, typeWord(se.GoType)).WithField(field).Wrap(err)
		default:
			return fault.Newf(fault.Invalid, "The value of %s cannot be used here.", field).WithField(field).Wrap(err)
		}
	}
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			field := pointerText(se.JSONPointer)
			return fault.Newf(fault.Invalid, "The field %s is given twice.", field).WithField(field).Wrap(err)
		}
		return fault.Newf(fault.Invalid, "The request body is not valid JSON at byte %d.", se.ByteOffset).Wrap(err)
	}
	return fault.New(fault.Invalid, "The request body is not the JSON that this operation takes.").Wrap(err)
}

// pointerText shows a JSON Pointer as people write paths: a.b[2].c. It is cut, since its names are the caller's.
func pointerText(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.Atoi(token); err == nil && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
		if b.Len() > 200 {
			return b.String()[:200]
		}
	}
	if b.Len() == 0 {
		return "the body"
	}
	return b.String()
}

func typeWord(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return kindWord(t.Kind())
}

func kindWord(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Struct, reflect.Map:
		return "JSON object"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "whole number in range"
	default:
		return "value of the right kind"
	}
}
