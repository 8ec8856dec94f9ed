package batchapp_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

func keyset(t *testing.T) string {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return string(keyset)
}

func TestEachCommandIsWiredWithItsOwnSettingsAndNeedsNothingOfTheWorld(t *testing.T) {
	t.Parallel()
	database := config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second}
	kafka := config.Kafka{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1, MinInSync: 1}
	s3 := config.S3{Bucket: "none", S3Access: config.S3Access{Region: "ap-northeast-2", Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "s"}}
	keys, log := config.Keys{Keyset: keyset(t)}, config.Log{Level: "error", Format: "json"}
	for name, options := range map[string]fx.Option{
		"migrate": batchapp.Migrating(config.Migrate{Database: database, Kafka: kafka, S3: s3, Log: log}),
		"import":  batchapp.Importing(config.Import{Database: database, Keys: keys, Log: log}),
		"render":  batchapp.Rendering(config.Render{Database: database, S3: s3, Keys: keys, Log: log}),
	} {
		if err := errors.Join(fx.ValidateApp(options), fx.New(options).Err()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := fx.New(batchapp.Importing(config.Import{Database: database, Log: log})).Err(); err == nil || !strings.Contains(err.Error(), "BALSONG_KEYSET") {
		t.Errorf("without a keyset: %v", err)
	}
}

func environment(t *testing.T, more map[string]string) {
	t.Helper()
	all := map[string]string{
		"DATABASE_URL": "postgres://user@127.0.0.1:1/none?sslmode=disable", "BALSONG_KAFKA_BROKERS": "127.0.0.1:1",
		"BALSONG_S3_BUCKET": "none", "BALSONG_S3_ENDPOINT": "http://127.0.0.1:1", "BALSONG_S3_ACCESS_KEY": "a", "BALSONG_S3_SECRET_KEY": "s",
		"BALSONG_KEYSET": keyset(t), "BALSONG_LOG_LEVEL": "error",
	}
	for name, value := range more {
		all[name] = value
	}
	for _, v := range slices.Concat(config.Variables[config.Migrate](), config.Variables[config.Import](), config.Variables[config.Render]()) {
		value, ok := all[v.Name]
		t.Setenv(v.Name, value)
		if !ok || value == "unset" {
			if err := os.Unsetenv(v.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheExitCodesOfTheBatch(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.csv")
	for name, c := range map[string]struct {
		args []string
		set  map[string]string
		code int
		says string
	}{
		"help":                  {[]string{"--help"}, nil, core.ExitOK, "Exit codes:"},
		"help of a command":     {[]string{"import", "--help"}, nil, core.ExitOK, "--not-before"},
		"version":               {[]string{"--version"}, nil, core.ExitOK, "batch"},
		"no command":            {nil, nil, core.ExitUsage, "Usage"},
		"unknown command":       {[]string{"export"}, nil, core.ExitUsage, `"export"`},
		"import without file":   {[]string{"import", "--month", "2026-11"}, nil, core.ExitUsage, "--file"},
		"import without month":  {[]string{"import", "--file", missing}, nil, core.ExitUsage, "--month is missing"},
		"unknown zone":          {[]string{"import", "--file", missing, "--month", "2026-11", "--zone", "Mars/Base"}, nil, core.ExitUsage, "--zone"},
		"not an instant":        {[]string{"import", "--file", missing, "--month", "2026-11", "--not-before", "soon"}, nil, core.ExitUsage, "--not-before"},
		"file is not there":     {[]string{"import", "--file", missing, "--month", "2026-11"}, nil, core.ExitNotFound, "missing.csv"},
		"file is a directory":   {[]string{"import", "--file", filepath.Dir(missing), "--month", "2026-11"}, nil, core.ExitRefused, "directory"},
		"new without reason":    {[]string{"import", "--file", missing, "--month", "2026-11", "--allow-new"}, nil, core.ExitUsage, "--allow-new needs --reason"},
		"correct w/o reason":    {[]string{"import", "--file", missing, "--month", "2026-11", "--correct"}, nil, core.ExitUsage, "--correct needs --reason"},
		"month without reason":  {[]string{"import", "--file", missing, "--month", "2026-11", "--allow-wrong-month"}, nil, core.ExitUsage, "--allow-wrong-month needs --reason"},
		"undo without reason":   {[]string{"import", "undo", "--month", "2026-11", "--import", "1"}, nil, core.ExitUsage, "--reason (and --actor) is missing"},
		"a total twice":         {[]string{"import", "--file", missing, "--month", "2026-11", "--expect-total", "KRW=1", "--expect-total", "krw=2"}, nil, core.ExitUsage, "--expect-total: KRW is there twice"},
		"an object of no form":  {[]string{"import", "--file", "s3://bucket", "--month", "2026-11"}, nil, core.ExitRefused, "is not of the form s3://bucket/key"},
		"render without month":  {[]string{"render"}, nil, core.ExitUsage, `"month" not set`},
		"migrate unconfigured":  {[]string{"migrate"}, map[string]string{"DATABASE_URL": "unset"}, core.ExitUsage, "DATABASE_URL is not set"},
		"no lock timeout":       {[]string{"migrate", "--lock-timeout", "0"}, nil, core.ExitUsage, "--lock-timeout must be at least 1ms"},
		"render without keyset": {[]string{"render", "--month", "2026-11"}, map[string]string{"BALSONG_KEYSET": "unset"}, core.ExitUsage, "BALSONG_KEYSET"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := cli.Run(ctx, batchapp.NewCommand(), c.args, &stdout, &stderr)
			said, silent := &stderr, &stdout
			if c.code == core.ExitOK { // help that was asked for is an answer
				said, silent = &stdout, &stderr
			}
			if code != c.code || !strings.Contains(said.String(), c.says) || silent.Len() != 0 {
				t.Fatalf("exit code %d, want %d; it says:\n%s\nand elsewhere:\n%s", code, c.code, said, silent)
			}
		})
	}
}

func TestEachCommandAsksForTheSettingsThatItUsesAndNoMore(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.csv")
	unset := func(names ...string) map[string]string {
		set := map[string]string{}
		for _, name := range names {
			set[name] = "unset"
		}
		return set
	}
	store := []string{"BALSONG_S3_BUCKET", "BALSONG_S3_ENDPOINT", "BALSONG_S3_ACCESS_KEY", "BALSONG_S3_SECRET_KEY"}
	for name, c := range map[string]struct {
		args []string
		set  map[string]string
		code int // of what comes after the configuration
	}{
		"import needs no brokers and no store": {[]string{"import", "--month", "2026-11", "--file", missing}, unset(append(store, "BALSONG_KAFKA_BROKERS")...), core.ExitNotFound},
		"render needs no brokers":              {[]string{"render", "--month", "2026-11"}, unset("BALSONG_KAFKA_BROKERS"), core.ExitInterrupted},
		"migrate needs no keyset":              {[]string{"migrate"}, unset("BALSONG_KEYSET"), core.ExitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Second) // what is configured is not there, and is waited for
			defer stop()
			var said bytes.Buffer
			if code := cli.Run(ctx, batchapp.NewCommand(), c.args, &said, &said); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, &said)
			}
		})
	}
}
