// Package identitytest signs in to PostgreSQL as to AWS RDS: behind TLS, with tokens in place of passwords.
package identitytest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity/tokentest"
	"github.com/balsong/balsong/application/porttest"
)

// instance stands before a server of PostgreSQL as RDS does: TLS alone, and a user logs in with a token for this user at this
// address, which is then let in without a password.
type instance struct {
	net.Listener
	server string // its address
	tls    *tls.Config
	role   *tokentest.Role

	mutex  sync.Mutex
	users  []string // of tokens that were taken
	tokens map[string]bool
	closed []func()
}

func newInstance(t *testing.T, server string, role *tokentest.Role) *instance {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings, _ := porttest.Certificate()
	i := &instance{Listener: listener, server: server, tls: settings, role: role, tokens: map[string]bool{}}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { _ = i.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		i.cut()
		connections.Wait()
	})
	return i
}

// cut ends all connections.
func (i *instance) cut() {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for _, end := range i.closed {
		end()
	}
	i.closed = nil
}

// taken returns the users of the tokens that were taken, and how many different tokens these were.
func (i *instance) taken() (users []string, tokens int) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return append(users, i.users...), len(i.tokens)
}

// sslRequest is the first message of a client that wants TLS ("Message Formats" in PostgreSQL's manual).
const sslRequest = 80877103

func (i *instance) serve(plain net.Conn) error {
	defer func() { _ = plain.Close() }()
	first := make([]byte, 8)
	if _, err := io.ReadFull(plain, first); err != nil || binary.BigEndian.Uint32(first[4:]) != sslRequest {
		return errors.Join(err, errors.New("RDS takes tokens by TLS alone"))
	}
	if _, err := plain.Write([]byte("S")); err != nil {
		return err
	}
	client := tls.Server(plain, i.tls)
	startup, err := message(client)
	if err != nil {
		return err
	}
	if _, err := client.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}); err != nil { // the password, as it is
		return err
	}
	if _, err := io.ReadFull(client, first[:1]); err != nil {
		return err
	}
	password, err := message(client)
	if err != nil {
		return err
	}
	if !i.takes(strings.TrimRight(string(password[4:]), "\x00"), userOf(startup)) {
		const refusal = "SFATAL\x00VFATAL\x00C28000\x00MPAM authentication failed\x00\x00"
		_, err := client.Write(append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(refusal)+4)), refusal...))
		return err
	}
	server, err := net.Dial("tcp", i.server)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	i.mutex.Lock()
	i.closed = append(i.closed, func() { _, _ = plain.Close(), server.Close() })
	i.mutex.Unlock()
	if _, err := server.Write(startup); err != nil {
		return err
	}
	done := make(chan error, 2)
	go func() { _, err := io.Copy(client, server); _ = client.Close(); done <- err }()
	go func() { _, err := io.Copy(server, client); _ = server.Close(); done <- err }()
	return errors.Join(<-done, <-done)
}

// takes reports whether a token is for a user at this address, and good now.
func (i *instance) takes(token, user string) bool {
	said, err := tokentest.Database(token, i.role.Find, time.Now())
	if err != nil || said.User != user || said.Host != i.Addr().String() {
		return false
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.users, i.tokens[said.AccessKey+said.Signed.String()] = append(i.users, user), true
	return true
}

// message reads a length and what follows, and returns both.
func message(from io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > 1<<16 {
		return nil, errors.New("a message of no plausible length")
	}
	whole := append(make([]byte, 0, n), size[:]...)[:n]
	_, err := io.ReadFull(from, whole[len(size):])
	return whole, err
}

// userOf returns the user of a startup message.
func userOf(startup []byte) string {
	parts := strings.Split(string(startup[8:]), "\x00")
	for j := 0; j+1 < len(parts); j += 2 {
		if parts[j] == "user" {
			return parts[j+1]
		}
	}
	return ""
}
