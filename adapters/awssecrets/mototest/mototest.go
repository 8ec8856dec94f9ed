// Package mototest starts moto, a server that answers as AWS does, on the loopback interface.
package mototest

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Variable names moto's server program; `.ci/python moto` installs it, in the folder that it prints.
const Variable = "BALSONG_TEST_MOTO"

// Start runs a server for the test, until the test ends, and returns its URL. Without moto's program the test is
// skipped, with a message that says how to get it; in CI .ci/test-real provides it.
func Start(t *testing.T) string {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		t.Skip("SKIPPED: needs moto, a stand-in for AWS: BALSONG_TEST_MOTO=$(.ci/python moto)/bin/moto_server (make test-real does so)")
	}
	cmd := exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", "0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it ends by the signal above
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if _, url, is := strings.Cut(lines.Text(), "Running on "); is {
				address <- strings.Fields(url)[0]
			}
		}
		close(address)
	}()
	url, started := <-address
	if !started {
		t.Fatalf("%s ended before it listened", program)
	}
	return url
}
