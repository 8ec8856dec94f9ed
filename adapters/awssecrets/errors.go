package awssecrets

import (
	"context"
	"errors"
	"fmt"
	"net"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/balsong/balsong/application/port"
)

// ErrRefused says that AWS has answered and that asking again does not help: the secret does not exist, the account may
// not read it, or the settings cannot be right. The text says what to do.
var ErrRefused = errors.New("refused")

// service is one of AWS's services as people know it, with the permission that it takes.
type service struct{ name, permission string }

var (
	parameterStore = service{"AWS Parameter Store", "ssm:GetParameter (and kms:Decrypt on its key)"}
	secretsManager = service{"AWS Secrets Manager", "secretsmanager:GetSecretValue (and kms:Decrypt on its key)"}
	keyService     = service{"AWS KMS", "kms:Decrypt (kms:Encrypt to wrap)"}
)

const noCredentials = "no AWS credentials were found: give the task or the machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

// translate turns an error of the SDK into ErrRefused or port.ErrUnavailable. Everything counts as an outage
// (throttling, 5xx, a network that is down) unless advice knows it as a final answer.
func translate(ctx context.Context, at service, name, region string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the caller's own context, not the time-out of the call
		return ctx.Err()
	}
	if do := advice(err, at); do != "" {
		return refused(at, name, region, do)
	}
	return fmt.Errorf("%w: %s does not answer for %s in %s: %s", port.ErrUnavailable, at.name, name, region, short(err))
}

// refused returns an ErrRefused with what to do.
func refused(at service, name, region, do string) error {
	return fmt.Errorf("%w: %s, %s in %s: %s", ErrRefused, at.name, name, region, do)
}

// advice says what to do about a final answer; "" if the error is not known to be one.
func advice(err error, at service) string {
	var said smithy.APIError
	if !errors.As(err, &said) {
		return ""
	}
	word := " (" + said.ErrorCode() + ")"
	switch said.ErrorCode() {
	case "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException", "NotFoundException":
		return "it does not exist there" + word + ": check its name, the region (AWS_REGION) and the account"
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
		return "the account may not use it" + word + ": allow " + at.permission
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignature", "MissingAuthenticationTokenException", "ExpiredTokenException", "ExpiredToken", "AuthFailure":
		return "AWS does not accept the account's credentials" + word + ": they are wrong, expired, or the machine's clock is"
	case "InvalidCiphertextException", "IncorrectKeyException":
		return "it was wrapped with another key, or is damaged" + word
	case "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException":
		return "the key cannot be used as it is" + word + ": enable it"
	case "InvalidRequestException":
		return "it is marked for deletion or has no value" + word + ": restore it"
	case "ValidationException", "InvalidParameterException", "DecryptionFailure", "InvalidKeyId":
		return "it cannot be read" + word + ": check its name and the key that encrypts it"
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.HTTPStatusCode() == 403 {
		return "the account may not use it" + word + ": allow " + at.permission
	}
	return ""
}

// short returns the innermost cause of an error, because the SDK's whole chain tells a reader nothing.
func short(err error) string {
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		return said.ErrorCode()
	}
	if line, ok := errors.AsType[*net.OpError](err); ok {
		return line.Error()
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return fmt.Sprintf("HTTP status %d", answer.HTTPStatusCode())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
