package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
	profiles "runtime/pprof"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/domain/key"
)

// The roles: the production apps, and the gateway simulator, each in a process of its own.
var (
	dispatcherRole = child.Register("bench-dispatcher", runDispatcher)
	deliveryRole   = child.Register("bench-delivery", runService(deliveryapp.Delivery))
	settlementRole = child.Register("bench-settlement", runService(deliveryapp.Settlement))
	gatewayRole    = child.Register("bench-gateway", runGateway)
)

// orders are what a process is told.
type orders struct {
	Config   config.Deliverer `json:"config"`
	Dispatch config.Dispatch  `json:"dispatch"`
	Month    key.Month        `json:"month"`
	Result   string           `json:"result"` // file for the dispatcher's result

	Profile     bool   `json:"profile"`      // a service: serve profiles
	ProfileFile string `json:"profile_file"` // the dispatcher: write its CPU profile there
}

// info is what a process tells about itself.
type info struct {
	Profiles string `json:"profiles,omitempty"` // host:port of /debug/pprof/
}

// dispatched is what a dispatcher's process came to.
type dispatched struct {
	Run      port.Run `json:"run"`
	PeakRSS  int64    `json:"peak_rss"` // bytes, by the kernel
	UserTime float64  `json:"user_seconds"`
	SysTime  float64  `json:"system_seconds"`
}

// ready serves profiles where asked to, and tells the parent.
func ready(ctx context.Context, link *child.Link, o orders) error {
	if !o.Profile {
		return link.Ready(info{})
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return link.Ready(info{Profiles: listener.Addr().String()})
}

func runDispatcher(ctx context.Context, link *child.Link) error {
	var o orders
	ctx, err := link.Spec(ctx, &o)
	if err != nil {
		return err
	}
	if err := ready(ctx, link, o); err != nil {
		return err
	}
	if o.ProfileFile != "" {
		file, err := os.Create(o.ProfileFile)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		if err := profiles.StartCPUProfile(file); err != nil {
			return err
		}
		defer profiles.StopCPUProfile()
	}
	var result dispatched
	c := config.Dispatcher{Database: o.Config.Database, Kafka: o.Config.Kafka, Log: o.Config.Log, Dispatch: o.Dispatch}
	code := dispatcherapp.Once(ctx, os.Stderr, dispatcherapp.Options(c), func(ctx context.Context, runner *dispatch.Runner) (err error) {
		result.Run, err = runner.Run(ctx, o.Month, by, nil)
		dispatcherapp.Print(os.Stderr, result.Run)
		return err
	})
	if code != core.ExitOK {
		return fmt.Errorf("the dispatcher ended with exit code %d", code)
	}
	own := usageOf(os.Getpid())
	result.PeakRSS, result.UserTime, result.SysTime = own.PeakRSS, own.User, own.System
	content, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return os.WriteFile(o.Result, content, 0o600)
}

// runService is a service, until the parent stops it.
func runService(role deliveryapp.Role) child.Run {
	return func(ctx context.Context, link *child.Link) error {
		var o orders
		ctx, err := link.Spec(ctx, &o)
		if err != nil {
			return err
		}
		if err := ready(ctx, link, o); err != nil {
			return err
		}
		if code := core.Serve(ctx, os.Stderr, deliveryapp.Options(role, o.Config)); code != core.ExitOK && ctx.Err() == nil {
			return fmt.Errorf("the %s role ended with exit code %d", role, code)
		}
		return nil
	}
}

// gatewayOrders are what the gateway's process is told.
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
