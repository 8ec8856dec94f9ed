// Package awssecrets reads secrets from where AWS keeps them: Parameter Store, Secrets Manager, and KMS for a keyset
// that is wrapped. It caches nothing, and no error text contains any part of a secret.
package awssecrets

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/logging"
)

// Config says how to reach AWS. The zero value asks AWS's own chain: AWS_REGION, the task's role, AWS_ENDPOINT_URL.
type Config struct {
	Region   string // "": AWS's own chain
	Endpoint string // URL of a server that is not AWS; "": AWS's own chain
	// AccessKey and SecretKey are the account's; both empty: AWS's own chain.
	AccessKey, SecretKey string
	CallTimeout          time.Duration // of one call with all its tries; default 15 s
	Tries                int           // of one call, the first one included; default 3
}

// Secrets is a client of AWS's services for secrets. Safe for concurrent use.
type Secrets struct {
	aws     aws.Config
	timeout time.Duration
}

// New returns a client; it does not connect yet. ErrRefused if AWS's own configuration cannot be read.
func New(ctx context.Context, c Config) (*Secrets, error) {
	var options []func(*config.LoadOptions) error
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.AccessKey != "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: AWS's own configuration cannot be read: %w", ErrRefused, err)
	}
	if c.Endpoint != "" {
		settings.BaseEndpoint = aws.String(c.Endpoint)
	}
	settings.Logger = logging.Nop{}
	settings.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = 10 * time.Second
	})
	tries := cmp.Or(c.Tries, 3)
	settings.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, time.Second })
	}
	return &Secrets{aws: settings, timeout: cmp.Or(c.CallTimeout, 15*time.Second)}, nil
}

// Parameter reads a parameter of the Parameter Store, decrypted. ErrUnavailable, ErrRefused.
func (s *Secrets) Parameter(ctx context.Context, name string) ([]byte, error) {
	var value string
	err := s.call(ctx, parameterStore, name, func(ctx context.Context, settings aws.Config) error {
		found, err := ssm.NewFromConfig(settings).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
		if err == nil && found.Parameter != nil {
			value = aws.ToString(found.Parameter.Value)
		}
		return err
	})
	return []byte(value), err
}

// Secret reads the current version of a secret of the Secrets Manager, by its name or ARN. ErrUnavailable, ErrRefused.
func (s *Secrets) Secret(ctx context.Context, id string) ([]byte, error) {
	var value []byte
	err := s.call(ctx, secretsManager, id, func(ctx context.Context, settings aws.Config) error {
		found, err := secretsmanager.NewFromConfig(settings).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		if err != nil {
			return err
		}
		if value = found.SecretBinary; found.SecretString != nil {
			value = []byte(*found.SecretString)
		}
		return nil
	})
	return value, err
}

// call makes one call within the time-out and translates its error. If the name is an ARN, the call goes to the ARN's
// region.
func (s *Secrets) call(ctx context.Context, at service, name string, do func(context.Context, aws.Config) error) error {
	settings := s.aws.Copy()
	settings.Region = cmp.Or(regionOf(name), settings.Region)
	if settings.Region == "" {
		return fmt.Errorf("%w: no AWS region: set AWS_REGION, or name %s by its ARN", ErrRefused, name)
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if settings.Credentials == nil {
		return refused(at, name, settings.Region, noCredentials)
	}
	if _, err := settings.Credentials.Retrieve(within); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return refused(at, name, settings.Region, noCredentials)
	}
	return translate(ctx, at, name, settings.Region, do(within, settings))
}

// regionOf returns the region of an ARN; "" if the name is not one.
func regionOf(name string) string {
	parts := strings.SplitN(name, ":", 5)
	if len(parts) < 5 || parts[0] != "arn" {
		return ""
	}
	return parts[3]
}
