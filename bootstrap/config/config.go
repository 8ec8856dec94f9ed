// Package config reads the environment that operators configure; elsewhere only the Go runtime's own GOGC and
// GOMEMLIMIT, TERM, and the default of a flag are looked up. Each app has one struct; each field names its
// variable, default, unit and meaning, so that --help, validation and documentation cannot drift apart.
package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"
)

// ErrInvalid is wrapped by every configuration error; the text names the variable and what to do.
var ErrInvalid = errors.New("configuration")

// Keys is the keyset.
type Keys struct {
	Keyset     string `env:"BALSONG_KEYSET" secret:"true" help:"Tink AEAD keyset as JSON"`
	KeysetFile string `env:"BALSONG_KEYSET_FILE" help:"file with the keyset, instead of BALSONG_KEYSET"`
	KMSKey     string `env:"BALSONG_KEYSET_KMS_KEY" help:"AWS KMS key (ARN, id or alias/…) that wraps the keyset; without it the keyset is not wrapped"`
	// Source is the reference that Load read Keyset from and that may be read again; "" where the keyset cannot change.
	Source string `env:"-"`
}

// Log is logging.
type Log struct {
	Level  string `env:"BALSONG_LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	Format string `env:"BALSONG_LOG_FORMAT" envDefault:"json" help:"json or text"`
}

// Metrics is where metrics go beside /metrics.
type Metrics struct {
	Installation string `env:"BALSONG_EMF_INSTALLATION" help:"name of the installation: what alarms and scaling need is written under it in CloudWatch's embedded metric format, by a service to standard output each minute, by a command that ends to standard error at its end; without it nothing is"`
}

// installation is what a dimension of CloudWatch may hold, and more narrow: it stands in templates and commands.
var installation = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (m Metrics) validate() error {
	if m.Installation != "" && !installation.MatchString(m.Installation) {
		return fmt.Errorf("BALSONG_EMF_INSTALLATION is %q (want letters, digits, '.', '_' and '-', at most 64)", m.Installation)
	}
	return nil
}

// Health is where a long-running app answers /healthz, /readyz and /metrics.
type Health struct {
	Addr string `env:"BALSONG_HEALTH_ADDR" envDefault:"127.0.0.1:9464" empty:"none" help:"host:port of /healthz, /readyz and /metrics; none or empty: no server"`
}

// LingeringHealth is Health of an app that is long-running only if it is told to be. It has no server by default: on one
// machine it would be at the address of the service that runs beside it.
type LingeringHealth struct {
	Addr string `env:"BALSONG_HEALTH_ADDR" envDefault:"none" empty:"none" help:"host:port of /healthz, /readyz and /metrics with BALSONG_DISPATCH_LINGER, where no other process answers; none or empty: no server"`
}

// NoServer is the address that means none.
const NoServer = "none"

func (h Health) validate() error { return checkHealthAddr(h.Addr) }

func (h LingeringHealth) validate() error { return checkHealthAddr(h.Addr) }

// checkHealthAddr refuses what is no address, before any work begins.
func checkHealthAddr(addr string) error {
	if addr == "" || addr == NoServer {
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("BALSONG_HEALTH_ADDR: %q is not host:port (none: no server)", addr)
	}
	return nil
}

// Dispatch tunes the dispatcher.
type Dispatch struct {
	Page       int           `env:"BALSONG_DISPATCH_PAGE" envDefault:"1000" help:"rows per page, 1 to 1000"`
	Cap        int           `env:"BALSONG_DISPATCH_CAP" envDefault:"0" help:"most requests that one run publishes; 0: no limit"`
	AckTimeout time.Duration `env:"BALSONG_DISPATCH_ACK_TIMEOUT" envDefault:"5s" help:"how long a page waits for its acknowledgements, at most 5s"`
	Linger     bool          `env:"BALSONG_DISPATCH_LINGER" envDefault:"false" help:"do not end the run, but wait for what comes due later or is in flight and may be retried"`
	LingerPoll time.Duration `env:"BALSONG_DISPATCH_LINGER_POLL" envDefault:"10s" help:"longest pause between two queries while lingering"`
}

// Dispatcher is the dispatcher app's configuration.
type Dispatcher struct {
	Database Database
	Kafka    Kafka
	Dispatch Dispatch
	Health   LingeringHealth
	Metrics  Metrics
	Traces   Traces
	Log      Log
}

// Deliverer is the configuration of the delivery app with all roles.
type Deliverer struct {
	Database   Database
	Kafka      Kafka
	S3         S3
	Keys       Keys
	Delivery   Delivery
	Settlement Settlement
	Monitor    Monitor
	Feedback   Feedback
	Gateways   Gateways
	Health     Health
	Metrics    Metrics
	Traces     Traces
	Log        Log
}

// Consumer is the configuration of delivery and settlement in one process: it receives no reports.
type Consumer struct {
	Database   Database
	Kafka      Kafka
	S3         S3
	Keys       Keys
	Delivery   Delivery
	Settlement Settlement
	Monitor    Monitor
	Gateways   Gateways
	Health     Health
	Metrics    Metrics
	Traces     Traces
	Log        Log
}

// Sender is the configuration of the delivery role alone: it settles nothing.
type Sender struct {
	Database Database
	Kafka    Kafka
	S3       S3
	Keys     Keys
	Delivery Delivery
	Gateways Gateways
	Health   Health
	Metrics  Metrics
	Traces   Traces
	Log      Log
}

// Settler is the configuration of the settlement role alone: it sends nothing.
type Settler struct {
	Database   Database
	Kafka      Kafka
	Settlement Settlement
	Monitor    Monitor
	Health     Health
	Metrics    Metrics
	Traces     Traces
	Log        Log
}

// Words are the texts of bills.
type Words struct {
	Templates string `env:"BALSONG_TEMPLATES" help:"directory of your own templates (docs/operations/templates.md); without it the shipped ones"`
}

// Migrate is the configuration of batch migrate.
type Migrate struct {
	Database Database
	Kafka    Kafka
	S3       S3
	Log      Log
}

// Import is the configuration of batch import.
type Import struct {
	Database Database
	Keys     Keys
	Metrics  Metrics
	Traces   Traces
	Log      Log
}

// Records is the configuration of batch import list and batch mappings.
type Records struct {
	Database Database
	Log      Log
}

// Render is the configuration of batch render.
type Render struct {
	Database Database
	S3       S3
	Keys     Keys
	Words    Words
	Metrics  Metrics
	Traces   Traces
	Log      Log
}

// Preview is what it takes to show one customer's bill: as it is stored, where the store of statements is configured.
type Preview struct {
	Database Database
	Keys     Keys
	S3       OptionalS3
	Log      Log
}

// SendTest is what it takes to send a test.
type SendTest struct {
	Gateways Gateways
	Log      Log
}

// Operator is the configuration of the operator's acts: what is not needed to stop all sending must not be able to prevent it.
type Operator struct {
	Database Database
	Log      Log
}

// Status is the configuration of balsong status. Without brokers the lag is not known.
type Status struct {
	Operator Operator
	Kafka    OptionalKafka
}

// Preflight is the configuration of balsong preflight.
type Preflight struct {
	Operator Operator
	Gateways Gateways
}

// RestoreCheck is the configuration of balsong restore-check, which needs the log of events.
type RestoreCheck struct {
	Operator Operator
	Kafka    RequiredKafka
}

// CustomerBills is the configuration of the commands that show customers' bills. Without keys destinations are not shown.
type CustomerBills struct {
	Operator Operator
	Keys     Keys
}

// Statement is the configuration of the commands that read stored statements.
type Statement struct {
	CustomerBills CustomerBills
	S3            S3
}

// Kept says how long what is kept.
type Kept struct {
	Months      int `env:"BALSONG_KEEP_MONTHS" envDefault:"12" help:"whole months of bills, ledger and statements that are kept beside the running one"`
	AuditMonths int `env:"BALSONG_KEEP_AUDIT_MONTHS" envDefault:"60" help:"the same of audit data: imports, runs, what people did; at least BALSONG_KEEP_MONTHS"`
}

func (k Kept) validate() error {
	if k.Months < 1 || k.AuditMonths < k.Months {
		return fmt.Errorf("BALSONG_KEEP_MONTHS (%d) must be at least 1, and BALSONG_KEEP_AUDIT_MONTHS (%d) at least as much", k.Months, k.AuditMonths)
	}
	return nil
}

// Retention is what it takes to remove old months.
type Retention struct {
	Database Database
	S3       S3
	Kept     Kept
	Log      Log
}

// Everything has each section that some program reads, once.
type Everything struct {
	Deliverer
	Dispatch Dispatch
	Runs     Runs
	Kept     Kept
	Words    Words
}

// Validate checks what the types cannot. It checks every section that the configuration has.
func Validate(c any) error {
	var problems []error
	for _, part := range parts(c) {
		if v, ok := part.(interface{ validate() error }); ok {
			if err := v.validate(); err != nil {
				problems = append(problems, fmt.Errorf("%w: %w", ErrInvalid, err))
			}
		}
	}
	return errors.Join(problems...)
}
