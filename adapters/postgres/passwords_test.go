package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
)

func TestPasswordsOfASourceGoToOneVerifiedServerAlone(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"postgres://balsong@db.example.com:5432/balsong?sslmode=verify-full":         "",
		"postgres://balsong:hunter2@db.example.com:5432/balsong?sslmode=verify-full": "take it away",
		"postgres://balsong@db.example.com:5432/balsong?sslmode=verify-ca":           "sslmode=verify-full",
		"postgres://balsong@db.example.com:5432/balsong?sslmode=require":             "sslmode=verify-full",
		"postgres://balsong@127.0.0.1:5432/balsong?sslmode=disable":                  "sslmode=verify-full",
		"postgres://balsong@a.example.com,b.example.com/balsong?sslmode=verify-full": "one",
	} {
		err := postgres.CheckPasswordSource(url)
		switch {
		case says == "" && err != nil, says != "" && (!errors.Is(err, postgres.ErrConfig) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: %v", url, err)
		}
		source := func(context.Context, postgres.Login) (string, error) { return "token", nil }
		if _, opened := postgres.Open(postgres.Config{URL: url, Passwords: source}); (opened == nil) != (err == nil) {
			t.Errorf("%s: opened: %v", url, opened)
		}
	}
}

func TestASourceThatGivesNoPasswordIsAnOutageAndNamed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	at := postgres.Config{URL: "postgres://balsong@127.0.0.1:1/balsong?sslmode=verify-full", Passwords: func(ctx context.Context, _ postgres.Login) (string, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("it may wait for ever")
		}
		asked.Add(1)
		return "", fmt.Errorf("%w: the role's endpoint is silent", port.ErrUnavailable)
	}}
	_, err := postgres.Examine(t.Context(), at)
	failure, is := errors.AsType[*postgres.ExamineError](err)
	if !is || failure.Failure != postgres.FailurePassword || !errors.Is(err, port.ErrUnavailable) || asked.Load() != 1 {
		t.Errorf("examined: %v, asked %d times", err, asked.Load())
	}
	db, err := postgres.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := postgres.NewControl(db).Halted(t.Context()); !errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "silent") {
		t.Errorf("used: %v", err)
	}
}

// A token is for one user at one server: for those that the connection is made to, wherever the driver has them from.
func TestAPasswordIsForWhoTheDriverLogsInAs(t *testing.T) {
	for url, want := range map[string]postgres.Login{
		"postgres://balsong@127.0.0.1:1/balsong?sslmode=verify-full":       {Server: "127.0.0.1:1", User: "balsong"},
		"postgres://balsong@127.0.0.1:1/b?sslmode=verify-full&user=kim":    {Server: "127.0.0.1:1", User: "kim"},
		"postgres:///b?sslmode=verify-full&host=127.0.0.1&port=1&user=kim": {Server: "127.0.0.1:1", User: "kim"},
		"postgres:///balsong?sslmode=verify-full":                          {Server: "127.0.0.1:2", User: "lee"},
	} {
		t.Setenv("PGHOST", "127.0.0.1")
		t.Setenv("PGPORT", "2")
		t.Setenv("PGUSER", "lee")
		var got postgres.Login
		_, err := postgres.Examine(t.Context(), postgres.Config{URL: url, Passwords: func(_ context.Context, to postgres.Login) (string, error) {
			got = to
			return "", port.ErrUnavailable
		}})
		if said, wrong := postgres.LoginOf(url); err == nil || wrong != nil || got != want || said != want {
			t.Errorf("%s: a password for %+v, said %+v (%v, %v), want %+v", url, got, said, err, wrong, want)
		}
	}
}
