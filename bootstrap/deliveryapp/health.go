package deliveryapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// healthDeadline bounds the question: whoever checks has a limit of its own, and asks again.
const healthDeadline = 3 * time.Second

// newHealth is the subcommand "health", for images that have no HTTP client.
func newHealth() *cobra.Command {
	alive := false
	cmd := &cobra.Command{
		Use: "health", Args: cli.NoArguments, Short: "Ask the delivery of this container whether it is ready",
		Long: "Ask the process that answers at BALSONG_HEALTH_ADDR on this machine whether it is ready (/readyz): the components that it stands on\n" +
			"answer. With --alive: whether it is alive (/healthz), which an outage of a component does not change. It ends with 0 or 1, as a\n" +
			"container's health check does.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.LoadPart[config.Health](cmd.Context())
			if err != nil {
				return err
			}
			path := "/readyz"
			if alive {
				path = "/healthz"
			}
			return askHealth(cmd.Context(), cmd.OutOrStdout(), c.Addr, path)
		},
	}
	cmd.Flags().BoolVar(&alive, "alive", false, "whether it is alive, not whether it is ready")
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage), cli.Configuration[config.Health]())
	return cmd
}

// reachable is an address of this machine where a server answers that listens at host. It is a number where the server listens
// on every address: a container need not have a file that says where localhost is.
func reachable(host string) string {
	switch ip := net.ParseIP(host); {
	case ip != nil && ip.To4() == nil && ip.IsUnspecified():
		return net.IPv6loopback.String()
	case host == "" || ip.IsUnspecified():
		return "127.0.0.1"
	default:
		return host
	}
}

func askHealth(ctx context.Context, out io.Writer, addr, path string) error {
	if addr == config.NoServer {
		return errors.New("BALSONG_HEALTH_ADDR is none: there is nobody to ask")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return cli.Usagef("BALSONG_HEALTH_ADDR: %w", err)
	}
	host = reachable(host)
	ctx, cancel := context.WithTimeout(ctx, healthDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, http.NoBody)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is this machine
	response, err := client.Do(request)
	if err != nil {
		return errors.New("it does not answer: " + err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(said)))
	}
	_, err = out.Write(said)
	return err
}
