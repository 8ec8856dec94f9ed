// Package s3 keeps statements in packs on S3 or a store that speaks its protocol. A pack is one object: its entries
// one after another. Reading goes through blocks that are shared and kept for a while, because the neighbours of a
// statement are delivered about when it is: five million statements cost tens of thousands of requests.
package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// Packs is port.Packs on S3. The account needs s3:GetObject, s3:PutObject and s3:ListBucket: without the last one the
// store answers "forbidden" for an object that is gone. A reader that is forbidden waits, since an administrator can
// fix it; a write that is forbidden is ErrInvalid.
type Packs struct {
	config  Config
	client  *s3.Client
	metrics port.Metrics
	blocks  *blockCache
}

var _ port.Packs = (*Packs)(nil)

// New returns the packs of a store; it does not connect yet. ErrInvalid where a setting cannot work. Metrics:
// those of package metric that begin with S3.
func New(ctx context.Context, config Config, metrics port.Metrics) (*Packs, error) {
	config, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("packs on S3: %w", err)
	}
	client, err := config.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("packs on S3: %w", err)
	}
	return &Packs{config: config, client: client, metrics: metrics, blocks: newBlockCache(config.Cache.Bytes)}, nil
}

// EnsureBucket creates the bucket if it is missing. Safe to repeat. ErrUnavailable; ErrInvalid where the store refuses.
func (p *Packs) EnsureBucket(ctx context.Context) error {
	err := p.call(ctx, "head_bucket", func(ctx context.Context) error {
		_, err := p.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(p.config.Bucket)})
		return err
	})
	if err == nil || !missing(err) {
		return wrap(refusedWrite(err), "check bucket %s", p.config.Bucket)
	}
	input := &s3.CreateBucketInput{Bucket: aws.String(p.config.Bucket)}
	if p.config.Region != "us-east-1" { // the one region that must not be named
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(p.config.Region),
		}
	}
	err = p.call(ctx, "create_bucket", func(ctx context.Context) error {
		_, err := p.client.CreateBucket(ctx, input)
		return err
	})
	if code(err) == "BucketAlreadyOwnedByYou" {
		return nil
	}
	return wrap(refusedWrite(err), "create bucket %s", p.config.Bucket)
}

// Put implements port.Packs: it writes one pack as one object.
func (p *Packs) Put(ctx context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	refs, size, err := p.references(name, entries)
	if err != nil {
		return nil, fmt.Errorf("put pack %s: %w", name, err)
	}
	body := make([]byte, 0, size)
	for _, entry := range entries {
		body = append(body, entry...)
	}
	err = p.call(ctx, "put_pack", func(ctx context.Context) error {
		_, err := p.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(p.config.Bucket), Key: aws.String(name), Body: bytes.NewReader(body),
			ContentLength: aws.Int64(size), ContentType: aws.String("application/octet-stream"),
		})
		return err
	})
	// Even a Put that failed may have replaced what this process has read before.
	p.blocks.forget(packKey{p.config.Bucket, name})
	if err != nil {
		return nil, wrap(refusedWrite(err), "put pack %s", name)
	}
	metric.S3TransferredBytes.Add(p.metrics, int(size), "written")
	return refs, nil
}

// references returns where each entry of a pack will be, and the pack's size in bytes.
func (p *Packs) references(name string, entries [][]byte) (refs []port.StatementRef, size int64, err error) {
	if name == "" || len(entries) == 0 {
		return nil, 0, fmt.Errorf("%w: it has no name or no entries", port.ErrInvalid)
	}
	refs = make([]port.StatementRef, len(entries))
	for i, entry := range entries {
		if len(entry) == 0 || len(entry) > port.MaxEntry {
			return nil, 0, fmt.Errorf("%w: entry %d has %d bytes, want 1 to %d", port.ErrInvalid, i, len(entry), port.MaxEntry)
		}
		hash := sha256.Sum256(entry)
		refs[i] = port.StatementRef{
			Bucket: p.config.Bucket, Key: name, Offset: size, Length: int64(len(entry)), SHA256: hash[:],
		}
		size += int64(len(entry))
	}
	return refs, size, nil
}

// Get implements port.Packs: it reads one entry, through the blocks that hold it.
func (p *Packs) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if ref.Bucket == "" || ref.Key == "" || ref.Offset < 0 || ref.Length <= 0 || ref.Length > port.MaxEntry ||
		ref.Offset > maxObject || len(ref.SHA256) != sha256.Size {
		return nil, fmt.Errorf("get from pack %s: %w: the reference cannot be one", ref.Key, port.ErrContent)
	}
	entry, fresh, err := p.assemble(ctx, ref, buffer)
	if err == nil && !matches(entry, ref) && !fresh {
		// The pack may have been replaced since a block of it was read: look again, once.
		p.blocks.forget(packKey{ref.Bucket, ref.Key})
		entry, _, err = p.assemble(ctx, ref, buffer)
	}
	if err != nil {
		return nil, wrap(err, "get from pack %s", ref.Key)
	}
	if !matches(entry, ref) {
		return nil, fmt.Errorf("get from pack %s: %w: hash or length of the entry at %d is wrong", ref.Key, port.ErrContent, ref.Offset)
	}
	return entry, nil
}

// maxObject is the size of the largest object that S3 keeps, in bytes.
const maxObject = 50 << 40

func matches(entry []byte, ref port.StatementRef) bool {
	hash := sha256.Sum256(entry)
	return int64(len(entry)) == ref.Length && bytes.Equal(hash[:], ref.SHA256)
}

// assemble copies an entry out of its blocks, into buffer where it fits. It is shorter than asked for if the pack ends before. fresh
// reports whether every block was requested by this call, so that none of them can be older.
func (p *Packs) assemble(ctx context.Context, ref port.StatementRef, buffer []byte) (entry []byte, fresh bool, err error) {
	size, end := p.config.Cache.BlockBytes, ref.Offset+ref.Length
	fresh = true
	for number := ref.Offset / size; number*size < end; number++ {
		block, read, err := p.block(ctx, blockKey{packKey{ref.Bucket, ref.Key}, number})
		if err != nil {
			return nil, fresh, err
		}
		fresh = fresh && read
		from, to := max(ref.Offset-number*size, 0), min(end-number*size, int64(len(block.bytes)))
		there := from < to
		if there {
			if entry == nil && int64(cap(buffer)) >= ref.Length {
				entry = buffer[:0]
			} else if entry == nil {
				entry = make([]byte, 0, ref.Length)
			}
			entry = append(entry, block.bytes[from:to]...)
		}
		p.blocks.letGo(block)
		if !there {
			break
		}
	}
	return entry, fresh, nil
}

// call runs one operation of the SDK within Calls.Timeout, measures it and translates its error.
func (p *Packs) call(ctx context.Context, operation string, fn func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, p.config.Calls.Timeout)
	defer cancel()
	start := time.Now()
	err := translate(ctx, fn(within))
	metric.S3RequestDuration.Observe(p.metrics, time.Since(start), operation)
	metric.S3Requests.Add(p.metrics, 1, operation, outcome(err))
	return err
}
