package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/demo/load"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
)

// demoTime bounds the wait for the sample company to be searchable.
const demoTime = 30 * time.Second

func newDemo() *cobra.Command {
	var o serveOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a server with a sample company in it, to try things out", Args: noArgs,
		Long: `Runs a server with a sample company in a temporary directory, which is removed at the end. Nothing of it is kept.

It prints a sign-in link, tokens and a first command to paste.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			unknown, err := settle(cmd, os.Environ())
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "sheaf-demo-")
			if err != nil {
				return fmt.Errorf("make a temporary directory: %w", err)
			}
			defer func() { _ = os.RemoveAll(dir) }() // the system clears what stays
			// Whatever a server of this machine is set to: the sample company, and the tokens that are printed, never go into its database.
			o.data, o.database, o.newDatasources, o.temporary = dir, "", "visible", true
			company, err := demo.Company(time.Now())
			if err != nil {
				return err
			}
			o.adminEmail = company.Admin
			return o.run(cmd.Context(), cmd.ErrOrStderr(), unknown, func(s *server.Server) error {
				return greetDemo(cmd.Context(), cmd.OutOrStdout(), s, company, asJSON)
			})
		},
	}
	o.flags(cmd)
	for _, name := range []string{"data", "database", "admin-email", "new-datasources"} {
		_ = cmd.Flags().MarkHidden(name) // the sample company decides them
	}
	_ = cmd.Flags().Set("log-level", "warn") // the flag is ours, and the value one of its own
	cmd.Flags().Lookup("log-level").Changed = false
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object in place of words")
	return cmd
}

// demoKeys are what a newcomer starts with.
type demoKeys struct {
	URL           string `json:"url"`
	SignInURL     string `json:"signInUrl"`
	Code          string `json:"code"`
	Admin         string `json:"admin"`
	UserToken     string `json:"userToken"`
	User          string `json:"user"`
	GlobalToken   string `json:"globalToken"`
	IndexingToken string `json:"indexingToken"`
}

// greetDemo fills the server with the company and prints how to use it.
func greetDemo(ctx context.Context, w io.Writer, s *server.Server, company *demo.Sample, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	host := s.Authority.Maintenance()
	if err := load.Into(ctx, s.People, s.Corpus, host, company); err != nil {
		return err
	}
	keys, err := makeDemoKeys(ctx, s, company)
	if err != nil {
		return err
	}
	if err := s.Indexer.CatchUp(ctx); err != nil {
		return fmt.Errorf("index the sample company: %w", err)
	}
	if asJSON {
		return printJSON(w, keys)
	}
	example := demo.Examples()[0]
	fmt.Fprintf(w, `%s is a sample company of %d people and %d documents. It is gone when you stop this server.

Sign in as %s, who administers it, within 15 minutes, once:
  %s

A token that acts as %s, with every scope:
  %s

One that acts as anyone, named in the header X-Glean-ActAs:
  %s

One for connectors, to put documents in:
  %s

A first search:
  curl -s %s/rest/api/v1/search \
    -H "Authorization: Bearer %s" \
    -H "Content-Type: application/json" \
    -d '{"query": "%s"}'

`, company.Name, len(company.People), len(company.Documents), keys.Admin, keys.SignInURL, keys.User, keys.UserToken,
		keys.GlobalToken, keys.IndexingToken, keys.URL, keys.UserToken, example.Query)
	return nil
}

func makeDemoKeys(ctx context.Context, s *server.Server, company *demo.Sample) (demoKeys, error) {
	host := s.Authority.Maintenance()
	keys := demoKeys{URL: s.PublicURL.String(), Admin: company.Admin, User: demo.Examples()[0].Email}
	end := time.Now().AddDate(0, 0, 90)
	link, err := s.Authority.CreateLink(ctx, host, company.Admin)
	if err != nil {
		return keys, err
	}
	keys.SignInURL, keys.Code = link.URL, link.Code.Reveal()
	_, user, err := s.Authority.CreateToken(ctx, host, authority.NewToken{
		Description: "First searches", Permission: authority.User, Scopes: grant.AllScopes, User: keys.User, Expires: end,
	})
	if err != nil {
		return keys, err
	}
	_, global, err := s.Authority.CreateToken(ctx, host, authority.NewToken{
		Description: "Intranet search box", Permission: authority.Global, Scopes: grant.AllScopes, Expires: end,
	})
	if err != nil {
		return keys, err
	}
	_, indexing, err := s.Authority.CreateIndexingToken(ctx, host, authority.NewIndexingToken{Description: "A connector to try", Expires: end})
	keys.UserToken, keys.GlobalToken, keys.IndexingToken = user.Reveal(), global.Reveal(), indexing.Reveal()
	return keys, err
}
