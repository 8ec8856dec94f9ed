package postgres

import (
	"errors"
	"io"
	"net"
	"strconv"

	"github.com/lib/pq"
)

// TLSUse is how a URL makes connections encrypted.
type TLSUse struct {
	Servers     []string // host:port of each server that is asked for TLS; none where sslmode asks for none
	Certificate []byte   // in PEM, that is shown to the servers (sslcert); empty: none
}

// TLSUseOf reads a URL. ErrConfig.
func TLSUseOf(url string) (TLSUse, error) {
	settings, err := parse(url)
	if err != nil || settings.SSLMode == pq.SSLModeDisable || settings.SSLMode == pq.SSLModeAllow {
		return TLSUse{}, err
	}
	use := TLSUse{Servers: []string{hostPort(settings.Host, settings.Port)}}
	for _, more := range settings.Multi {
		use.Servers = append(use.Servers, hostPort(more.Host, more.Port))
	}
	use.Certificate, err = tlsFile("sslcert", settings.SSLCert, settings.SSLInline)
	return use, err
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// sslRequest asks a server of PostgreSQL for TLS (PostgreSQL's manual, "Message Formats").
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// errNoTLS is the error of a server that is asked for TLS and has none.
var errNoTLS = errors.New("the server offers no TLS")

// RequestTLS asks for TLS on a connection that nothing was sent over. The handshake is the caller's.
func RequestTLS(conn net.Conn) error {
	if _, err := conn.Write(sslRequest); err != nil {
		return err
	}
	answer := []byte{0}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return errNoTLS
	}
	return nil
}
