package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Facts is what Examine finds out about the bucket.
type Facts struct {
	Code   string    // the store's own word for what is wrong ("NoSuchBucket"); "": nothing
	Status int       // of HTTP; 0: no answer
	Now    time.Time // the store's clock, by the second; zero where it did not say
	Region string    // where the bucket lies, where the store says so
}

// Examine sends one request, without retries; it changes nothing. An error means that there was no answer.
func (p *Packs) Examine(ctx context.Context) (Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := p.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(p.config.Bucket), MaxKeys: aws.Int32(1)},
		func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	var facts Facts
	if err == nil {
		if raw, ok := awsmiddleware.GetRawResponse(found.ResultMetadata).(*smithyhttp.Response); ok {
			facts.read(raw.Response)
		}
		return facts, nil
	}
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() == 0 { // nobody answered
		return facts, err
	}
	facts.read(answer.Response.Response)
	if facts.Code = code(err); facts.Code == "" {
		facts.Code = http.StatusText(facts.Status)
	}
	return facts, nil
}

func (f *Facts) read(answer *http.Response) {
	f.Status, f.Region = answer.StatusCode, answer.Header.Get("X-Amz-Bucket-Region")
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		f.Now = at
	}
}
