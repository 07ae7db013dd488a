// Package tether ends the process when its standard input closes, so that no server outlives a test run that was
// killed. It does so only when KUBEWRIGHT_TETHER=stdin, which the code that starts the servers sets.
package tether

import (
	"io"
	"os"
)

func init() {
	if os.Getenv("KUBEWRIGHT_TETHER") != "stdin" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}
