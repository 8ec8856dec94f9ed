package apachekafka_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/awsidentity/tokentest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// msk stands before a broker that takes the tokens of an issuer: it checks tokens as MSK does, and gives the broker one of the
// issuer in place of each that is valid. So the sessions are those of Apache Kafka.
type msk struct {
	net.Listener
	issuer *issuer
	role   *tokentest.Role
	server atomic.Value // a string: the broker's address
	valid  atomic.Int32 // tokens that were taken
}

// newMSK returns the configuration of a service that signs in to a broker with its role.
func newMSK(t *testing.T, issuer *issuer, role *tokentest.Role) (*msk, config.Kafka) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &msk{Listener: listener, issuer: issuer, role: role}
	k := issuer.broker(t, map[string]string{"advertised.listeners": "PLAINTEXT://" + listener.Addr().String()})
	m.server.Store(k.Brokers[0])
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { _ = m.serve(client) })
		}
	})
	t.Cleanup(func() { _ = listener.Close() })
	k.Brokers = []string{listener.Addr().String()}
	k.KafkaAccess = config.KafkaAccess{SASL: config.AWSIAM}
	if err := config.Validate(config.Dispatcher{Database: config.Database{URL: "postgres://u@127.0.0.1/d?sslmode=disable", MaxConns: 1}, Kafka: k}); err != nil {
		t.Fatal(err)
	}
	return m, k
}

// saslAuthenticate is the API key of the request that holds the token. In version 2, key, version and correlation id are followed
// by the client's id and a byte for no tags; then come the token's message behind its length, and again a byte for no tags.
const saslAuthenticate = 36

func (m *msk) serve(client net.Conn) error {
	server, err := net.Dial("tcp", m.server.Load().(string)) //nolint:forcetypeassert // stored above
	if err != nil {
		return err
	}
	defer func() { _, _ = client.Close(), server.Close() }()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
	for {
		size := make([]byte, 4)
		if _, err := io.ReadFull(client, size); err != nil {
			return err
		}
		request := make([]byte, binary.BigEndian.Uint32(size))
		if _, err := io.ReadFull(client, request); err != nil {
			return err
		}
		if binary.BigEndian.Uint16(request) == saslAuthenticate {
			if request, err = m.exchange(request); err != nil {
				return err
			}
		}
		if _, err := server.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
			return err
		}
	}
}

// exchange gives a request the issuer's token in place of a valid one, and one that has expired in place of any other.
func (m *msk) exchange(request []byte) ([]byte, error) {
	if version := binary.BigEndian.Uint16(request[2:]); version != 2 {
		return nil, fmt.Errorf("version %d", version)
	}
	header := 11 + int(binary.BigEndian.Uint16(request[8:]))
	_, length := binary.Uvarint(request[header:])
	said, found := strings.CutPrefix(string(request[header+length:]), "n,,\x01auth=Bearer ")
	said, _, complete := strings.Cut(said, "\x01")
	if !found || !complete {
		return request, nil // the client's answer to a refusal
	}
	token := m.issuer.signUntil(time.Now().Add(-time.Hour))
	if signed, err := tokentest.Broker(said, m.role.Find, time.Now()); err == nil {
		by, _ := m.role.Find(signed.AccessKey)
		token = m.issuer.signUntil(by.Expires)
		m.valid.Add(1)
	}
	body := []byte("n,,\x01auth=Bearer " + token + "\x01\x01")
	return append(append(binary.AppendUvarint(request[:header:header], uint64(len(body)+1)), body...), 0), nil
}

func TestABrokerIsReachedWithTheRoleOfTheProcessUntilItEnds(t *testing.T) {
	role := tokentest.NewRole(t)
	t.Setenv("AWS_REGION", "ap-northeast-2")
	m, k := newMSK(t, newIssuer(t), role)
	examine := func() doctor.Finding {
		findings := doctor.Examine(t.Context(), doctor.Components{Kafka: &k}, observe.Clock{})
		if text := fmt.Sprint(findings); strings.Contains(text, "X-Amz") || strings.Contains(text, "secret") || strings.Contains(text, "aHR0cHM6Ly9rYWZrYS") {
			t.Errorf("it shows a secret: %s", text)
		}
		return findings[2] // behind those of the time zones and of the identity
	}
	if finding := examine(); finding.Level != doctor.OK || finding.Found != "1 broker answers, and the identity signs in by IAM" || m.valid.Load() == 0 {
		t.Errorf("sound: %+v", finding)
	}
	role.Down(true)
	if finding := examine(); finding.Level != doctor.Problem || !strings.Contains(finding.Found, "gives no credentials") || !strings.Contains(finding.Do, "taskRoleArn") {
		t.Errorf("no role: %+v", finding)
	}
	role.Down(false)
	t.Setenv("AWS_REGION", "")
	if finding := examine(); finding.Level != doctor.Problem || !strings.Contains(finding.Found, "no AWS region") {
		t.Errorf("no region: %+v", finding)
	}
	tokentest.NewRole(t) // nobody whom the cluster knows
	t.Setenv("AWS_REGION", "ap-northeast-2")
	if finding := examine(); finding.Level != doctor.Problem || !strings.Contains(finding.Found, "refuse the IAM token") || !strings.Contains(finding.Do, "kafka-cluster:Connect") {
		t.Errorf("another role: %+v", finding)
	}
}

func TestSessionsOutlastTheCredentialsThatBeganThem(t *testing.T) {
	role := tokentest.NewRole(t)
	t.Setenv("AWS_REGION", "ap-northeast-2")
	role.Life(3 * time.Second)
	m, k := newMSK(t, newIssuer(t), role)
	cluster := core.KafkaCluster(k.Brokers, k.KafkaAccess, "test", awsidentity.New())
	publisher, log := publisherOf(t, cluster)
	publish := func() {
		t.Helper()
		if err := publisher.Publish(t.Context(), port.TopicRequests, []port.Message{{Key: "k", Value: []byte("v")}})[0]; err != nil {
			t.Fatalf("after %d tokens: %v", m.valid.Load(), err)
		}
	}
	publish()
	begun := m.valid.Load()
	waittest.Wait{Every: time.Millisecond}.Until(t, "two sessions continue with other tokens", func() bool {
		publish()
		return m.valid.Load() >= begun+2
	})
	if lines := log.Lines(); len(lines) > 0 {
		t.Errorf("with %d tokens it logged %v", m.valid.Load(), lines)
	}
}
