package s3

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/balsong/balsong/application/port"
)

// Config says where the packs lie and how they are read. The zero value of a field means its default.
type Config struct {
	Bucket string // required
	Region string // required
	// Endpoint is the URL of a store other than AWS, which is addressed by path (http://host/bucket/key); "": AWS.
	Endpoint string
	TLS      *tls.Config // nil: the usual settings, with the system's roots
	// AccessKey and SecretKey are the account's; both empty: AWS's own chain (task role, profile, …).
	AccessKey, SecretKey string
	Cache                Cache
	Calls                Calls
}

// Cache bounds what is kept of packs that were read. The zero value of a field means its default.
type Cache struct {
	BlockBytes int64 // how much of a pack one request reads; default 512 KiB
	Bytes      int64 // of all blocks that are kept; default 48 MiB. What is being read comes on top
}

// Calls bound the calls to the store. The zero value of a field means its default.
type Calls struct {
	Timeout time.Duration // of one call with all its tries; default 30 s
	Tries   int           // of one call, the first one included; default 3. Repeating does no harm: packs are only read and written

	maxBackoff time.Duration // between two tries; 2 s, less in tests
}

// complete fills in the defaults, and reports the first setting that is invalid, wrapping port.ErrInvalid.
func (c Config) complete() (Config, error) {
	c.Cache.BlockBytes = cmp.Or(c.Cache.BlockBytes, 512<<10)
	c.Cache.Bytes = cmp.Or(c.Cache.Bytes, 48<<20)
	c.Calls.Timeout = cmp.Or(c.Calls.Timeout, 30*time.Second)
	c.Calls.Tries = cmp.Or(c.Calls.Tries, 3)
	c.Calls.maxBackoff = cmp.Or(c.Calls.maxBackoff, 2*time.Second)
	switch {
	case c.Bucket == "":
		return c, fmt.Errorf("%w: Bucket is empty", port.ErrInvalid)
	case c.Region == "":
		return c, fmt.Errorf("%w: Region is empty", port.ErrInvalid)
	case (c.AccessKey == "") != (c.SecretKey == ""):
		return c, fmt.Errorf("%w: give AccessKey and SecretKey, or neither", port.ErrInvalid)
	case c.Cache.BlockBytes < 4<<10 || c.Cache.BlockBytes > 16<<20:
		return c, fmt.Errorf("%w: Cache.BlockBytes %d: want 4 KiB to 16 MiB", port.ErrInvalid, c.Cache.BlockBytes)
	case c.Cache.Bytes < 0 || c.Calls.Timeout < 0 || c.Calls.Tries < 1:
		return c, fmt.Errorf("%w: Cache.Bytes %d, Calls.Timeout %s and Calls.Tries %d must be positive", port.ErrInvalid, c.Cache.Bytes, c.Calls.Timeout, c.Calls.Tries)
	}
	return c, nil
}

// client builds the SDK's client. It does no I/O beyond reading AWS's own configuration.
func (c Config) client(ctx context.Context) (*s3.Client, error) {
	settings := aws.Config{Region: c.Region}
	if c.AccessKey == "" {
		loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region))
		if err != nil {
			return nil, fmt.Errorf("%w: AWS's own configuration cannot be read: %w", port.ErrInvalid, err)
		}
		settings = loaded
	} else {
		settings.Credentials = aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""))
	}
	settings.Logger = logging.Nop{}
	settings.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		if c.TLS != nil {
			t.TLSClientConfig = c.TLS.Clone()
		}
		t.MaxIdleConnsPerHost = 64
		t.ResponseHeaderTimeout = 10 * time.Second
	})
	settings.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = c.Calls.Tries, c.Calls.maxBackoff
		})
	}
	return s3.NewFromConfig(settings, func(o *s3.Options) {
		o.UsePathStyle = c.Endpoint != "" // as most stores other than AWS need
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		// Signatures cover what is written, and every entry that is read is checked against its own SHA-256.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}), nil
}
