package awssecrets

import (
	"context"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Wrapping encrypts and decrypts small things, such as a keyset, inside KMS; the key never leaves KMS. It implements
// Tink's AEADWithContext and makes the same bytes as Tink's own KMS client, so that tinkey can read what it wraps.
type Wrapping struct {
	secrets *Secrets
	key     string
}

// Wrapping returns a Wrapping by a KMS key; key is its ARN, its id or its alias/… name.
func (s *Secrets) Wrapping(key string) Wrapping { return Wrapping{secrets: s, key: key} }

// EncryptWithContext encrypts up to 4 KiB. ErrUnavailable, ErrRefused.
func (w Wrapping) EncryptWithContext(ctx context.Context, plain, associated []byte) ([]byte, error) {
	var wrapped []byte
	err := w.secrets.call(ctx, keyService, w.key, func(ctx context.Context, settings aws.Config) error {
		done, err := kms.NewFromConfig(settings).Encrypt(ctx, &kms.EncryptInput{
			KeyId: aws.String(w.key), Plaintext: plain, EncryptionContext: encryptionContext(associated),
		})
		if err == nil {
			wrapped = done.CiphertextBlob
		}
		return err
	})
	return wrapped, err
}

// DecryptWithContext decrypts. ErrUnavailable, ErrRefused.
func (w Wrapping) DecryptWithContext(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	var plain []byte
	err := w.secrets.call(ctx, keyService, w.key, func(ctx context.Context, settings aws.Config) error {
		done, err := kms.NewFromConfig(settings).Decrypt(ctx, &kms.DecryptInput{
			KeyId: aws.String(w.key), CiphertextBlob: wrapped, EncryptionContext: encryptionContext(associated),
		})
		if err == nil {
			plain = done.Plaintext
		}
		return err
	})
	return plain, err
}

// encryptionContext returns associated data in the form in which Tink's clients hand it to KMS.
func encryptionContext(associated []byte) map[string]string {
	if len(associated) == 0 {
		return nil
	}
	return map[string]string{"associatedData": hex.EncodeToString(associated)}
}
