package core

import (
	"context"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// S3Config is the configuration of the S3 adapter.
func S3Config(c config.S3) s3.Config {
	return s3.Config{
		Bucket: c.Bucket, Region: c.Region, Endpoint: c.Endpoint, TLS: c.CA.TLS(),
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, Cache: s3.Cache{Bytes: c.CacheMiB << 20},
	}
}

// Statements provides the packs and the cipher.
func Statements(c config.S3, keys config.Keys) fx.Option {
	return fx.Module("statements", Packs(c), Cipher(keys))
}

// Packs provides the packs without a cipher: for who removes them.
func Packs(c config.S3) fx.Option {
	return fx.Module("packs",
		fx.Provide(
			fx.Annotate(func(metrics port.Metrics) (*s3.Packs, error) {
				return s3.New(context.Background(), S3Config(c), metrics)
			}, fx.As(fx.Self()), fx.As(new(port.Packs)), fx.As(new(port.PackStore))),
		),
	)
}

// Cipher provides the cipher. A keyset that is kept in a file or in AWS is loaded again when it changes there.
func Cipher(keys config.Keys) fx.Option {
	return fx.Module("keys",
		fx.Provide(
			fx.Annotate(func() (*crypto.Cipher, error) {
				if keys.Keyset == "" {
					return nil, config.ErrNoKeyset
				}
				return crypto.New([]byte(keys.Keyset))
			}, fx.As(fx.Self()), fx.As(new(port.Cipher))),
		),
		fx.Invoke(func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, clock port.Clock, cipher *crypto.Cipher) {
			if keys.Source != "" {
				vault := config.NewVault()
				Work(lc, shutdown, log, "keyset", func(ctx context.Context) error {
					return watchKeyset(ctx, keys, vault, cipher, clock, log)
				})
			}
		}),
	)
}
