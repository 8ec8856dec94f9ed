package doctor_test

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// Each server has a certificate that only a CA of its own has signed: without the CA the doctor asks for it, with it the
// connection is made. The first finding is of the time zones.
func TestStoreAndGatewaysAreReachedWithACAOfTheirOwn(t *testing.T) {
	t.Parallel()
	server, _ := porttest.Certificate()
	ca := config.CA(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}))
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<ListBucketResult><Name>b</Name></ListBucketResult>`)
	}))
	web.TLS = server
	web.StartTLS()
	t.Cleanup(web.Close)
	relay := closesAfterTheHandshake(t, server)
	for variable, uses := range map[string]func(config.CA) doctor.Components{
		"BALSONG_S3_CA": func(ca config.CA) doctor.Components {
			return doctor.Components{S3: &config.S3{Bucket: "b", S3Access: config.S3Access{Region: "r", Endpoint: web.URL, AccessKey: "a", SecretKey: "s", CA: ca}}}
		},
		"BALSONG_SMS_CA": func(ca config.CA) doctor.Components {
			return doctor.Components{Gateways: &config.Gateways{SMS: config.HTTPGateway{
				URL: web.URL, HTTPCalls: config.HTTPCalls{CA: ca, CallDeadline: time.Second, Lease: time.Minute, Margin: time.Second, InFlight: 1},
			}}}
		},
		"BALSONG_SMTP_CA": func(ca config.CA) doctor.Components {
			return doctor.Components{Gateways: &config.Gateways{SMTP: config.SMTP{
				Addr: relay, TLS: "implicit", From: "bills@example.com", CA: ca, CallDeadline: time.Second, Lease: time.Minute, Margin: time.Second, InFlight: 1,
			}}}
		},
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			if finding := doctor.Examine(t.Context(), uses(""), observe.Clock{})[1]; finding.Level != doctor.Problem || !strings.Contains(finding.Do, variable) {
				t.Errorf("without the CA: %+v", finding)
			}
			if finding := doctor.Examine(t.Context(), uses(ca), observe.Clock{})[1]; strings.Contains(finding.Found+finding.Do, "certificate") {
				t.Errorf("with the CA: %+v", finding)
			}
		})
	}
}

// closesAfterTheHandshake returns the address of a server that says nothing.
func closesAfterTheHandshake(t *testing.T, settings *tls.Config) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				defer conn.Close()
				_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			}(conn)
		}
	}()
	return listener.Addr().String()
}
