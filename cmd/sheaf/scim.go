package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/admin"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/server"
)

func newSCIMToken() *cobra.Command {
	cmd := &cobra.Command{Use: "scim-token", Short: "Make, list and revoke the tokens with which identity providers provision people", Args: noArgs, RunE: needsVerb}
	cmd.AddCommand(newSCIMCreate(), newSCIMList(), newRevoke("a SCIM token", func(ctx context.Context, core *server.Core, id string) error {
		return core.Authority.RevokeSCIMToken(ctx, core.Authority.Maintenance(), id)
	}))
	return cmd
}

func newSCIMCreate() *cobra.Command {
	var o offline
	var expires, description string
	cmd := &cobra.Command{
		Use: "create --data DIR", Short: "Make a SCIM token and print its secret, once", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := parseExpiry(expires, time.Now())
			if err != nil {
				return err
			}
			if description == "" {
				description = "Made on the command line"
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				t, secret, err := core.Authority.CreateSCIMToken(ctx, core.Authority.Maintenance(), authority.NewSCIMToken{Description: description, Expires: end})
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.SCIMTokenOf(t, secret.Reveal()))
				}
				if err := printSecret(cmd.OutOrStdout(), t.ID, secret); err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nGive the identity provider this base URL: %s/scim/v2\n", core.PublicURL)
				return err
			})
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&expires, "expires", "365d", "when the token ends: a number of days such as 90d, a date such as 2027-01-31, or never")
	f.StringVar(&description, "description", "", "which identity provider uses the token")
	return cmd
}

func newSCIMList() *cobra.Command {
	var o offline
	cmd := &cobra.Command{
		Use: "list --data DIR", Short: "List SCIM tokens; secrets are never shown again", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				tokens, err := core.Authority.SCIMTokens(ctx, core.Authority.Maintenance())
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.SCIMTokensOf(tokens))
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTOKEN\tEXPIRES\tSTATE\tDESCRIPTION")
				for _, t := range tokens {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Mask, day(t.Expires), t.State, t.Description)
				}
				return w.Flush()
			})
		},
	}
	o.flags(cmd)
	return cmd
}
