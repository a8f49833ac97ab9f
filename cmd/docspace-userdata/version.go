package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/docspace-go/userdata/wrapper"
)

// versionDocument is what version says.
type versionDocument struct {
	head
	Version  string `json:"version"`
	Go       string `json:"go"`
	System   string `json:"system"`
	Revision string `json:"revision,omitempty"` // of the source, if it was built in a clone
}

func (d *versionDocument) text() string {
	text := "docspace-userdata " + d.Version + " (" + d.Go + ", " + d.System
	if d.Revision != "" {
		text += ", " + d.Revision
	}
	return text + ")"
}

func versionCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Example: "  docspace-userdata version --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &versionDocument{Version: wrapper.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						d.Revision = s.Value
					}
				}
			}
			return t.answer(cmd, d, nil)
		},
	}
}

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write the man pages into a folder", Example: "  docspace-userdata man /usr/local/share/man/man1",
		Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "docspace-userdata " + wrapper.Version, Manual: "DocSpace people user data"}, args[0])
			if err != nil {
				return usageError{err}
			}
			return nil
		},
	}
}
