package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/balsong/balsong/application/port"
)

// translate turns an error of the SDK into one of the port. Only what the store says about the object itself is bad
// content; whatever else goes wrong (network, 5xx, throttling, a missing bucket, missing rights) may be mended from
// outside, so it is waited for.
func translate(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the caller's own context, not the time-out of the call
		return ctx.Err()
	}
	switch code(err) {
	case "NoSuchKey":
		return fmt.Errorf("%w: the pack is gone: %w", port.ErrContent, err)
	case "InvalidRange":
		return fmt.Errorf("%w: the pack ends before: %w", port.ErrContent, err)
	case "EntityTooLarge", "KeyTooLongError", "InvalidBucketName":
		return fmt.Errorf("%w: %w", port.ErrInvalid, err)
	default:
		return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
	}
}

// code is the store's own word for an error; "" where it said none.
func code(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode()
	}
	return ""
}

// refusedWrite turns the store's "no" to a write into ErrInvalid: a batch ends and says what to do, where a reader waits,
// because what it reads may not be given up.
func refusedWrite(err error) error {
	if code(err) == "NoSuchBucket" {
		return fmt.Errorf("%w: the store has no such bucket: check BALSONG_S3_BUCKET, or create it with `balsong batch migrate`", port.ErrInvalid)
	}
	var answer *awshttp.ResponseError
	if !errors.Is(err, port.ErrUnavailable) || !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusForbidden {
		return err
	}
	return fmt.Errorf("%w: the store refuses the account (%s): check BALSONG_S3_ACCESS_KEY and BALSONG_S3_SECRET_KEY, or allow s3:PutObject and s3:ListBucket; `balsong doctor` looks closer",
		port.ErrInvalid, cmp.Or(code(err), "HTTP 403"))
}

// missing reports that a bucket does not exist.
func missing(err error) bool {
	switch code(err) {
	case "NotFound", "NoSuchBucket":
		return true
	default:
		return false
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, port.ErrContent):
		return "content"
	case errors.Is(err, port.ErrUnavailable):
		return "unavailable"
	default:
		return "other"
	}
}

func wrap(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(what+": %w", append(args, err)...)
}
