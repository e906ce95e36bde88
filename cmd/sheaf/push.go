package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Bounds of one request of a push. They keep a batch well below what the server takes.
const (
	pushDocuments = 100
	pushBytes     = 5 << 20
)

type pushOptions struct {
	server, token, datasource, allow, baseURL string
	json                                      bool
}

func newPush() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push --datasource NAME --allow everyone|EMAIL,… PATH…",
		Short: "Put a folder of files, or a JSONL file of documents, into a running server",
		Long: `Puts files into a running server over its Indexing API.

A PATH that is a folder gives one document for each text, Markdown or HTML file below it; other files are counted and
left out. A PATH that ends in .jsonl holds one document a line, as the Indexing API takes them.

The token is an indexing token; make one with "sheaf indexing-token create", or in the console.`,
		RunE: func(cmd *cobra.Command, args []string) error { return push(cmd, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.server, "server", envOr("SHEAF_SERVER", "http://127.0.0.1:8080"), "the server's address (SHEAF_SERVER)")
	f.StringVar(&o.token, "token", "", "an indexing token (SHEAF_TOKEN)")
	f.StringVar(&o.datasource, "datasource", "", "the datasource to put documents into; made where it does not exist")
	f.StringVar(&o.allow, "allow", "", "who may read the files: everyone, or addresses separated by commas")
	f.StringVar(&o.baseURL, "base-url", "", "the address that the folder is served at, for the links of results (default: file://)")
	f.BoolVar(&o.json, "json", false, "print one JSON object in place of words")
	return cmd
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

var datasourceName = regexp.MustCompile(`^[A-Za-z0-9]+$`) //nolint:gochecknoglobals // constant

// pushed is what a push did, as --json prints it.
type pushed struct {
	Documents int            `json:"documents"`
	Bytes     int64          `json:"bytes"`
	Skipped   map[string]int `json:"skipped"` // by reason
}

func push(cmd *cobra.Command, o pushOptions, paths []string) error {
	if o.token == "" {
		o.token = os.Getenv("SHEAF_TOKEN")
	}
	switch {
	case len(paths) == 0:
		return usagef("name a folder or a .jsonl file to push")
	case !datasourceName.MatchString(o.datasource):
		return usagef("--datasource takes a name of letters and digits")
	case o.token == "":
		return usagef("--token, or SHEAF_TOKEN, takes an indexing token")
	}
	readers, err := readersOf(o.allow)
	if err != nil {
		return err
	}
	source := &source{datasource: o.datasource, readers: readers, base: o.baseURL, skipped: map[string]int{}}
	total, err := source.survey(paths)
	if err != nil {
		return err
	}
	client := newPushClient(o.server, o.token)
	if err := client.ensureDatasource(cmd.Context(), o.datasource); err != nil {
		return err
	}
	bar := progress(cmd.ErrOrStderr(), total, o.json)
	done := pushed{Skipped: source.skipped}
	err = pushBatches(cmd.Context(), client, source, paths, func(n int, size int64) {
		done.Documents += n
		done.Bytes += size
		_ = bar.Add64(size) // a bar that cannot be drawn stops nothing
	})
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Pushed %d documents (%d KiB) into %s.\n", done.Documents, done.Bytes>>10, o.datasource)
	for reason, n := range source.skipped {
		fmt.Fprintf(out, "Left out %d: %s.\n", n, reason)
	}
	return nil
}

// pushBatches sends documents as they are read, and reports each batch once the server has it.
func pushBatches(ctx context.Context, client *pushClient, source *source, paths []string, sent func(int, int64)) error {
	var batch []document
	var size, read int64
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := client.documents(ctx, source.datasource, batch); err != nil {
			return err
		}
		sent(len(batch), read)
		batch, size, read = batch[:0], 0, 0
		return nil
	}
	for item, err := range source.documents(paths) {
		if err != nil {
			return err
		}
		if len(batch) == pushDocuments || size+int64(len(item.encoded)) > pushBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch = append(batch, item.encoded)
		size += int64(len(item.encoded))
		read += item.read
	}
	return flush()
}

// readersOf turns --allow into permissions. There is no default: a folder pushed by mistake for everyone
// cannot be unseen.
func readersOf(allow string) (permissions, error) {
	switch allow {
	case "":
		return permissions{}, usagef("say who may read the files: --allow everyone, or --allow ada@example.com,bob@example.com")
	case "everyone":
		return permissions{Everyone: true}, nil
	}
	var p permissions
	for address := range strings.SplitSeq(allow, ",") {
		address = strings.TrimSpace(address)
		if !strings.Contains(address, "@") {
			return permissions{}, usagef("--allow: %q is not an address", address)
		}
		p.Users = append(p.Users, userRef{Email: address})
	}
	return p, nil
}

// progress draws a bar where a person is looking.
func progress(w io.Writer, total int64, quiet bool) *progressbar.ProgressBar {
	f, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) { //nolint:gosec // a descriptor fits an int
		return progressbar.DefaultSilent(total)
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("Pushing"), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
}
