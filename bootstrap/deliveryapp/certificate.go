package deliveryapp

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// certificateEvery is the least time between two looks whether the files of a certificate have changed.
const certificateEvery = 10 * time.Second

// certificate is a server's own, from files that may be replaced while it runs. Safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	clock             port.Clock

	mutex  sync.Mutex
	shown  *tls.Certificate
	looked time.Time
	change time.Time // of the certificate's file, as shown has it
}

func newCertificate(certFile, keyFile string, clock port.Clock) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, clock: clock}
	return c, c.read()
}

// read reads the files. What cannot be used leaves the last one.
func (c *certificate) read() error {
	change, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.shown, c.change = &pair, change.ModTime()
	return nil
}

// get is tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if now := c.clock.Now(); now.Sub(c.looked) >= certificateEvery {
		c.looked = now
		if file, err := os.Stat(c.certFile); err == nil && !file.ModTime().Equal(c.change) {
			_ = c.read() // whoever writes them may be at it: the next look reads them again
		}
	}
	return c.shown, nil
}
