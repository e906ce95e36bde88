package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/server"
)

// config is the server's configuration for a command that looks after its data. What such a command is not told, the
// retention of the audit log for one, it leaves as it is.
func (o *offline) config() server.Config {
	return server.Config{Data: o.data, Database: o.database, PublicURL: o.publicURL, AuditRetention: -1}
}

// settled fills the flags in from the environment and the configuration file, and refuses a command without data.
func (o *offline) settled(cmd *cobra.Command) error {
	if err := settleOffline(cmd); err != nil {
		return err
	}
	if o.data == "" && o.database == "" {
		return usagef("--data names the server's data directory")
	}
	return nil
}

func newReindex() *cobra.Command {
	return newIndexWork(server.Reindex, "Build the search index anew from the documents",
		`Builds the search index anew from the documents, beside the present one, so that searches go on meanwhile.

A server that runs on the data directory does the work, and the command follows it; ctrl-C then stops following, not
the work. Where no server runs, the command does the work itself.`)
}

func newCheck() *cobra.Command {
	return newIndexWork(server.Check, "Compare the search index with the documents, and the database with itself",
		`Checks that the database is whole, that its rows fit each other, and that the search index holds each document for
exactly its readers, and nothing else. Exit code 1 says that something differs; the first few are named.

A server that runs on the data directory does the work, and the command follows it; ctrl-C then stops following, not
the work. Where no server runs, the command does the work itself.`)
}

// jobJSON is a job as --json prints it.
type jobJSON struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	State   string `json:"state"`
	Done    int64  `json:"done"`
	Total   int64  `json:"total"`
	Message string `json:"message"`
}

// errUnfit ends a command whose job has failed and which has said so already.
var errUnfit = errors.New("the job has failed")

// newIndexWork is the command that has one kind of work done on an index.
func newIndexWork(kind job.Kind, short, long string) *cobra.Command {
	var o offline
	cmd := &cobra.Command{
		Use: string(kind) + " --data DIR", Short: short, Long: long, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.settled(cmd); err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr(), o.json, string(kind), false)
			j, err := server.Maintain(cmd.Context(), o.config(), kind, func(j job.Job) { bar.show(j.Done, j.Total) })
			bar.end()
			if errors.Is(err, server.ErrLeft) {
				return fmt.Errorf("stopped following the job %s. A server that runs on this data directory goes on with it; otherwise it waits for the next one", j.ID)
			}
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), jobJSON{j.ID, string(j.Kind), string(j.State), j.Done, j.Total, j.Message})
			} else {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), j.Message)
			}
			if err == nil && j.State == job.Failed {
				err = fmt.Errorf("%s: %w", kind, errUnfit)
			}
			return err
		},
	}
	o.flags(cmd)
	return cmd
}

// bar shows how far something is where a person is looking, and nothing elsewhere.
type bar struct {
	out   io.Writer
	what  string
	bytes bool
	drawn *progressbar.ProgressBar // once the total is known
}

func newBar(out io.Writer, quiet bool, what string, bytes bool) *bar {
	f, ok := out.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		out = nil
	}
	return &bar{out: out, what: what, bytes: bytes}
}

func (b *bar) show(done, total int64) {
	if b.out == nil || total == 0 {
		return
	}
	if b.drawn == nil {
		b.drawn = progressbar.NewOptions64(total, progressbar.OptionSetWriter(b.out), progressbar.OptionShowBytes(b.bytes),
			progressbar.OptionSetDescription(b.what), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	_ = b.drawn.Set64(min(done, total)) // a bar that cannot be drawn stops nothing
}

func (b *bar) end() {
	if b.drawn != nil {
		_ = b.drawn.Finish()
	}
}
