package batchapp_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
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

func TestTheAppProvidesABatchAndNeedsNothingOfTheWorld(t *testing.T) {
	t.Parallel()
	c := config.Batch{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Kafka:    config.Kafka{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1, MinInSync: 1},
		S3:       config.S3{Bucket: "none", Region: "ap-northeast-2", Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "s"},
		Keys:     config.Keys{Keyset: keyset(t)},
		Log:      config.Log{Level: "error", Format: "json"},
	}
	if err := fx.ValidateApp(batchapp.Options(c)); err != nil {
		t.Fatal(err)
	}
	if err := fx.New(batchapp.Options(c)).Err(); err != nil {
		t.Fatal(err)
	}
	c.Keys = config.Keys{}
	if err := fx.New(batchapp.Options(c)).Err(); err == nil || !strings.Contains(err.Error(), "BALSONG_KEYSET") {
		t.Fatalf("without a keyset: %v", err)
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
	for _, v := range config.Variables[config.Batch]() {
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
		"import without month":  {[]string{"import", "--file", missing}, nil, core.ExitUsage, "--month"},
		"unknown format":        {[]string{"import", "--file", missing, "--month", "2026-11", "--format", "xml"}, nil, core.ExitUsage, `"xml"`},
		"unknown zone":          {[]string{"import", "--file", missing, "--month", "2026-11", "--zone", "Mars/Base"}, nil, core.ExitUsage, "--zone"},
		"not an instant":        {[]string{"import", "--file", missing, "--month", "2026-11", "--not-before", "soon"}, nil, core.ExitUsage, "--not-before"},
		"file is not there":     {[]string{"import", "--file", missing, "--month", "2026-11"}, nil, core.ExitNotFound, "missing.csv"},
		"file is a directory":   {[]string{"import", "--file", filepath.Dir(missing), "--month", "2026-11"}, nil, core.ExitRefused, "directory"},
		"render without month":  {[]string{"render"}, nil, core.ExitUsage, "--month"},
		"migrate unconfigured":  {[]string{"migrate"}, map[string]string{"DATABASE_URL": "unset"}, core.ExitUsage, "DATABASE_URL is not set"},
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
