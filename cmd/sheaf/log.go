package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// flushEvery is how long a line of the log may wait in memory. A request then costs no system call
// for its line, and a kill loses at most this much of the log.
const flushEvery = 200 * time.Millisecond

// lazyWriter buffers what is written and passes it on within flushEvery.
type lazyWriter struct {
	mu   sync.Mutex // guards buf
	buf  *bufio.Writer
	stop chan struct{}
	done sync.WaitGroup
}

func newLazyWriter(w io.Writer) *lazyWriter {
	l := &lazyWriter{buf: bufio.NewWriterSize(w, 64<<10), stop: make(chan struct{})}
	l.done.Go(func() {
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.Flush()
			case <-l.stop:
				l.Flush()
				return
			}
		}
	})
	return l
}

func (l *lazyWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// Flush passes on what is buffered.
func (l *lazyWriter) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.buf.Flush() // there is nowhere to report a log that cannot be written
}

// Close flushes and ends the writer's goroutine.
func (l *lazyWriter) Close() {
	close(l.stop)
	l.done.Wait()
}

// urgentHandler flushes after each line that somebody should see now.
type urgentHandler struct {
	slog.Handler
	flush func()
}

func (u urgentHandler) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.flush()
	}
	return err
}

func (u urgentHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgentHandler{u.Handler.WithAttrs(attrs), u.flush}
}

func (u urgentHandler) WithGroup(name string) slog.Handler {
	return urgentHandler{u.Handler.WithGroup(name), u.flush}
}

// newLog returns a log that writes to w, as JSON, or as text where a person is reading. The
// function it returns ends it.
func newLog(w io.Writer, level slog.Level) (*slog.Logger, func()) {
	lazy := newLazyWriter(w)
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewJSONHandler(lazy, options)
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		h = slog.NewTextHandler(lazy, options)
	}
	return slog.New(urgentHandler{h, lazy.Flush}), lazy.Close
}
