package command

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
)

func TestTheInboxTakesAFreePortWhereNobodyNamedTheOneThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	left, err := gatewaysim.Start(t.Context(), gatewaysim.Config{SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: dir, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := serveInbox(t.Context(), dir, taken.Addr().String(), true, io.Discard); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("a port that was named: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serveInbox(ctx, dir, taken.Addr().String(), false, out)
		ended <- errors.Join(err, out.CloseWithError(err))
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || !strings.Contains(line, "http://127.0.0.1:") || strings.Contains(line, taken.Addr().String()) {
		t.Errorf("%q, %v", line, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := serveInbox(t.Context(), filepath.Join(dir, "none"), "127.0.0.1:0", false, io.Discard); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("no such directory: %v", err)
	}
}
