package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/balsong/balsong/application/metric"
)

// packKey names a pack.
type packKey struct{ bucket, key string }

// blockKey names a block: the part of a pack that begins at number × Cache.BlockBytes.
type blockKey struct {
	packKey
	number int64
}

// block returns one block of a pack, from the cache or by a request that all who ask for it at the same time share. The
// bytes are shared too: nobody may change them, and nobody may look at them once the block is let go, which the caller
// owes where there is no error. read reports whether the request was made for this call, so that it began after it.
func (p *Packs) block(ctx context.Context, at blockKey) (_ *block, read bool, err error) {
	held, place := p.blocks.hold(at, p.config.Cache.BlockBytes)
	result := "miss"
	if place == cached {
		result = "hit"
	}
	metric.S3BlockLookups.Add(p.metrics, 1, result)
	if place == missed {
		// The request belongs to all who wait for it: the end of one caller's context must not fail the others.
		shared := context.WithoutCancel(ctx)
		go func() {
			n, err := p.fetch(shared, at, held.buffer.bytes)
			p.blocks.filled(held, n, err)
		}()
	}
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-held.read:
		err = held.err
	}
	if err != nil {
		p.blocks.letGo(held)
		return nil, true, err
	}
	return held, place == missed, nil
}

// fetch reads one block into buffer by a Range request. It returns the block's length, which is less at the pack's end.
func (p *Packs) fetch(ctx context.Context, at blockKey, buffer []byte) (n int, err error) {
	size := int64(len(buffer))
	first := at.number * size
	err = p.call(ctx, "get_block", func(ctx context.Context) error {
		answer, err := p.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: aws.String(at.bucket), Key: aws.String(at.key),
			Range: aws.String(fmt.Sprintf("bytes=%d-%d", first, first+size-1)),
		})
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.ContentRange == nil && first > 0 {
			return errNoRange
		}
		n, err = readBlock(answer.Body, buffer, aws.ToInt64(answer.ContentLength))
		return err
	})
	if err != nil {
		return 0, err
	}
	metric.S3TransferredBytes.Add(p.metrics, n, "read")
	return n, nil
}

var errNoRange = errors.New("the store does not answer Range requests")

// readBlock fills buffer from an answer that announced length bytes, and returns how many it read. An answer that ends
// early is an error.
func readBlock(body io.Reader, buffer []byte, length int64) (int, error) {
	if length <= 0 { // not announced
		n, err := io.ReadFull(body, buffer)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return n, err
	}
	n, err := io.ReadFull(body, buffer[:min(int64(len(buffer)), length)])
	if err != nil {
		return n, fmt.Errorf("the answer was cut short: %w", err)
	}
	return n, nil
}
