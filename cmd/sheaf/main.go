// Command sheaf is a workplace-search server that a company runs for itself, and the tools to
// administer it: one binary.
//
// Its files follow the command line: serve, demo, user, signin, token, indexing-token, push, and
// the verbs that look after a data directory.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker on a release.
var version = "dev"

// Exit codes, the same for every command.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a mistake in how a command was called.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "sheaf:", err)
	if _, usage := errors.AsType[usageError](err); usage {
		fmt.Fprintln(stderr, `Run "sheaf help" for the commands and their flags.`)
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "sheaf", Version: version, SilenceErrors: true, SilenceUsage: true,
		Short: "Workplace search that answers each person with what they may see, and nothing else",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		newServe(), newDemo(), newUser(), newSignin(), newToken(), newIndexingToken(), newSCIMToken(), newPush(),
		newReindex(), newBackup(), newRestore(), newCheck(),
	)
	return root
}

// noArgs refuses arguments that are no flags, as a mistake of usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command or argument %q for %q", args[0], cmd.CommandPath())
	}
	return nil
}
