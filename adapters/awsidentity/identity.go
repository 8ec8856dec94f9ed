// Package awsidentity signs in to what AWS runs with the identity that the process has there, such as a task's role: it makes
// the tokens that RDS takes in place of a password and that MSK takes by OAUTHBEARER, and says whose identity it is. Tokens are
// signed here; only the credentials that sign are asked for. No error text contains a token or a credential.
package awsidentity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/balsong/balsong/application/port"
)

// ErrRegion says that neither an endpoint's name nor AWS's own configuration names a region.
var ErrRegion = errors.New("no AWS region: name the endpoint as AWS does, or set AWS_REGION")

// Identity is who the process is to AWS: by AWS's own chain (AWS_ACCESS_KEY_ID, a profile, the role of the task or of the
// machine). Credentials are kept until shortly before they end. Safe for concurrent use.
type Identity struct {
	mutex sync.Mutex
	aws   *aws.Config // read once; nil: not yet
}

// New returns the process's identity. It does no I/O.
func New() *Identity { return &Identity{} }

// Config reads AWS's own configuration, once for all who call AWS with this identity; what cannot be read is read again by the next
// call. ErrInvalid where it is wrong, as a profile that is not there; ErrUnavailable.
func (i *Identity) Config(ctx context.Context) (aws.Config, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.aws == nil {
		settings, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
		if err != nil {
			kind := port.ErrUnavailable // the name of an endpoint of credentials is looked up
			if wrong(err) {
				kind = port.ErrInvalid
			}
			return aws.Config{}, fmt.Errorf("%w: AWS's own configuration cannot be read: %w", kind, err)
		}
		i.aws = &settings
	}
	return *i.aws, nil
}

// wrong tells whether AWS's configuration files, or the profile that is named, are a mistake that no waiting corrects.
func wrong(err error) bool {
	_, file := errors.AsType[config.SharedConfigLoadError](err)
	_, profile := errors.AsType[config.SharedConfigProfileNotExistError](err)
	_, source := errors.AsType[config.SharedConfigAssumeRoleError](err)
	_, role := errors.AsType[config.CredentialRequiresARNError](err)
	return file || profile || source || role
}

// retrieve returns the credentials to sign with, and the region of an endpoint.
func (i *Identity) retrieve(ctx context.Context, host string) (aws.Credentials, string, error) {
	settings, err := i.Config(ctx)
	if err != nil {
		return aws.Credentials{}, "", err
	}
	region := cmp.Or(RegionOf(host), settings.Region)
	if region == "" {
		return aws.Credentials{}, "", ErrRegion
	}
	if settings.Credentials == nil {
		return aws.Credentials{}, "", noCredentials(nil)
	}
	found, err := settings.Credentials.Retrieve(ctx)
	if ctx.Err() != nil {
		return aws.Credentials{}, "", ctx.Err()
	}
	if err != nil {
		return aws.Credentials{}, "", noCredentials(err)
	}
	return found, region, nil
}

// noCredentials is the error of a chain that gives no credentials. It may give some later: a role's endpoint does not always answer.
// Of the cause only a code or the network's words are kept.
func noCredentials(cause error) error {
	const what = "AWS's own chain gives no credentials (the role of the task or the machine, AWS_PROFILE, AWS_ACCESS_KEY_ID)"
	if said, is := errors.AsType[smithy.APIError](cause); is && said.ErrorCode() != "" {
		return fmt.Errorf("%w: %s: %s", port.ErrUnavailable, what, said.ErrorCode())
	}
	if line, is := errors.AsType[*net.OpError](cause); is {
		return fmt.Errorf("%w: %s: %w", port.ErrUnavailable, what, line)
	}
	return fmt.Errorf("%w: %s", port.ErrUnavailable, what)
}

// DatabaseToken makes a token that RDS takes in place of the user's password, for 15 minutes, at this endpoint alone: host:port as
// AWS names the instance. ErrInvalid, ErrUnavailable, ErrRegion.
func (i *Identity) DatabaseToken(ctx context.Context, endpoint, user string) (string, error) {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		return "", fmt.Errorf("sign in to RDS: %q is not host:port", endpoint)
	}
	found, region, err := i.retrieve(ctx, host)
	if err != nil {
		return "", fmt.Errorf("sign in to RDS: %w", err)
	}
	token, err := auth.BuildAuthToken(ctx, endpoint, region, user, credentials.StaticCredentialsProvider{Value: found})
	if err != nil {
		return "", errors.New("sign in to RDS: the token cannot be signed")
	}
	return token, nil
}

// BrokerToken makes a token with which a client logs in to MSK by OAUTHBEARER, and says when it ends: after 15 minutes, or with the
// credentials that signed it, where these end before. broker is host or host:port as AWS names it. ErrInvalid, ErrUnavailable, ErrRegion.
func (i *Identity) BrokerToken(ctx context.Context, broker string) (token string, expires time.Time, err error) {
	host := broker
	if name, _, err := net.SplitHostPort(broker); err == nil {
		host = name
	}
	found, region, err := i.retrieve(ctx, host)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in to MSK: %w", err)
	}
	token, milliseconds, err := signer.GenerateAuthTokenFromCredentialsProvider(ctx, region, credentials.StaticCredentialsProvider{Value: found})
	if err != nil {
		return "", time.Time{}, errors.New("sign in to MSK: the token cannot be signed")
	}
	expires = time.UnixMilli(milliseconds)
	if found.CanExpire && found.Expires.Before(expires) {
		expires = found.Expires // the signer does not look at it, and the brokers do; the SDK has taken 5 minutes off a role's
	}
	return token, expires, nil
}

// Caller is whose identity it is.
type Caller struct {
	ARN    string // as AWS STS says; "": it does not answer
	Source string // what gave the credentials, by the SDK's name
}

// Caller asks AWS STS whose identity it is. That STS cannot be reached is no error: signing needs no network. ErrInvalid, ErrUnavailable.
func (i *Identity) Caller(ctx context.Context) (Caller, error) {
	settings, err := i.Config(ctx)
	if err != nil {
		return Caller{}, err
	}
	if settings.Credentials == nil {
		return Caller{}, noCredentials(nil)
	}
	found, err := settings.Credentials.Retrieve(ctx)
	if ctx.Err() != nil {
		return Caller{}, ctx.Err()
	}
	if err != nil {
		return Caller{}, noCredentials(err)
	}
	who := Caller{Source: found.Source}
	settings.Region = cmp.Or(settings.Region, "us-east-1")
	settings.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	settings.HTTPClient = &http.Client{Timeout: callerPatience}
	if said, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
		who.ARN = aws.ToString(said.Arn)
	}
	return who, ctx.Err()
}

// callerPatience is how long STS may take to say whose identity it is: a person waits.
const callerPatience = 3 * time.Second

// region is the form of the names of regions.
var region = regexp.MustCompile(`^[a-z]{2,3}(-[a-z]+)+-[0-9]+$`)

// RegionOf returns the region in the name of an endpoint of RDS or MSK, as in bills.abc.ap-northeast-2.rds.amazonaws.com and
// b-1.bills.abc.c2.kafka.ap-northeast-2.amazonaws.com; "" where it names none.
func RegionOf(host string) string {
	host = strings.TrimSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".cn")
	name, ofAWS := strings.CutSuffix(host, ".amazonaws.com")
	if !ofAWS {
		return ""
	}
	labels := strings.Split(strings.TrimSuffix(name, ".rds"), ".")
	if last := labels[len(labels)-1]; region.MatchString(last) {
		return last
	}
	return ""
}
