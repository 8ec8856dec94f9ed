package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/balsong/balsong/application/port"
)

var _ port.PackStore = (*Packs)(nil)

// Size implements port.PackStore: one request a thousand packs.
func (p *Packs) Size(ctx context.Context, prefix string) (w port.PackSize, err error) {
	err = p.pages(ctx, prefix, func(page []types.Object) error {
		w.Packs, w.Bytes = w.Packs+len(page), w.Bytes+bytesOf(page)
		return nil
	})
	return w, wrap(refusedWrite(err), "list packs %s", prefix)
}

// Remove implements port.PackStore: two requests a thousand packs. The account needs s3:DeleteObject. Where the bucket
// keeps versions, they stay until a lifecycle rule of the bucket ends them.
func (p *Packs) Remove(ctx context.Context, prefix string, report func(port.PackSize)) (gone port.PackSize, err error) {
	if prefix == "" {
		return gone, fmt.Errorf("remove packs: %w: the prefix is empty: that would be everything", port.ErrInvalid)
	}
	err = p.pages(ctx, prefix, func(page []types.Object) error {
		if err := p.remove(ctx, page); err != nil {
			return err
		}
		gone.Packs, gone.Bytes = gone.Packs+len(page), gone.Bytes+bytesOf(page)
		if report != nil {
			report(gone)
		}
		return nil
	})
	return gone, wrap(refusedWrite(err), "remove packs %s", prefix)
}

func bytesOf(page []types.Object) (sum int64) {
	for _, object := range page {
		sum += aws.ToInt64(object.Size)
	}
	return sum
}

// pages hands over what is under a prefix, up to a thousand objects at a time.
func (p *Packs) pages(ctx context.Context, prefix string, do func(page []types.Object) error) error {
	input := &s3.ListObjectsV2Input{Bucket: aws.String(p.config.Bucket), Prefix: aws.String(prefix)}
	for {
		var page *s3.ListObjectsV2Output
		err := p.call(ctx, "list_packs", func(ctx context.Context) (err error) {
			page, err = p.client.ListObjectsV2(ctx, input)
			return err
		})
		if err != nil {
			return err
		}
		if len(page.Contents) > 0 {
			if err := do(page.Contents); err != nil {
				return err
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		input.ContinuationToken = page.NextContinuationToken
	}
}

func (p *Packs) remove(ctx context.Context, page []types.Object) error {
	names := make([]types.ObjectIdentifier, len(page))
	for i, object := range page {
		names[i] = types.ObjectIdentifier{Key: object.Key}
	}
	var answer *s3.DeleteObjectsOutput
	err := p.call(ctx, "delete_packs", func(ctx context.Context) (err error) {
		answer, err = p.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: aws.String(p.config.Bucket), Delete: &types.Delete{Objects: names, Quiet: aws.Bool(true)},
		})
		return err
	})
	for _, object := range page {
		p.blocks.forget(packKey{p.config.Bucket, aws.ToString(object.Key)})
	}
	if err != nil || len(answer.Errors) == 0 {
		return err
	}
	first, sentinel := answer.Errors[0], port.ErrUnavailable
	if aws.ToString(first.Code) == "AccessDenied" {
		sentinel = port.ErrInvalid // nobody waits for a right
	}
	return fmt.Errorf("%w: %d of %d packs stay; %s: %s (the account needs s3:DeleteObject)", sentinel, len(answer.Errors), len(names), aws.ToString(first.Key), aws.ToString(first.Code))
}
