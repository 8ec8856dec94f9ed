package operatorcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/fileio"
)

// The name of a file that means the standard output where one is written, and the standard input where one is read.
const (
	stdout = "-"
	stdin  = stdout
)

// openNamed opens a file, an object (s3://bucket/key) or the standard input (-).
func openNamed(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == stdin {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return fileio.Open(cmd.Context(), name)
}

// createNamed begins a new file or object that only its owner can read, or takes the standard output (- or no name).
func createNamed(cmd *cobra.Command, flag, name string) (fileio.New, error) {
	if name == "" || name == stdout {
		return standardOutput{cmd.OutOrStdout()}, nil
	}
	file, err := fileio.Create(cmd.Context(), name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (it never replaces anything)", flag, err)
	}
	return file, nil
}

// writeNamed writes a new file or object as a whole, or to the standard output.
func writeNamed(cmd *cobra.Command, flag, name string, write func(io.Writer) error) error {
	file, err := createNamed(cmd, flag, name)
	if err != nil {
		return err
	}
	return fileio.Finish(file, write(file))
}

// standardOutput stays open, and what was written to it stays written.
type standardOutput struct{ io.Writer }

// Close implements fileio.New.
func (standardOutput) Close() error { return nil }

// Abandon implements fileio.New.
func (standardOutput) Abandon() error { return nil }
