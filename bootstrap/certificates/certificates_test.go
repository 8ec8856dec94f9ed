package certificates_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/certificates"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
)

var june = time.Date(2027, time.June, 1, 12, 0, 0, 0, time.UTC)

// serve is a server that shows a certificate after what precedes TLS in its protocol.
func serve(t *testing.T, ends time.Time, before func(conn net.Conn) error) (addr string) {
	t.Helper()
	shown := porttest.CertificateUntil(t, ends)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if before == nil || before(conn) == nil {
					secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*shown}, MinVersion: tls.VersionTLS12})
					_, _ = io.Copy(answering{secure}, secure)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// answering answers whatever comes as a mail server does.
type answering struct{ io.Writer }

func (a answering) Write(p []byte) (int, error) {
	answer := "221 bye\r\n"
	if strings.HasPrefix(string(p), "EHLO ") {
		answer = "250 mail\r\n"
	}
	_, err := io.WriteString(a.Writer, answer)
	return len(p), err
}

func postgresql(conn net.Conn) error {
	request := make([]byte, 8)
	if _, err := io.ReadFull(conn, request); err != nil {
		return err
	}
	if string(request[4:]) != "\x04\xd2\x16\x2f" {
		return fmt.Errorf("the request is %x", request)
	}
	_, err := conn.Write([]byte("S"))
	return err
}

func mail(conn net.Conn) error {
	if _, err := io.WriteString(conn, "220 mail\r\n"); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch {
		case strings.HasPrefix(lines.Text(), "EHLO "):
			_, _ = io.WriteString(conn, "250-mail\r\n250 STARTTLS\r\n")
		case lines.Text() == "STARTTLS":
			_, err := io.WriteString(conn, "220 go ahead\r\n")
			return err
		}
	}
	return io.ErrUnexpectedEOF
}

func TestTheEndOfTheCertificateIsSeenInEachProtocol(t *testing.T) {
	t.Parallel()
	var c config.Deliverer
	c.Database.URL = "postgres://balsong@" + serve(t, june, postgresql) + "/balsong?sslmode=verify-full"
	c.Kafka.TLS, c.Kafka.Brokers = true, []string{serve(t, june.AddDate(0, 0, 5), nil), serve(t, june.AddDate(0, 0, 1), nil)}
	c.S3.Bucket, c.S3.Endpoint = "bills", "https://"+serve(t, june.AddDate(0, 0, 2), nil)
	c.Gateways.SMTP = config.SMTP{Addr: serve(t, june.AddDate(0, 0, 3), mail), TLS: "mandatory"}
	c.Gateways.SMS.URL = "https://" + serve(t, june.AddDate(0, 0, 4), nil) + "/v1"
	c.Gateways.Push.URL = "http://127.0.0.1:1"
	days := map[string]int{}
	for _, component := range certificates.Configured(c) {
		ends, err := certificates.Expiry(t.Context(), component)
		if err != nil {
			t.Errorf("%s: %v", component.Name, err)
			continue
		}
		days[component.Name] = int(ends.Sub(june).Hours() / 24)
	}
	if got := fmt.Sprint(days); got != "map[database:0 email/smtp:3 event log:1 sms/http:4 statements:2]" {
		t.Errorf("days after the first of June: %s", got)
	}
}

func TestACertificateOfOursThatEndsFirstCounts(t *testing.T) {
	t.Parallel()
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: porttest.CertificateUntil(t, june.AddDate(0, -1, 0)).Certificate[0]})
	ends, err := certificates.Expiry(t.Context(), certificates.Component{Name: "database", Servers: []string{serve(t, june, nil)}, Own: own})
	if err != nil || !ends.Equal(june.AddDate(0, -1, 0)) {
		t.Errorf("it ends on %s (%v)", ends, err)
	}
}

func TestUnencryptedConnectionsHaveNoCertificate(t *testing.T) {
	t.Parallel()
	var c config.Deliverer
	c.Database.URL = "postgres://balsong@127.0.0.1/balsong?sslmode=disable"
	c.Kafka.Brokers = []string{"127.0.0.1:9092"}
	c.S3.Bucket, c.S3.Endpoint = "bills", "http://127.0.0.1:9000"
	c.Gateways.SMTP = config.SMTP{Addr: "127.0.0.1:25", TLS: "none"}
	if list := certificates.Configured(c); len(list) > 0 {
		t.Errorf("there are %+v", list)
	}
}

func TestAServerThatIsDownIsLoggedOnceAndSeenWhenItIsThere(t *testing.T) {
	t.Parallel()
	clock, log, metrics := memory.NewClock(june.AddDate(0, -1, 0)), &memory.Log{}, &memory.Metrics{}
	component := certificates.Component{Name: "sms", Servers: []string{"127.0.0.1:1"}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		certificates.Watch(ctx, component, clock, log, metrics)
	}()
	for range 3 {
		if err := clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	stop()
	<-ended
	if lines := log.Find("the end of a certificate cannot be seen; it is tried again each minute"); len(lines) != 1 {
		t.Errorf("three looks at a server that is not there are logged as %v", lines)
	}
	component.Servers = []string{serve(t, june, nil)}
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	go certificates.Watch(ctx, component, clock, log, metrics)
	if err := clock.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if got := metrics.Recorded(metric.CertificateExpiry.Metric, "sms"); !slices.Equal(got, []float64{float64(june.Unix())}) {
		t.Errorf("the metric is %v", got)
	}
}

// slowLog takes a while for each warning, and says how many were written.
type slowLog struct {
	memory.Log
	written atomic.Int32
}

func (l *slowLog) Warn(string, ...port.Field) {
	time.Sleep(time.Second)
	l.written.Add(1)
}

// What still logged after the app's end would write to a log that is closed.
func TestTheEndOfTheAppWaitsForTheLooksUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c config.Deliverer
		c.Gateways.SMTP = config.SMTP{Addr: "has no port", TLS: "mandatory"}
		log := &slowLog{}
		app := fxtest.New(t, fx.NopLogger, certificates.Module(c),
			fx.Provide(func() (port.Log, port.Clock, port.Metrics) { return log, observe.Clock{}, &memory.Metrics{} }))
		app.RequireStart()
		synctest.Wait()
		app.RequireStop()
		if n := log.written.Load(); n != 1 {
			t.Errorf("%d warnings were written when the app had ended", n)
		}
	})
}
