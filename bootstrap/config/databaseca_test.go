package config_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
)

// handshakes answers as PostgreSQL does until TLS is agreed upon, and says for each connection whether it was.
func handshakes(t *testing.T, server *tls.Config) (address string, agreed <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	results := make(chan error, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err = io.ReadFull(conn, make([]byte, 8)); err == nil { // SSLRequest
				_, err = conn.Write([]byte("S"))
			}
			secured := tls.Server(conn, server)
			if err == nil {
				_, err = secured.Read(make([]byte, 1)) // a client that does not trust the server says so here
			}
			results <- err
			_ = secured.Close()
		}
	}()
	return listener.Addr().String(), results
}

func TestTheCAOfADatabaseMayComeAlone(t *testing.T) {
	server, _ := porttest.Certificate()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}))
	address, agreed := handshakes(t, server)
	connect := func(variables map[string]string) error {
		environment(t, variables)
		c, err := config.Load[config.Operator](t.Context())
		if err != nil {
			t.Fatal(err)
		}
		db, err := postgres.Open(postgres.Config{URL: c.Database.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		_ = db.PingContext(t.Context()) // nobody logs in there
		return <-agreed
	}
	url := "postgres://u@" + address + "/x?sslmode=verify-full"
	if err := connect(map[string]string{"DATABASE_URL": url, "BALSONG_DB_CA": "file:" + written(t, ca)}); err != nil {
		t.Errorf("with the CA: %v", err)
	}
	elsewhere := strings.Replace(url, "127.0.0.1", "localhost", 1) // the certificate is not of that name
	if err := connect(map[string]string{"DATABASE_URL": elsewhere, "BALSONG_DB_CA": "file:" + written(t, ca)}); err == nil {
		t.Error("with another name the server was trusted")
	}
	if err := connect(map[string]string{"DATABASE_URL": url}); err == nil {
		t.Error("without the CA the server was trusted")
	}
}

func TestACAOfADatabaseThatChecksNothingIsRefused(t *testing.T) {
	server, _ := porttest.Certificate()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}))
	for says, variables := range map[string][2]string{
		"sslmode in DATABASE_URL is not verify-full": {"sslmode=require", ca},
		"DATABASE_URL has sslrootcert":               {"sslmode=verify-full&sslrootcert=system", ca},
		"BALSONG_DB_CA: no certificate in PEM":       {"sslmode=verify-full", "no PEM"},
	} {
		t.Run(says, func(t *testing.T) {
			environment(t, map[string]string{"DATABASE_URL": "postgres://u:hush@db.example.com:5432/x?" + variables[0], "BALSONG_DB_CA": variables[1]})
			if _, err := config.Load[config.Operator](t.Context()); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v, want %q", err, says)
			}
		})
	}
}
