// Package extract takes the readable text out of what connectors send: plain text, HTML, Markdown, PDF, and the documents of office programs.
//
// Its one idea is that content is hostile until it has been read. Every reader is bounded in the bytes that it inflates, in the text that it
// gives, in depth and in time, few run at once, and a panic of a reader is the error of the one document that caused it. The type that a
// connector declares is believed only as far as the content bears it out. Errors are faults that say what to mend. Package corpus and the
// rooms of intake call it.
package extract

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/extract/pdf"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// Text is what a reader sees of some content.
type Text struct {
	MimeType string // what the content is, without parameters, in lower case
	Title    string // what the content itself gives as its title, on one line; may be ""
	Text     string
}

// Content is something to read.
type Content struct {
	// MimeType is what the sender says that it is, with or without parameters; "" and application/octet-stream leave it to be found out.
	MimeType string
	// Filename helps to find out. It may be "".
	Filename string
	// Data is the content. Characters reports that it came as text, so that its charset is UTF-8 whatever MimeType says.
	Data       []byte
	Characters bool
}

// Bounds of one piece of content. Connectors that reach one learn its name.
const (
	MaxContent = 32 << 20 // bytes as sent
	MaxText    = 8 << 20  // bytes of text
	MaxTitle   = 2000     // bytes of a title
	MaxPages   = 10_000   // of a PDF
	MaxTime    = 10 * time.Second

	maxInflated = 96 << 20 // bytes of all parts together, decompressed
)

// Reader reads content, a few heavy ones at once. It is safe for concurrent use.
type Reader struct {
	turns chan struct{} // one for each document of a heavy format that is being read
}

// heavyAtOnce bounds how many documents of formats that are unpacked, and how many large ones, are read at once: each may take some two hundred MB
// for a moment.
const heavyAtOnce = 2

// maxLight is the size in bytes from which content counts as heavy whatever it is: markup takes hundreds of times the memory of its bytes.
const maxLight = 256 << 10

// New returns a Reader.
func New() *Reader { return &Reader{turns: make(chan struct{}, heavyAtOnce)} }

// Read returns the text of c. What it cannot read is a fault.Invalid or fault.TooLarge whose message says why; its field is mimeType where
// another type would help. Content without text, such as scanned pages, gives none, and is no error.
func (r *Reader) Read(ctx context.Context, c Content) (Text, error) {
	if len(c.Data) > MaxContent {
		return Text{}, fault.Newf(fault.TooLarge, "Content has at most %d bytes.", MaxContent)
	}
	kind, charset, err := detect(c)
	if err != nil {
		return Text{}, err
	}
	if kind.heavy || len(c.Data) > maxLight {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, MaxTime)
		defer cancel()
		select {
		case r.turns <- struct{}{}:
			defer func() { <-r.turns }()
		case <-ctx.Done():
			f := fault.New(fault.Unavailable, "Too many large documents are being read. Send this one again.")
			f.RetryAfter = time.Second
			return Text{}, f.Wrap(ctx.Err())
		}
	}
	title, body, err := kind.safely(ctx, c.Data, charset)
	if err != nil {
		return Text{}, kind.fault(ctx, err)
	}
	t := Text{MimeType: kind.mime, Title: oneLine(title), Text: strings.TrimSpace(clean(body))}
	if len(t.Text) > MaxText {
		return Text{}, kind.fault(ctx, errTooMuch)
	}
	return t, nil
}

// What readers fail with, beside the errors of package pdf.
var (
	errTooMuch   = errors.New("more text, or more to unpack, than is read")
	errBroken    = errors.New("not in its format")
	errEncrypted = errors.New("encrypted")
	errPanic     = errors.New("panic")
)

// safely runs the kind's reader. A panic is an error.
func (k kind) safely(ctx context.Context, data []byte, charset string) (title, body string, err error) {
	defer func() {
		if p := recover(); p != nil {
			title, body, err = "", "", fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return k.read(ctx, data, charset)
}

// fault says what is wrong with content of this kind.
func (k kind) fault(ctx context.Context, err error) error {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, errTooMuch), errors.Is(err, pdf.ErrTooLarge):
		return fault.Newf(fault.TooLarge, "The %s holds more than %d MiB of text, or unpacks to more than %d MiB. Send its text in parts, or less of it.", k.name, MaxText>>20, maxInflated>>20).Wrap(err)
	case errors.Is(err, errEncrypted), errors.Is(err, pdf.ErrEncrypted):
		return fault.Newf(fault.Invalid, "The %s is encrypted. Send it without encryption, or its text as text/plain.", k.name).Wrap(err)
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Newf(fault.Invalid, "The %s takes longer than %s to read. Send its text as text/plain.", k.name, MaxTime).Wrap(err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fault.Newf(fault.Invalid, "The %s cannot be read: it is damaged, or no %s. Send its text as text/plain.", k.name, k.name).Wrap(err)
}

// clean takes out what says nothing to a reader and what no database keeps.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// oneLine makes a title of some text: one line, cut at the bound of titles.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	return strings.ToValidUTF8(s[:min(len(s), MaxTitle)], "")
}

// tidy joins the spaces of each line and drops empty lines.
func tidy(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for line := range strings.Lines(s) {
		if words := strings.Fields(line); len(words) > 0 {
			out.WriteString(strings.Join(words, " "))
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// text collects what a reader reads, up to MaxText.
type text struct {
	strings.Builder
	full bool
}

func (t *text) write(s string) {
	if t.Len()+len(s) > MaxText {
		t.full = true
		return
	}
	t.WriteString(s)
}

// done returns the text, or errTooMuch.
func (t *text) done() (string, error) {
	if t.full {
		return "", errTooMuch
	}
	return t.String(), nil
}

func readPDF(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	t, err := pdf.Read(ctx, data, pdf.Limits{Pages: MaxPages, Inflated: maxInflated, Text: MaxText})
	return t.Title, tidy(ligatures.Replace(t.Body)), err
}
