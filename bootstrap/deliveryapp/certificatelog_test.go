package deliveryapp_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
)

func TestFeedbackLogsAtItsStartThatItsCertificateHasEnded(t *testing.T) {
	t.Parallel()
	ended := porttest.CertificateUntil(t, time.Now().AddDate(0, 0, -1))
	key, err := x509.MarshalPKCS8PrivateKey(ended.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c, dir := reported(t), t.TempDir()
	c.Feedback.CertFile, c.Feedback.KeyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for path, block := range map[string]*pem.Block{c.Feedback.CertFile: {Type: "CERTIFICATE", Bytes: ended.Certificate[0]}, c.Feedback.KeyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log memory.Log
	app := fx.New(deliveryapp.Options(deliveryapp.Feedback, c), fx.Decorate(func(port.Log) port.Log { return &log }), fx.NopLogger)
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "the log names the certificate", func() bool {
		return slices.ContainsFunc(log.Lines(), func(l memory.Line) bool {
			return l.Level == memory.LevelWarn && l.Field("checked") == "BALSONG_FEEDBACK_CERT_FILE"
		})
	})
	if err := app.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
