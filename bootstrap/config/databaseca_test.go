package config_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
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

func TestThePasswordInADatabaseURLIsNotInTheError(t *testing.T) {
	environment(t, map[string]string{"DATABASE_URL": "postgres://user:p%ssword@host/x"})
	if _, err := config.Load[config.Operator](t.Context()); err == nil || strings.Contains(err.Error(), "p%ssword") {
		t.Fatalf("the error is %v", err)
	}
}

// What waiting does not correct is an error of the configuration: the driver would take it for an outage, or go without the file.
func TestFilesOfCertificatesThatTheDatabaseURLNamesAreRead(t *testing.T) {
	pair, _ := porttest.Certificate()
	encoded, err := x509.MarshalPKCS8PrivateKey(pair.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificates[0].Certificate[0]})))
	private := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	garbled, gone := written(t, "no PEM"), written(t, "")+".gone"
	open := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	group := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	if err := os.Chmod(group, 0o660); err != nil {
		t.Fatal(err)
	}
	for query, says := range map[string]string{
		"sslmode=require&sslcert=" + certificate + "&sslkey=" + group:   "sslkey " + group + " may be read by others",
		"sslmode=verify-full&sslrootcert=" + gone:                       "sslrootcert " + gone + " cannot be read: no such file",
		"sslmode=require&sslrootcert=" + gone:                           "sslrootcert " + gone + " cannot be read",
		"sslmode=verify-ca&sslrootcert=" + garbled:                      "sslrootcert " + garbled + " has no certificate",
		"sslmode=require&sslcert=" + gone + "&sslkey=" + private:        "sslcert " + gone + " cannot be read",
		"sslmode=require&sslcert=" + certificate + "&sslkey=" + gone:    "sslkey " + gone + " cannot be read",
		"sslmode=require&sslcert=" + certificate + "&sslkey=" + garbled: "sslcert " + certificate + " and sslkey are no certificate and its key",
		"sslmode=require&sslcert=" + certificate + "&sslkey=" + open:    "sslkey " + open + " may be read by others",
		"sslmode=require&sslkey=-----BEGIN+hush":                        "sslkey in it is the text of a certificate or key",
		"sslmode=verify-all":                                            "unknown sslmode",
		"connect_timeout=3":                                             "names no sslmode",
		"sslmode=verify-full&sslrootcert=" + certificate:                "",
		"sslmode=require&sslcert=" + certificate + "&sslkey=" + private: "",
		"sslmode=verify-full&sslrootcert=system":                        "",
		"sslmode=disable&sslrootcert=" + gone:                           "",
	} {
		t.Run(query, func(t *testing.T) {
			environment(t, map[string]string{"DATABASE_URL": "postgres://user:hush@db.example.com:5432/balsong?" + query})
			_, err := config.Load[config.Operator](t.Context())
			switch {
			case says == "" && err != nil:
				t.Fatal(err)
			case says != "" && (!errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "DATABASE_URL") || !strings.Contains(err.Error(), says)):
				t.Errorf("%v, want %q", err, says)
			case says != "" && strings.Contains(err.Error(), "hush"):
				t.Errorf("it shows a secret: %v", err)
			}
		})
	}
}
