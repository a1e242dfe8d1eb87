package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is "wontfix man": the manual pages.
func newMan(e *env) *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use:   "man [COMMAND]...",
		Short: "Write the manual page of a command",
		Example: `  wontfix man scan | man -l -
  wontfix man --dir /usr/local/share/man/man1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "wontfix", Manual: "wontfix"}
			if dir != "" {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				return manTree(root, header, dir)
			}
			target, err := commandOf(cmd, args)
			if err != nil {
				return err
			}
			return doc.GenMan(target, header, e.stdout)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write the pages of all commands into `DIR`")
	return cmd
}

// complete makes a shell complete the value of a flag with these words.
func complete(cmd *cobra.Command, flag string, words []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

// newHelp is "wontfix help".
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Say what a command does and which flags it takes",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := commandOf(cmd, args)
			if err != nil {
				return err
			}
			target.InitDefaultHelpFlag()
			return target.Help()
		},
	}
}

// commandOf returns the command that args name, for cmd.
func commandOf(cmd *cobra.Command, args []string) (*cobra.Command, error) {
	target, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%s: there is no command wontfix %s; see wontfix --help", cmd.CommandPath(), strings.Join(args, " "))
	}
	return target, nil
}

func manTree(cmd *cobra.Command, header *doc.GenManHeader, dir string) error {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			if err := manTree(sub, header, dir); err != nil {
				return err
			}
		}
	}
	h := *header
	name := cmd.CommandPath()
	for i := range name {
		if name[i] == ' ' {
			name = name[:i] + "-" + name[i+1:]
		}
	}
	return writeFile(filepath.Join(dir, name+".1"), func(w io.Writer) error { return doc.GenMan(cmd, &h, w) })
}

func newVersion(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(e.stdout, "%s\n%s %s/%s\n", toolName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
