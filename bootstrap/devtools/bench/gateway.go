package bench

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// gatewayRole is the gateway simulator in a process of its own.
var gatewayRole = child.Register("bench-gateway", runGateway)

// gatewayOrders are what the gateway's process gets from the one that starts it.
type gatewayOrders struct {
	DataDir  string              `json:"data_dir"`
	Settings gatewaysim.Settings `json:"settings"`
}

// gatewayInfo is where it listens.
type gatewayInfo struct {
	HTTP, SMTP, Admin string
}

// runGateway is the simulator without its inbox: it logs durably what it accepts, as always. It may use more memory to
// spare the processors of the machine that it shares with what is measured.
func runGateway(ctx context.Context, link *child.Link) (err error) {
	var o gatewayOrders
	ctx, err = link.Spec(ctx, &o)
	if err != nil {
		return err
	}
	debug.SetGCPercent(400)
	server, err := gatewaysim.Start(ctx, gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
		DataDir: o.DataDir, Settings: o.Settings, Log: zap.NewNop(), InboxKeep: -1,
	})
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		err = errors.Join(err, server.Stop(stopping))
	}()
	if err := link.Ready(gatewayInfo{HTTP: server.HTTPAddr(), SMTP: server.SMTPAddr(), Admin: server.AdminAddr()}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// gateway is a running simulator.
type gateway struct {
	*child.Process
	gatewayInfo
}

// startGateway starts a simulator that keeps its log in a directory of its own.
func (b *bench) startGateway(ctx context.Context, dir string, settings gatewaysim.Settings) (g gateway, err error) {
	if g.Process, err = b.startChild(ctx, gatewayRole, gatewayOrders{DataDir: b.path(dir), Settings: settings}); err != nil {
		return g, err
	}
	return g, g.Info(&g.gatewayInfo)
}

// stats is what it counted.
func (g gateway) stats(ctx context.Context) (stats gatewaysim.Stats, err error) {
	err = getJSON(ctx, "http://"+g.Admin+"/stats", &stats)
	return stats, err
}
