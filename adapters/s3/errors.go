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
// content (port.ErrContent). Every other failure (network, 5xx, throttling, a missing bucket, missing rights) can
// be resolved from outside and is port.ErrUnavailable, so it is waited for.
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

// code returns the store's code for an error, as "NoSuchKey"; "" if the store sent none.
func code(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode()
	}
	return ""
}

// refusedWrite turns the store's refusal of a write into port.ErrInvalid, with what to do. A writer, which is a batch,
// ends with it; a reader would wait, because what it reads must not be given up.
func refusedWrite(err error) error {
	if code(err) == "NoSuchBucket" {
		return fmt.Errorf("%w: the store has no such bucket: check BALSONG_S3_BUCKET, or create it with `balsong batch migrate`", port.ErrInvalid)
	}
	var answer *awshttp.ResponseError
	if !errors.Is(err, port.ErrUnavailable) || !errors.As(err, &answer) {
		return err
	}
	if full(code(err), answer.HTTPStatusCode()) {
		return fmt.Errorf("%w: the store has no space left (%s): give it more, or remove what is not needed (`balsong month retention`), then run the same again: it goes on where it ended",
			port.ErrInvalid, cmp.Or(code(err), "HTTP 507"))
	}
	if answer.HTTPStatusCode() != http.StatusForbidden {
		return err
	}
	return fmt.Errorf("%w: the store refuses the account (%s): check BALSONG_S3_ACCESS_KEY and BALSONG_S3_SECRET_KEY, or allow s3:PutObject and s3:ListBucket; `balsong doctor` says more",
		port.ErrInvalid, cmp.Or(code(err), "HTTP 403"))
}

// full reports whether a store says that its disk, or a quota, is full: AWS's S3 never does, others in words of their own.
func full(code string, status int) bool {
	switch code {
	case "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull":
		return true
	default:
		return status == http.StatusInsufficientStorage
	}
}

// missing reports whether an error says that a bucket does not exist.
func missing(err error) bool {
	switch code(err) {
	case "NotFound", "NoSuchBucket":
		return true
	default:
		return false
	}
}

// outcome names how a request ended, for the metrics.
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

// wrap puts what in front of an error; nil stays nil.
func wrap(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(what+": %w", append(args, err)...)
}
