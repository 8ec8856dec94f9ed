package gatewaysim

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"go.uber.org/zap"
)

// Settings is the gateway's behaviour: see package behaviour.
type Settings = behaviour.Settings

// Config is what a gateway needs to start.
type Config struct {
	// SMTPAddr, HTTPAddr and AdminAddr are host:port; port 0 takes a free one.
	// Defaults: 127.0.0.1:2525, 127.0.0.1:8025, 127.0.0.1:8026.
	SMTPAddr, HTTPAddr, AdminAddr string
	// DataDir holds the accept log, the inbox and the certificate. Required.
	// A gateway that starts on an old directory continues it.
	DataDir string
	// Settings at the start; PUT /settings changes them.
	Settings Settings
	// Steps change them, one after the other (Scenario).
	Steps []Step
	// Log is required; zap.NewNop() for none.
	Log *zap.Logger

	// StartTLS offers STARTTLS, with a certificate that the gateway makes
	// itself and leaves in DataDir (CertificatePath).
	StartTLS bool
	// Username and Password, if set, are asked for by AUTH PLAIN on SMTP.
	Username, Password string
	// InboxKeep is how many messages the inbox keeps, at least. Default 20,000;
	// negative: no inbox.
	InboxKeep int

	// For tests: the clock, and the opening of the accept log.
	now     func() time.Time
	openLog func(path string) (*acceptlog.Writer, error)
}

// DefaultInboxKeep is how many messages the inbox keeps by default.
const DefaultInboxKeep = 20_000

// AcceptLogPath is where the accept log of a data directory lies.
func AcceptLogPath(dataDir string) string { return filepath.Join(dataDir, "accept-log.jsonl") }

// CertificatePath is where the certificate (PEM) of a data directory lies.
func CertificatePath(dataDir string) string { return filepath.Join(dataDir, "certificate.pem") }

func inboxPath(dataDir string) string { return filepath.Join(dataDir, "inbox") }

func (c Config) withDefaults() Config {
	setDefault(&c.SMTPAddr, "127.0.0.1:2525")
	setDefault(&c.HTTPAddr, "127.0.0.1:8025")
	setDefault(&c.AdminAddr, "127.0.0.1:8026")
	c.Settings = c.Settings.WithDefaults()
	if c.InboxKeep == 0 {
		c.InboxKeep = DefaultInboxKeep
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.openLog == nil {
		c.openLog = acceptlog.Open
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	if c.DataDir == "" {
		faults = append(faults, errors.New("no data directory is given: the accept log needs one"))
	}
	if c.Log == nil {
		faults = append(faults, errors.New("no logger is given"))
	}
	if (c.Username == "") != (c.Password == "") {
		faults = append(faults, errors.New("user name and password go together"))
	}
	for name, addr := range map[string]string{"SMTP": c.SMTPAddr, "HTTP": c.HTTPAddr, "admin": c.AdminAddr} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			faults = append(faults, fmt.Errorf("%s address: %w", name, err))
		}
	}
	if err := (Scenario{c.Settings, c.Steps}).validate(); err != nil {
		faults = append(faults, fmt.Errorf("settings: %w", err))
	}
	return errors.Join(faults...)
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
