package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/admin"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
)

// backupJSON is a backup as --json prints it.
type backupJSON struct {
	File        string `json:"file"`
	Bytes       int64  `json:"bytes"` // of the database in it
	Schema      int64  `json:"schema"`
	TakenAt     int64  `json:"takenAt"`
	Incarnation string `json:"incarnation"`
}

func newBackup() *cobra.Command {
	var o offline
	var to string
	cmd := &cobra.Command{
		Use: "backup --data DIR --to FILE", Short: "Write a backup of a data directory, beside a running server too", Args: noArgs,
		Long: `Writes one compressed file that holds everything but the search index, which is built again from it. A server may run
meanwhile: the backup is of one moment. The file holds documents and keys in clear; keep it as safe as the data directory.

On PostgreSQL use pg_dump.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usagef("--to names the file to write, such as sheaf-%s.tar.gz", time.Now().Format(time.DateOnly))
			}
			if err := o.settled(cmd); err != nil {
				return err
			}
			if err := server.Exists(o.config()); err != nil {
				return err
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				bar := newBar(cmd.ErrOrStderr(), o.json, "backup", true)
				m, err := core.Backup(ctx, to, version, bar.show)
				bar.end()
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), backupJSON{to, m.Bytes, m.Schema, m.Taken, m.Incarnation})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s: a database of %d KiB. It holds documents and keys in clear.\n", to, m.Bytes>>10)
				return err
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "the file to write; it must not exist")
	return cmd
}

// restoredJSON is what a restore has done, as --json prints it.
type restoredJSON struct {
	Data           string                `json:"data"`
	TakenAt        int64                 `json:"takenAt"`
	SheafVersion   string                `json:"sheafVersion"`
	SessionsEnded  int64                 `json:"sessionsEnded"`
	LinksEnded     int64                 `json:"signinLinksEnded"`
	Tokens         []admin.Token         `json:"tokens"` // that came back to life
	IndexingTokens []admin.IndexingToken `json:"indexingTokens"`
	SCIMTokens     []admin.SCIMToken     `json:"scimTokens"`
	TokensRevoked  bool                  `json:"tokensRevoked"`
}

func newRestore() *cobra.Command {
	var o offline
	var from string
	var revoke bool
	cmd := &cobra.Command{
		Use: "restore --data DIR --from FILE", Short: "Put a backup into an empty data directory", Args: noArgs,
		Long: `Puts a backup into an empty data directory. Sessions and sign-in links of the backup are dead afterwards. Tokens work
again as they did when the backup was taken, those included that were revoked since: the command names them all, and
--revoke-tokens ends them. People and their roles, too, are as they were.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settleOffline(cmd); err != nil {
				return err
			}
			switch {
			case o.data == "":
				return usagef("--data names the directory to restore into")
			case from == "":
				return usagef("--from names the backup")
			}
			bar := newBar(cmd.ErrOrStderr(), o.json, "restore", true)
			done, err := server.Restore(cmd.Context(), o.config(), from, revoke, bar.show)
			bar.end()
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), asRestoredJSON(o.data, done))
			}
			return printRestored(cmd.OutOrStdout(), o.data, done)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "the backup to restore")
	cmd.Flags().BoolVar(&revoke, "revoke-tokens", false, "end every token that the backup brings back to life")
	return cmd
}

func asRestoredJSON(data string, r server.Restored) restoredJSON {
	out := restoredJSON{
		Data: data, TakenAt: r.Manifest.Taken, SheafVersion: r.Manifest.Sheaf, SessionsEnded: r.Sessions, LinksEnded: r.Links,
		Tokens: []admin.Token{}, IndexingTokens: []admin.IndexingToken{}, SCIMTokens: admin.SCIMTokensOf(r.SCIM).Tokens, TokensRevoked: r.Revoked,
	}
	for _, t := range r.Tokens {
		out.Tokens = append(out.Tokens, admin.TokenOf(t, ""))
	}
	for _, t := range r.Indexing {
		out.IndexingTokens = append(out.IndexingTokens, admin.IndexingTokenOf(t, ""))
	}
	return out
}

// printRestored says what is back, the tokens first of all: whoever holds one gets in.
func printRestored(out io.Writer, data string, r server.Restored) error {
	taken := time.Unix(r.Manifest.Taken, 0).UTC().Format("2006-01-02 15:04 UTC")
	fmt.Fprintf(out, "Restored %s to what it was on %s. People and roles are as they were then.\n", data, taken)
	fmt.Fprintf(out, "Sessions ended: %d; sign-in links ended: %d. The search index is built anew at the next start.\n", r.Sessions, r.Links)
	switch {
	case len(r.Tokens)+len(r.Indexing)+len(r.SCIM) == 0:
		_, err := fmt.Fprintln(out, "No token came back to life.")
		return err
	case r.Revoked:
		fmt.Fprint(out, "Revoked these tokens, which would have come back to life:\n\n")
	default:
		fmt.Fprint(out, "These tokens work again, those included that were revoked after the backup. Revoke what should not:\n\n")
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTOKEN\tPERMISSION\tOPENS\tEXPIRES\tDESCRIPTION")
	for _, t := range r.Tokens {
		permission := string(t.Permission)
		if t.User.Email != "" {
			permission += " " + t.User.Email
		}
		scopes := t.Scopes.String()
		if t.Scopes == grant.AllScopes {
			scopes = "ALL"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Mask, permission, scopes, day(t.Expires), t.Description)
	}
	for _, t := range r.Indexing {
		names := "all datasources"
		if t.Datasources != nil {
			names = strings.Join(t.Datasources, ",")
		}
		fmt.Fprintf(w, "%s\t%s\tINDEXING\t%s\t%s\t%s\n", t.ID, t.Mask, names, day(t.Expires), t.Description)
	}
	for _, t := range r.SCIM {
		fmt.Fprintf(w, "%s\t%s\tSCIM\tprovisioning\t%s\t%s\n", t.ID, t.Mask, day(t.Expires), t.Description)
	}
	return w.Flush()
}
