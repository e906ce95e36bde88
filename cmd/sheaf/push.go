package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/server"
)

// Bounds of one request of a push. They keep a batch well below what the server takes.
const (
	pushDocuments = 100
	pushBytes     = 5 << 20
)

type pushOptions struct {
	offline
	server, token, datasource, allow, baseURL string
}

func newPush() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push [--datasource NAME] [--allow everyone|EMAIL,…] PATH…",
		Short: "Put a folder of files, or a JSONL file of documents, into a running server",
		Long: `Puts files into a running server over its Indexing API.

A PATH that is a folder gives one document for each text, Markdown, HTML, PDF or Office file below it; other files are counted and
left out. A PATH that ends in .jsonl holds one document a line, as the Indexing API takes them.

It needs an indexing token, from --token or SHEAF_TOKEN; make one in the console, or with "sheaf indexing-token create". On the
server's own host, --data names its data directory instead, and a token is made for this one push.`,
		RunE: func(cmd *cobra.Command, args []string) error { return push(cmd, o, args) },
	}
	f := cmd.Flags()
	o.flags(cmd)
	f.StringVar(&o.server, "server", "", "the server's address, or SHEAF_SERVER (default: the public address that --data knows, else "+server.DefaultPublicURL+")")
	f.StringVar(&o.token, "token", "", "an indexing token, or SHEAF_TOKEN")
	f.StringVar(&o.datasource, "datasource", "", "the datasource to put documents into, made where it does not exist (default: the first path's own name)")
	f.StringVar(&o.allow, "allow", "everyone", "who may read the files: everyone, or addresses separated by commas")
	f.StringVar(&o.baseURL, "base-url", "", "the address that the folder is served at, for the links of results (default: file://)")
	return cmd
}

var (
	datasourceName = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	notInName      = regexp.MustCompile(`[^A-Za-z0-9]`)
)

// pushed is what a push did, as --json prints it.
type pushed struct {
	Documents int            `json:"documents"`
	Bytes     int64          `json:"bytes"`
	Skipped   map[string]int `json:"skipped"` // by reason
}

// resolve fills what the flags leave out.
func (o *pushOptions) resolve(paths []string) error {
	if len(paths) == 0 {
		return usagef("name a folder or a .jsonl file to push")
	}
	if o.token == "" {
		o.token = os.Getenv("SHEAF_TOKEN")
	}
	if o.server == "" {
		o.server = os.Getenv("SHEAF_SERVER")
	}
	if o.datasource == "" {
		absolute, err := filepath.Abs(paths[0])
		if err != nil {
			return err
		}
		base := filepath.Base(absolute)
		o.datasource = strings.ToLower(notInName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), ""))
	}
	switch {
	case !datasourceName.MatchString(o.datasource):
		return usagef("--datasource takes a name of letters and digits")
	case o.token == "" && o.data == "" && o.database == "":
		return usagef("--token, or SHEAF_TOKEN, takes an indexing token; on the server's host, --data can name its data directory instead")
	}
	return nil
}

func push(cmd *cobra.Command, o pushOptions, paths []string) error {
	if err := o.resolve(paths); err != nil {
		return err
	}
	if o.token != "" {
		if o.server == "" {
			o.server = server.DefaultPublicURL
		}
		return o.push(cmd, paths)
	}
	return o.core(cmd, func(ctx context.Context, core *server.Core) (err error) {
		if o.server == "" {
			o.server = core.PublicURL.String()
		}
		host := core.Authority.Maintenance()
		t, secret, err := core.Authority.CreateIndexingToken(ctx, host, authority.NewIndexingToken{
			Description: "sheaf push", Datasources: []string{o.datasource}, Expires: time.Now().Add(24 * time.Hour),
		})
		if err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, core.Authority.RevokeIndexingToken(context.WithoutCancel(ctx), host, t.ID))
		}()
		o.token = secret.Reveal()
		return o.push(cmd, paths)
	})
}

func (o *pushOptions) push(cmd *cobra.Command, paths []string) error {
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
	if err := client.ensureUsers(cmd.Context(), o.datasource, readers.Users); err != nil {
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
	fmt.Fprintf(out, "Pushed %s (%d KiB) into %s, for %s to read.\n", documents(done.Documents), (done.Bytes+1023)>>10, o.datasource, o.allow)
	for reason, n := range source.skipped {
		fmt.Fprintf(out, "Left out %d: %s.\n", n, reason)
	}
	return nil
}

// pushBatches sends documents as they are read, and reports each batch once the server has it.
func pushBatches(ctx context.Context, client *pushClient, source *source, paths []string, sent func(int, int64)) error {
	var batch []item
	var size int64
	flush := func() error {
		for len(batch) > 0 {
			refused, err := client.documents(ctx, source.datasource, batch)
			if err == nil {
				break
			}
			if refused < 0 || batch[refused].name == "" {
				return err
			}
			source.skipped["a body that the server cannot read"]++
			batch = slices.Delete(batch, refused, refused+1)
		}
		read := int64(0)
		for _, item := range batch {
			read += item.read
		}
		sent(len(batch), read)
		batch, size = batch[:0], 0
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
		batch = append(batch, item)
		size += int64(len(item.encoded))
	}
	return flush()
}

// readersOf turns --allow into permissions.
func readersOf(allow string) (permissions, error) {
	if allow == "everyone" {
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
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return progressbar.DefaultSilent(total)
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("Pushing"), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
}

// documents counts them in words.
func documents(n int) string {
	if n == 1 {
		return "1 document"
	}
	return fmt.Sprintf("%d documents", n)
}
