package upgradetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv"
)

// drain is what a service that is asked to end may take: the shipped stop timeout.
const drain = 90 * time.Second

// service is a process that runs until it is told to end.
type service struct {
	version string // the directory that it is of
	command *exec.Cmd
	ended   chan error
}

// variables are the environment of every program: production's defaults, but for what a fast test and few processors need.
func (t *test) variables(a localenv.Addresses) []string {
	return append(append(os.Environ(), a.Services(t.url, bucket, "", 6).List()...),
		"BALSONG_KEYSET_FILE="+t.path("keyset.json"),
		"BALSONG_SMTP_ADDR="+t.gateway.SMTPAddr(), "BALSONG_SMTP_TLS=none", "BALSONG_SMTP_FROM=billing@example.com", "BALSONG_SMTP_IN_FLIGHT=12",
		"BALSONG_SMS_URL=http://"+t.gateway.HTTPAddr(), "BALSONG_SMS_IN_FLIGHT=12",
		"BALSONG_DELIVERY_IN_FLIGHT=200", "BALSONG_DISPATCH_PAGE=100", "BALSONG_DISPATCH_CAP=200", "BALSONG_HEALTH_ADDR=none",
	)
}

// run runs a program of a version to its end.
func (t *test) run(ctx context.Context, version string, command ...string) error {
	process := exec.CommandContext(ctx, filepath.Join(version, command[0]), command[1:]...)
	process.Env = t.environment
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	said, err := process.CombinedOutput()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s %s: %w: %s", t.name(version), strings.Join(command, " "), err, said)
	}
	return nil
}

func (t *test) name(version string) string {
	if version == t.Old {
		return "old"
	}
	return "new"
}

// place lets the service of a name be of a version: another one that is there ends first, as in a rolling upgrade, and must end in order.
func (t *test) place(ctx context.Context, name, version string) error {
	if s := t.services[name]; s != nil {
		if s.version == version {
			return nil
		}
		if err := t.stop(ctx, name); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(t.path("logs/"+name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	role, _, _ := strings.Cut(name, "-")
	s := &service{version: version, command: exec.CommandContext(ctx, filepath.Join(version, "delivery"), "--role", role), ended: make(chan error, 1)}
	s.command.Env, s.command.Stdout, s.command.Stderr = t.environment, log, log
	if err := s.command.Start(); err != nil {
		return err
	}
	go func() { s.ended <- s.command.Wait() }()
	t.services[name] = s
	return nil
}

// stop ends a service by SIGTERM.
func (t *test) stop(ctx context.Context, name string) error {
	s := t.services[name]
	delete(t.services, name)
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		if err != nil {
			return fmt.Errorf("the %s %s ended with %w", t.name(s.version), name, err)
		}
		return nil
	case <-time.After(drain):
	case <-ctx.Done():
	}
	_ = s.command.Process.Kill()
	return errors.Join(fmt.Errorf("the %s %s did not end within %s", t.name(s.version), name, drain), <-s.ended)
}

func (t *test) stopServices(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(t.services)) {
		errs = append(errs, t.stop(ctx, name))
	}
	return errors.Join(errs...)
}

// alive returns an error where a service has ended by itself.
func (t *test) alive() error {
	for _, name := range slices.Sorted(maps.Keys(t.services)) {
		s := t.services[name]
		select {
		case err := <-s.ended:
			delete(t.services, name)
			return fmt.Errorf("the %s %s ended by itself: %w (see %s)", t.name(s.version), name, err, t.path("logs/"+name+".log"))
		default:
		}
	}
	return nil
}
