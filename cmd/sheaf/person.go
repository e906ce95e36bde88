package main

import (
	"context"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/sheafsearch/sheaf/internal/admin"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
)

// printJSON prints one JSON object, for scripts.
func printJSON(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, jsontext.Multiline(true))
}

// offline are the flags of commands that work on a data directory, beside a running server too.
type offline struct {
	data, database, publicURL string
	json                      bool
	creates                   bool // the command may be the first on a data directory, and makes it
}

func (o *offline) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "the data directory of the server")
	f.StringVar(&o.database, "database", "", "the database's address, where it is not the data directory's own")
	f.StringVar(&o.publicURL, "public-url", "", "the address at which people reach the server, for links (default "+server.DefaultPublicURL+")")
	f.StringVar(new(string), "config", "", "the server's configuration file")
	f.BoolVar(&o.json, "json", false, "print one JSON object in place of words")
}

// core opens what a data directory holds of people, tokens and the audit log, and passes it to fn.
func (o *offline) core(cmd *cobra.Command, fn func(context.Context, *server.Core) error) (err error) {
	if err := settleOffline(cmd); err != nil {
		return err
	}
	if o.data == "" && o.database == "" {
		return usagef("--data names the server's data directory")
	}
	if !o.creates {
		if err := server.Exists(o.config()); err != nil {
			return err
		}
	}
	core, err := server.OpenCore(cmd.Context(), o.config())
	if err != nil {
		return err
	}
	defer func() {
		if closed := core.Close(); err == nil {
			err = closed
		}
	}()
	return fn(cmd.Context(), core)
}

func newUser() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Add people to a data directory", Args: noArgs, RunE: needsVerb}
	o := offline{creates: true}
	var email, name, role string
	add := &cobra.Command{
		Use: "add --data DIR --email EMAIL --role ROLE", Short: "Add a person", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, ok := grant.ParseRole(role)
			if !ok {
				return usagef("--role is SUPER_ADMIN, ADMIN, API_TOKEN_CREATOR or MEMBER")
			}
			if email == "" {
				return usagef("--email is needed")
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				p, err := core.Authority.AddPerson(ctx, core.Authority.Maintenance(), directory.NewPerson{Email: email, Name: name, Role: r})
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.UserOf(p))
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Added %s as %s.\n", p.Email, p.Role)
				return err
			})
		},
	}
	o.flags(add)
	add.Flags().StringVar(&email, "email", "", "the person's address")
	add.Flags().StringVar(&name, "name", "", "the person's name")
	add.Flags().StringVar(&role, "role", "", "SUPER_ADMIN, ADMIN, API_TOKEN_CREATOR or MEMBER")
	cmd.AddCommand(add)
	return cmd
}

func newSignin() *cobra.Command {
	var o offline
	var email string
	cmd := &cobra.Command{
		Use: "signin --data DIR --email EMAIL", Short: "Print a link with which a person can sign in, once", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if email == "" {
				return usagef("--email is needed")
			}
			return o.core(cmd, func(ctx context.Context, core *server.Core) error {
				link, err := core.Authority.CreateLink(ctx, core.Authority.Maintenance(), email)
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), admin.Link{URL: link.URL, Code: link.Code.Reveal(), ExpiresAt: link.Expires.Unix()})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Sign in as %s within 15 minutes, once:\n\n  %s\n", email, link.URL)
				return err
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&email, "email", "", "the person's address")
	return cmd
}

// needsVerb answers a command that only groups others.
func needsVerb(cmd *cobra.Command, _ []string) error {
	return usagef("%s needs one of its commands; see %q", cmd.CommandPath(), cmd.CommandPath()+" --help")
}
