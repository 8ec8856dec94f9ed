package embeds3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

const (
	probeInterval = 10 * time.Millisecond
	// Bounds of one process on a laptop; a request beyond them gets SlowDown.
	maxConnections = 4096
	maxRequests    = 2048
	maxParts       = 10000
	// healthPath is no possible bucket name.
	healthPath = "/_health"
)

var role = child.Register("s3", serve)

// spec is what the parent tells the child.
type spec struct {
	DataDir   string `json:"data_dir"`
	Port      int    `json:"port"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	Region    string `json:"region"`
	Temporary bool   `json:"temporary"`
}

// info is what the child answers when the server is ready.
type info struct {
	Port int `json:"port"`
}

// serve is the child: it runs the server until the parent ends.
func serve(ctx context.Context, link *child.Link) (err error) {
	debug.SetGCPercent(400) // its heap is small: otherwise it would collect garbage for a third of its time
	var s spec
	ctx, err = link.Spec(ctx, &s)
	if err != nil {
		return err
	}
	if s.Temporary {
		defer func() { err = errors.Join(err, link.RemoveIfAbandoned(ctx, s.DataDir)) }()
	}
	lock, err := child.LockData(ctx, s.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	backend, err := openStore(s.DataDir)
	if err != nil {
		return fmt.Errorf("open the object store: %w", err)
	}
	defer backend.Shutdown()
	if s.Port == 0 {
		if s.Port, err = child.FreePort(); err != nil {
			return err
		}
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess: s.AccessKey, RootUserSecret: s.SecretKey, Region: s.Region,
			Ports: []string{address}, MaxConnections: maxConnections, MaxRequests: maxRequests,
			MultipartMaxParts: maxParts, Quiet: true, KeepAlive: true, HealthPath: healthPath,
		})
	}()
	if err := waitReady(ctx, "http://"+address+healthPath, ended); err != nil {
		return err
	}
	if err := link.Ready(info{Port: s.Port}); err != nil {
		return err
	}
	return <-ended
}

// openStore keeps the objects as files below dir, and what S3 knows of them in
// extended attributes, or, where the file system has none, in files beside.
func openStore(dir string) (*posix.Posix, error) {
	objects := filepath.Join(dir, "objects")
	if err := os.MkdirAll(objects, 0o755); err != nil {
		return nil, err
	}
	if err := (meta.XattrMeta{}).Test(objects); err == nil {
		return posix.New(objects, meta.XattrMeta{}, posix.PosixOpts{})
	}
	attributes := filepath.Join(dir, "attributes")
	if err := os.MkdirAll(attributes, 0o755); err != nil {
		return nil, err
	}
	storer, err := meta.NewSideCar(attributes)
	if err != nil {
		return nil, err
	}
	return posix.New(objects, storer, posix.PosixOpts{SideCarDir: attributes})
}

func waitReady(ctx context.Context, address string, ended <-chan error) error {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the S3 server: %w", ctx.Err())
		case err := <-ended:
			return fmt.Errorf("the S3 server ended while starting: %w", err)
		case <-ticker.C:
		}
	}
}
