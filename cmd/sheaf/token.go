package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/admin"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/server"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make, list and revoke client tokens", Args: noArgs, RunE: needsVerb}
	cmd.AddCommand(newTokenCreate(), newTokenList(), newRevoke("a client token", func(ctx context.Context, core *server.Core, id string) error {
		return core.Authority.RevokeToken(ctx, core.Authority.Maintenance(), id)
	}))
	return cmd
}

func newTokenCreate() *cobra.Command {
	var o offline
	var permission, user, scopes, expires, description string
	cmd := &cobra.Command{
		Use: "create --data DIR --permission USER --user EMAIL --scopes SEARCH,CHAT", Short: "Make a client token and print its secret, once", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := authority.ParseScopes(splitList(scopes))
			if err != nil {
				return usageError{err}
			}
			end, err := parseExpiry(expires, time.Now())
			if err != nil {
				return err
			}
			if description == "" {
				description = "Made on the command line"
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				t, secret, err := core.Authority.CreateToken(ctx, core.Authority.Maintenance(), authority.NewToken{
					Description: description, Permission: authority.Permission(strings.ToUpper(permission)), Scopes: set, User: user, Expires: end,
				})
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.TokenOf(t, secret.Reveal()))
				}
				return printSecret(cmd.OutOrStdout(), t.ID, secret)
			})
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&permission, "permission", "", "GLOBAL, USER or ANONYMOUS")
	f.StringVar(&user, "user", "", "the address of the person that a USER token acts as")
	f.StringVar(&scopes, "scopes", "", "scopes separated by commas, or ALL")
	f.StringVar(&expires, "expires", "90d", "when the token ends: a number of days such as 90d, a date such as 2027-01-31, or never")
	f.StringVar(&description, "description", "", "what the token is for")
	return cmd
}

func printSecret(w io.Writer, id string, secret authority.Secret) error {
	_, err := fmt.Fprintf(w, "Token %s was made. Its secret is shown once:\n\n  %s\n", id, secret.Reveal())
	return err
}

func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// parseExpiry reads --expires. A date ends with its day, in UTC.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 3660 {
			return now.Add(time.Duration(n) * 24 * time.Hour).Truncate(time.Second), nil
		}
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return time.Time{}, usagef("--expires takes days such as 90d, a date such as 2027-01-31, or never")
}

func newTokenList() *cobra.Command {
	var o offline
	cmd := &cobra.Command{
		Use: "list --data DIR", Short: "List client tokens; secrets are never shown again", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				tokens, err := core.Authority.Tokens(ctx, core.Authority.Maintenance())
				if err != nil {
					return err
				}
				if o.json {
					list := admin.Tokens{Tokens: []admin.Token{}}
					for _, t := range tokens {
						list.Tokens = append(list.Tokens, admin.TokenOf(t, ""))
					}
					return printJSON(cmd.OutOrStdout(), list)
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTOKEN\tPERMISSION\tUSER\tSCOPES\tEXPIRES\tSTATE\tDESCRIPTION")
				for _, t := range tokens {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Mask, t.Permission, orDash(t.User.Email), t.Scopes, day(t.Expires), t.State, t.Description)
				}
				return w.Flush()
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}

// newRevoke is the command that ends a token of either kind.
func newRevoke(what string, revoke func(context.Context, *server.Core, string) error) *cobra.Command {
	var o offline
	cmd := &cobra.Command{
		Use: "revoke --data DIR ID", Short: "Revoke " + what + ", at once and for good",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name the token to revoke by its id")
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				if err := revoke(ctx, core, args[0]); err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"id": args[0], "revoked": true})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "Revoked %s.\n", args[0])
				return err
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func newIndexingToken() *cobra.Command {
	cmd := &cobra.Command{Use: "indexing-token", Short: "Make, list and revoke the tokens of connectors", Args: noArgs, RunE: needsVerb}
	cmd.AddCommand(newIndexingCreate(), newIndexingList(), newRevoke("an indexing token", func(ctx context.Context, core *server.Core, id string) error {
		return core.Authority.RevokeIndexingToken(ctx, core.Authority.Maintenance(), id)
	}))
	return cmd
}

func newIndexingCreate() *cobra.Command {
	var o offline
	var datasources, scopes, expires, description, cidrs string
	var rotation int64
	cmd := &cobra.Command{
		Use: "create --data DIR", Short: "Make an indexing token and print its secret, once", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := parseExpiry(expires, time.Now())
			if err != nil {
				return err
			}
			if end.IsZero() {
				return usagef("--expires: an indexing token always ends; give days or a date")
			}
			if description == "" {
				description = "Made on the command line"
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				t, secret, err := core.Authority.CreateIndexingToken(ctx, core.Authority.Maintenance(), authority.NewIndexingToken{
					Description: description, Datasources: splitList(datasources), Scopes: splitList(scopes), Expires: end, Addresses: splitList(cidrs), PeriodMinutes: rotation,
				})
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.IndexingTokenOf(t, secret.Reveal()))
				}
				return printSecret(cmd.OutOrStdout(), t.ID, secret)
			})
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&datasources, "datasources", "", "the datasources that it may write, separated by commas (default: all)")
	f.StringVar(&scopes, "scopes", "", "custommetadata:<group> or custommetadata:global_scope, separated by commas; without --datasources it then writes metadata alone")
	f.StringVar(&expires, "expires", "90d", "when the token ends: days such as 90d, or a date such as 2027-01-31")
	f.StringVar(&description, "description", "", "what the token is for")
	f.StringVar(&cidrs, "allowed-cidrs", "", "the address ranges that may use it, separated by commas (default: any)")
	f.Int64Var(&rotation, "rotation-minutes", 0, "the token is dead when it is not rotated within this many minutes, at least 1440")
	return cmd
}

func newIndexingList() *cobra.Command {
	var o offline
	cmd := &cobra.Command{
		Use: "list --data DIR", Short: "List indexing tokens; secrets are never shown again", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				tokens, err := core.Authority.IndexingTokens(ctx, core.Authority.Maintenance())
				if err != nil {
					return err
				}
				if o.json {
					list := admin.IndexingTokens{Tokens: []admin.IndexingToken{}}
					for _, t := range tokens {
						list.Tokens = append(list.Tokens, admin.IndexingTokenOf(t, ""))
					}
					return printJSON(cmd.OutOrStdout(), list)
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTOKEN\tDATASOURCES\tEXPIRES\tSTATE\tDESCRIPTION")
				for _, t := range tokens {
					names := "all"
					if t.Datasources != nil {
						names = strings.Join(append(slices.Clone(t.Datasources), t.Scopes...), ",")
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Mask, names, day(t.Expires), t.State, t.Description)
				}
				return w.Flush()
			})
		},
	}
	o.flags(cmd)
	return cmd
}
