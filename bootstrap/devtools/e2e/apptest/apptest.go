// Package apptest starts the production apps and the gateway simulator in a test, on real components.
package apptest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/domain/channel"
)

// Gateway starts a gateway simulator, which keeps its data in a directory, until the test ends.
func Gateway(t *testing.T, data string) *gatewaysim.Server {
	t.Helper()
	server, err := gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: data, Log: zap.NewNop(), InboxKeep: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Components are where those of the tests listen. A test without them fails, and says how it is run.
func Components(t *testing.T) localenv.Addresses {
	t.Helper()
	a, err := localenv.FromEnvironment(os.Getenv)
	if err != nil {
		t.Fatalf("this test needs the components: run through `make test` (%v)", err)
	}
	return a
}

// Configure sets the environment as in production, with the variables that each channel's gateway has. Topics and bucket are
// the test's own, with a prefix.
func Configure(t *testing.T, prefix, database string, server *gatewaysim.Server) {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	name := prefix + "-" + strings.ToLower(rand.Text()[:8])
	environment := Components(t).Services(database, name, name+"-", 2)
	maps.Copy(environment, localenv.Variables{
		"BALSONG_KEYSET": string(keyset), "BALSONG_LOG_LEVEL": "warn", "BALSONG_HEALTH_ADDR": "127.0.0.1:0",
		"BALSONG_SMTP_ADDR": server.SMTPAddr(), "BALSONG_SMTP_TLS": "none", "BALSONG_SMTP_FROM": "billing@example.com", "BALSONG_SETTLE_SWEEP": "1s",
	})
	for variable, value := range environment {
		t.Setenv(variable, value)
	}
	for _, kind := range channel.All {
		if kind != channel.Email {
			t.Setenv("BALSONG_"+string(kind)+"_URL", "http://"+server.HTTPAddr())
		}
	}
}

// Load reads an app's configuration.
func Load[C any](t *testing.T) C {
	t.Helper()
	c, err := config.Load[C](t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Start starts an app.
func Start(t *testing.T, options fx.Option) (stop func()) {
	t.Helper()
	app := fx.New(options)
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// The template of AlimTalk, as KakaoTalk approved it: its code at every provider, and its text.
const (
	AlimTalkTemplate = "BILL_01"
	AlimTalkText     = "[#{회사}] #{월} 청구 금액은 #{금액}입니다."
)

// AlimTalk are the shipped templates with an AlimTalk template, which is registered at each provider of AlimTalk.
func AlimTalk(t *testing.T) *rendering.Templates {
	t.Helper()
	files := fstest.MapFS{
		"ko/alimtalk.txt":  {Data: []byte(AlimTalkText)},
		"ko/alimtalk.json": {Data: []byte(`{"codes": {"http": "` + AlimTalkTemplate + `", "nhn": "` + AlimTalkTemplate + `", "solapi": "` + AlimTalkTemplate + `"}, "variables": {"회사": "{{.Sender}}", "월": "{{.Month}}", "금액": "{{.Amount}}"}}`)},
	}
	if err := fs.WalkDir(rendering.ShippedFiles(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(rendering.ShippedFiles(), name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	templates, err := rendering.LoadTemplates(files)
	if err != nil {
		t.Fatal(err)
	}
	return templates.Named("with AlimTalk")
}
