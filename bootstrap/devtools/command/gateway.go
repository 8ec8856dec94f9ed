package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

const gatewayHelp = `Stand in for the outside world: an SMTP relay, and gateways of SMS, push and AlimTalk.

Every accepted message is one line of DIR/accept-log.jsonl, on the disk (fsync)
before the caller gets its answer; addresses and contents appear there as SHA-256
only. What arrived can be read in the inbox, a web page.

The gateway can be slow, limited, refusing, or cruel. Flags set all channels; a
settings file, or PUT /settings on the inbox's address, sets each on its own and
takes effect at once:

  curl -X PUT http://127.0.0.1:8026/settings -d '{"sms":{"tps":200,"temporary":0.1}}'
  curl -X PUT http://127.0.0.1:8026/settings -d '{"email":{"everybody":{"code":554,"text":"5.7.1 Sending suspended"}}}'
  curl http://127.0.0.1:8026/stats

It speaks the contracts of vendors as well, on --http's address: SMS by Twilio, NHN
Cloud, SOLAPI and AWS, AlimTalk by NHN Cloud and SOLAPI, push by FCM, mail by Amazon
SES. What becomes of accepted messages, and how the vendor tells it:

  {"sms": {"reports": {"undelivered": 0.1, "about_us": 0.01, "uncertain": 0.02,
                       "silent": 0.1, "early": 0.05, "twice": 0.1, "contradicted": 0.01,
                       "delay": {"kind": "uniform", "min": "1s", "max": "2m"}}},
   "vendors": {"nhn":    {"reports_to": "http://127.0.0.1:8090/reports/nhn", "secret": "…"},
               "twilio": {"secret": "the account's token"},
               "solapi": {"reports_to": "http://127.0.0.1:8090/reports/solapi/…"},
               "nhn_alimtalk": {"reports_to": "http://127.0.0.1:8090/reports/nhn-alimtalk", "secret": "…"},
               "smtp":   {"reports_to": "lmtp://127.0.0.1:2424", "dies": {"after": 300, "calls": 40}}}}

A vendor that dies accepts so many calls without an answer, and works on afterwards.
Each thing that is said is a line of the log too, with what it was answered.

A scenario changes the settings on the way: a step is taken after so many accepted
messages, and so long after the step before.

  {"settings": {"sms": {"tps": 200}},
   "steps": [{"after_accepted": 3000, "settings": {"email": {"everybody": {"code": 554, "text": "5.7.1 Sending suspended"}}}},
             {"after": "2m", "settings": {"email": {"everybody": {"code": 0, "text": ""}}}}]}

Shares lie between 0 and 1. They are drawn from the seed and the idempotency key
(X-Idempotency-Key on SMTP, Idempotency-Key on HTTP), so a run can be repeated. A
permanent refusal belongs to the addressee: the same one is refused again.

SIGTERM or SIGINT: calls in flight are answered, then it stops. Started again on
the same directory, it continues the log and the inbox.`

// gatewayFlags are the flags of "gateway". The behaviour flags set all channels.
type gatewayFlags struct {
	config             gatewaysim.Config
	settingsFile       string
	scenarioFile       string
	latency, slowStart string
	every              behaviour.ChannelSettings
	acceptAt           float64
}

// Gateway is the subcommand "gateway".
func Gateway() *cobra.Command {
	var f gatewayFlags
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run the gateway simulator: SMTP, SMS, push, AlimTalk, and an inbox page",
		Long:  gatewayHelp,
		Example: `  balsong-dev gateway --data ./gateway
  balsong-dev gateway --data ./gateway --latency lognormal:300ms,2s --temporary 0.05 --permanent 0.02
  balsong-dev gateway --data ./gateway --scenario suspended.json
  balsong-dev gateway --data ./gateway --tps 500 --accept-then-drop 0.01 --seed 7
  balsong-dev inbox --data ./gateway`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := f.settings(cmd)
			if err != nil {
				return err
			}
			if err := settings.WithDefaults().Validate(); err != nil {
				return cli.Usage(err)
			}
			f.config.Settings = settings
			return runGateway(cmd.Context(), f.config, cmd.OutOrStdout())
		},
	}
	f.add(cmd)
	return cmd
}

func (f *gatewayFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.config.SMTPAddr, "smtp", "127.0.0.1:2525", "address of the SMTP relay")
	flags.StringVar(&f.config.HTTPAddr, "http", "127.0.0.1:8025", "address of POST /sms, POST /push and POST /alimtalk")
	flags.StringVar(&f.config.AdminAddr, "inbox", "127.0.0.1:8026", "address of the inbox page, /settings and /stats")
	flags.StringVar(&f.config.DataDir, "data", "", "directory of the accept log and the inbox (required)")
	flags.IntVar(&f.config.InboxKeep, "keep", gatewaysim.DefaultInboxKeep, "messages that the inbox keeps; -1: no inbox")
	flags.BoolVar(&f.config.StartTLS, "starttls", false, "offer STARTTLS with a certificate made by itself, left in the data directory")
	flags.StringVar(&f.config.Username, "username", "", "ask for AUTH PLAIN with this user name")
	flags.StringVar(&f.config.Password, "password", "", "password of the user name")

	flags.StringVar(&f.settingsFile, "settings", "", "JSON file of settings, as GET /settings shows them; flags win")
	flags.StringVar(&f.scenarioFile, "scenario", "", "JSON file of settings and of steps that change them, as shown above; flags win at the start")
	cmd.MarkFlagsMutuallyExclusive("settings", "scenario")
	flags.Uint64("seed", 0, "seed of all draws")
	flags.StringVar(&f.latency, "latency", "0s", "time to the answer: 1s, uniform:FROM,TO or lognormal:MEAN,P99")
	flags.Float64Var(&f.acceptAt, "accept-at", 0.5, "part of the latency that passes before the message is accepted")
	flags.Float64Var(&f.every.TPS, "tps", 0, "calls a second on each channel, more are throttled; 0: no limit")
	flags.Float64Var(&f.every.Temporary, "temporary", 0, "share of calls refused for now")
	flags.Float64Var(&f.every.Permanent, "permanent", 0, "share of addressees refused for good")
	flags.Float64Var(&f.every.Throttled, "throttled", 0, "share of calls refused as too many")
	flags.Float64Var(&f.every.Content, "content", 0, "share of addressees whose content is refused")
	flags.Float64Var(&f.every.AcceptThenDrop, "accept-then-drop", 0, "share of calls accepted, logged, and cut off before the answer")
	flags.StringVar(&f.slowStart, "slow-start", "0s", "time after the start in which it is 10 times slower, sinking to normal")
	flags.String("smtp-refuse-at", behaviour.RefuseAtData, "when SMTP refuses: data (after the message) or rcpt")
	if err := cmd.MarkFlagRequired("data"); err != nil {
		panic(err) // the flag is defined above
	}
}

// settings are the file's, with the flags that were given over them.
func (f *gatewayFlags) settings(cmd *cobra.Command) (settings gatewaysim.Settings, err error) {
	if f.settingsFile != "" {
		if settings, err = gatewaysim.ReadSettings(f.settingsFile); err != nil {
			return settings, err
		}
	}
	if f.scenarioFile != "" {
		scenario, err := gatewaysim.ReadScenario(f.scenarioFile)
		if err != nil {
			return settings, err
		}
		settings, f.config.Steps = scenario.Settings, scenario.Steps
	}
	flags := cmd.Flags()
	latency, err := behaviour.ParseLatency(f.latency)
	if err != nil {
		return settings, cli.Usagef("--latency: %w", err)
	}
	for _, channel := range behaviour.Channels() {
		c := settings.Of(channel)
		for name, set := range map[string]func(){
			"latency":          func() { c.Latency = latency },
			"accept-at":        func() { c.AcceptAt = &f.acceptAt },
			"tps":              func() { c.TPS = f.every.TPS },
			"temporary":        func() { c.Temporary = f.every.Temporary },
			"permanent":        func() { c.Permanent = f.every.Permanent },
			"throttled":        func() { c.Throttled = f.every.Throttled },
			"content":          func() { c.Content = f.every.Content },
			"accept-then-drop": func() { c.AcceptThenDrop = f.every.AcceptThenDrop },
		} {
			if flags.Changed(name) {
				set()
			}
		}
	}
	if flags.Changed("seed") {
		settings.Seed, err = flags.GetUint64("seed")
	}
	if flags.Changed("slow-start") {
		if parsed := settings.SlowStart.For.UnmarshalText([]byte(f.slowStart)); parsed != nil {
			err = errors.Join(err, cli.Usagef("--slow-start: %w", parsed))
		}
	}
	if flags.Changed("smtp-refuse-at") {
		settings.SMTP.RefuseAt = flags.Lookup("smtp-refuse-at").Value.String()
	}
	return settings, err
}

// stopGrace is how long calls in flight may take to be answered after a signal.
const stopGrace = 20 * time.Second

func runGateway(ctx context.Context, config gatewaysim.Config, out io.Writer) error {
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	config.Log = log
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server, err := gatewaysim.Start(ctx, config)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "SMTP        %s\nSMS, push   http://%s/sms  http://%s/push\nInbox       http://%s/\nAccept log  %s\n",
		server.SMTPAddr(), server.HTTPAddr(), server.HTTPAddr(), server.AdminAddr(), gatewaysim.AcceptLogPath(config.DataDir))
	<-ctx.Done()
	stop() // a second signal ends it at once
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return server.Stop(ctx)
}

// serveInbox shows what a gateway has left in a directory. Where nobody named the address, and it is taken, it takes a free port.
func serveInbox(ctx context.Context, dir, addr string, named bool, out io.Writer) (err error) {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("no gateway has left anything there (name the demo's directory with --data): %w", err)
	}
	inbox, err := gatewaysim.OpenInbox(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()
	addresses := []string{addr}
	if !named {
		addresses = append(addresses, "127.0.0.1:0")
	}
	return cli.ServePage(ctx, inbox.Handler(), func(at net.Addr) {
		fmt.Fprintf(out, "Inbox  http://%s/  (%d messages)\n", at, inbox.Len())
	}, addresses...)
}
