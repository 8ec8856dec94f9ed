package s3

import (
	"cmp"
	"context"
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
	// Endpoint is the URL of a store other than AWS; "": AWS.
	Endpoint string
	// PathStyle addresses the bucket by path (http://host/bucket/key), as most stores other than AWS need.
	PathStyle bool
	// AccessKey and SecretKey are the account's; both empty: AWS's own chain (task role, profile, …).
	AccessKey, SecretKey string
	// BlockBytes is how much of a pack one request reads; default 512 KiB.
	BlockBytes int64
	// CacheBytes bounds the blocks that are kept; default 48 MiB. What is being read comes on top.
	CacheBytes int64
	// CallTimeout bounds one call with all its tries; default 30 s.
	CallTimeout time.Duration
	// Tries of one call, the first one included; default 3. Packs are only read and written: repeating does no harm.
	Tries int

	maxBackoff time.Duration // between two tries; 2 s, less in tests
}

// WithDefaults returns the config with every empty field set to its default.
func (c Config) WithDefaults() Config {
	c.BlockBytes = cmp.Or(c.BlockBytes, 512<<10)
	c.CacheBytes = cmp.Or(c.CacheBytes, 48<<20)
	c.CallTimeout = cmp.Or(c.CallTimeout, 30*time.Second)
	c.Tries = cmp.Or(c.Tries, 3)
	c.maxBackoff = cmp.Or(c.maxBackoff, 2*time.Second)
	return c
}

func (c Config) validate() error {
	switch {
	case c.Bucket == "":
		return fmt.Errorf("%w: the bucket's name is missing", port.ErrInvalid)
	case c.Region == "":
		return fmt.Errorf("%w: the region is missing", port.ErrInvalid)
	case (c.AccessKey == "") != (c.SecretKey == ""):
		return fmt.Errorf("%w: give the access key and the secret key, or neither", port.ErrInvalid)
	case c.BlockBytes < 4<<10 || c.BlockBytes > 16<<20:
		return fmt.Errorf("%w: a block of %d bytes: want 4 KiB to 16 MiB", port.ErrInvalid, c.BlockBytes)
	case c.CacheBytes < 0 || c.CallTimeout < 0 || c.Tries < 1:
		return fmt.Errorf("%w: cache, time-out and tries must be positive", port.ErrInvalid)
	}
	return nil
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
		t.MaxIdleConnsPerHost = 64
		t.ResponseHeaderTimeout = 10 * time.Second
	})
	settings.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = c.Tries, c.maxBackoff
		})
	}
	return s3.NewFromConfig(settings, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		// Signatures cover what is written, and every entry that is read is checked against its own SHA-256.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}), nil
}
