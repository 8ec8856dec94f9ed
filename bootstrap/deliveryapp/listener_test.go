package deliveryapp

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
)

func TestAListenerHasABoundedNumberOfConnections(t *testing.T) {
	t.Parallel()
	listener, err := listen(t.Context(), "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for range 2 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Error("a second connection is taken beside the first")
	default:
	}
	_, _ = first.Close(), first.Close() // a place is given back once
	second := <-accepted
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, more := <-accepted; more {
		t.Error("a closed listener takes connections, while all places are taken")
	}
	_ = second.Close()
}

// write writes a certificate of its own with a serial number, and its key.
func write(t *testing.T, certFile, keyFile string, serial int64, at time.Time) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct{ name, kind, bytes string }{{certFile, "CERTIFICATE", string(certificate)}, {keyFile, "PRIVATE KEY", string(encoded)}} {
		if err := os.WriteFile(f.name, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: []byte(f.bytes)}), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACertificateThatIsReplacedIsShownWithoutARestart(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)
	clock := memory.NewClock(now)
	certFile, keyFile := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	write(t, certFile, keyFile, 1, now)
	c, err := newCertificate(certFile, keyFile, clock)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want int64) {
		t.Helper()
		clock.Advance(certificateEvery)
		shown, err := c.get(nil)
		if err != nil || shown.Leaf.SerialNumber.Int64() != want {
			t.Errorf("it shows %v, %v, want %d", shown.Leaf.SerialNumber, err, want)
		}
	}
	shows(1)
	write(t, certFile, filepath.Join(t.TempDir(), "not yet"), 2, now.Add(time.Hour)) // its key comes later
	shows(1)
	write(t, certFile, keyFile, 3, now.Add(2*time.Hour))
	shows(3)
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	shows(3)
}
