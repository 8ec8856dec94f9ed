package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// ServePage answers a browser of this machine until ctx ends. It listens at the first of the addresses that is free; said is
// told which.
func ServePage(ctx context.Context, page http.Handler, said func(net.Addr), addresses ...string) error {
	var listening net.ListenConfig
	var listener net.Listener
	var problems []error
	for _, addr := range addresses {
		var err error
		if listener, err = listening.Listen(ctx, "tcp", addr); err == nil {
			break
		}
		problems = append(problems, fmt.Errorf("listen on %s (is another program there?): %w", addr, err))
	}
	if listener == nil {
		return errors.Join(problems...)
	}
	server := &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second}
	said(listener.Addr())
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
