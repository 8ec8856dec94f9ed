package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/port"
)

// maxSecret bounds a secret, in bytes: as much as Secrets Manager keeps.
const maxSecret = 64 << 10

// Waiting runs do again and again while the service that it asks does not answer. *outage.Watch is one.
type Waiting interface {
	Retry(ctx context.Context, part string, do func(context.Context) error) error
}

// Vault follows references. It is safe for concurrent use.
type Vault struct {
	config awssecrets.Config
	wait   Waiting
	// patience is how long Read and Unwrap wait for a service that does not answer.
	patience time.Duration

	mu  sync.Mutex
	aws *awssecrets.Secrets // made with the first reference that needs it
}

// DefaultPatience is how long a start waits for AWS before it gives up, for the supervisor to start it again.
const DefaultPatience = 2 * time.Minute

// NewVault returns a vault; it does no I/O. wait reports an outage and waits for its end, at most for patience; nil: nothing
// is waited for.
func NewVault(config awssecrets.Config, wait Waiting, patience time.Duration) *Vault {
	return &Vault{config: config, wait: wait, patience: patience}
}

// Read returns what a setting stands for; a service that does not answer is waited for.
// Its error is ErrReference or awssecrets.ErrRefused, or port.ErrUnavailable where the patience ended first.
func (v *Vault) Read(ctx context.Context, value string) (content []byte, err error) {
	err = v.patiently(ctx, func(ctx context.Context) error {
		content, err = v.Look(ctx, value)
		return err
	})
	return content, err
}

// Unwrap returns a keyset as it is used: decrypted by a KMS key, where one is named. A service that does not answer is
// waited for.
func (v *Vault) Unwrap(ctx context.Context, keyset []byte, kmsKey string) (plain []byte, err error) {
	err = v.patiently(ctx, func(ctx context.Context) error {
		plain, err = v.UnwrapOnce(ctx, keyset, kmsKey)
		return err
	})
	return plain, err
}

func (v *Vault) patiently(ctx context.Context, do func(context.Context) error) error {
	if v.wait == nil {
		return do(ctx)
	}
	within, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	err := v.wait.Retry(within, "AWS", do)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		if errors.Is(err, context.DeadlineExceeded) { // in the middle of a try
			err = fmt.Errorf("%w: no answer: %w", port.ErrUnavailable, err)
		}
		return fmt.Errorf("%w; given up after %s", err, v.patience)
	}
	return err
}

// Look is Read without waiting.
func (v *Vault) Look(ctx context.Context, value string) ([]byte, error) {
	reference, is, err := Parse(value)
	if err != nil {
		return nil, err
	}
	if !is {
		return []byte(value), nil
	}
	content, err := v.fetch(ctx, reference)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", reference, err)
	}
	if content, err = reference.pick(content); err != nil {
		return nil, err
	}
	// The newline that editors and echo leave at the end is nobody's password.
	content = bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))
	if len(content) == 0 {
		return nil, fmt.Errorf("%w: %s: it is empty", ErrReference, reference)
	}
	return content, nil
}

func (v *Vault) fetch(ctx context.Context, reference Reference) ([]byte, error) {
	if reference.Kind == File {
		return readFile(reference.Name)
	}
	aws, err := v.client(ctx)
	if err != nil {
		return nil, err
	}
	if reference.Kind == ParameterStore {
		return aws.Parameter(ctx, reference.Name)
	}
	return aws.Secret(ctx, reference.Name)
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReference, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReference, err)
	}
	if len(content) > maxSecret {
		return nil, fmt.Errorf("%w: it has more than %d bytes: that is no secret", ErrReference, maxSecret)
	}
	return content, nil
}

func (v *Vault) client(ctx context.Context) (*awssecrets.Secrets, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.aws == nil {
		aws, err := awssecrets.New(context.WithoutCancel(ctx), v.config)
		if err != nil {
			return nil, err
		}
		v.aws = aws
	}
	return v.aws, nil
}

// UnwrapOnce is Unwrap without waiting.
func (v *Vault) UnwrapOnce(ctx context.Context, keyset []byte, kmsKey string) ([]byte, error) {
	switch wrapped := crypto.Wrapped(keyset); {
	case wrapped && kmsKey == "":
		return nil, fmt.Errorf("%w: the keyset is wrapped: set BALSONG_KEYSET_KMS_KEY to the KMS key (ARN, id or alias/…) that wrapped it", ErrReference)
	case !wrapped && kmsKey != "":
		return nil, fmt.Errorf("%w: BALSONG_KEYSET_KMS_KEY is set, but the keyset is not wrapped: wrap it with `balsong keyset wrap`, or take the variable away", ErrReference)
	case !wrapped:
		return keyset, nil
	}
	aws, err := v.client(ctx)
	if err != nil {
		return nil, err
	}
	return crypto.Unwrap(ctx, keyset, aws.Wrapping(kmsKey))
}

// Wrap encrypts a keyset with a KMS key.
func (v *Vault) Wrap(ctx context.Context, keyset []byte, kmsKey string) ([]byte, error) {
	aws, err := v.client(ctx)
	if err != nil {
		return nil, err
	}
	return crypto.Wrap(ctx, keyset, aws.Wrapping(kmsKey))
}

// Refused tells whether an error is a fault of the settings, which somebody must correct, rather than an outage.
func Refused(err error) bool {
	return errors.Is(err, ErrReference) || errors.Is(err, awssecrets.ErrRefused) || errors.Is(err, crypto.ErrKeyset) || errors.Is(err, port.ErrInvalid)
}
