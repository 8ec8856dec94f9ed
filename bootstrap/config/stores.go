package config

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
)

// Database is PostgreSQL.
type Database struct {
	URL              string        `env:"DATABASE_URL,required" secret:"true" help:"PostgreSQL, as in postgres://user:password@host:5432/balsong?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem"`
	Password         string        `env:"BALSONG_DB_PASSWORD" secret:"true" help:"password, written as it is; instead of one in DATABASE_URL"`
	CA               CA            `env:"BALSONG_DB_CA" help:"PEM certificates that may sign the server's, instead of sslrootcert in DATABASE_URL, as in ssm:/balsong/database-ca; with sslmode=verify-full"`
	Auth             string        `env:"BALSONG_DB_AUTH" envDefault:"password" help:"how the user of DATABASE_URL logs in: password, or iam (AWS RDS: a token of the process's role for each connection, with sslmode=verify-full)"`
	MaxConns         int           `env:"BALSONG_DB_MAX_CONNS" envDefault:"8" help:"most connections at a time"`
	StatementTimeout time.Duration `env:"BALSONG_DB_STATEMENT_TIMEOUT" envDefault:"30s" help:"longest statement"`
	LockTimeout      time.Duration `env:"BALSONG_DB_LOCK_TIMEOUT" envDefault:"10s" help:"longest wait for a lock"`
}

// S3 is where statements are stored.
type S3 struct {
	Bucket string `env:"BALSONG_S3_BUCKET,required" help:"the bucket of the statements"`
	S3Access
}

// OptionalS3 is S3 for those who can do without stored statements.
type OptionalS3 struct {
	Bucket string `env:"BALSONG_S3_BUCKET" help:"the bucket of the statements; without it stored statements are not shown"`
	S3Access
}

// S3Access is what it takes beside the bucket's name to reach the statements.
type S3Access struct {
	Region    string `env:"BALSONG_S3_REGION" envDefault:"ap-northeast-2" help:"its region"`
	Endpoint  string `env:"BALSONG_S3_ENDPOINT" help:"URL of a server that is not AWS; buckets are then addressed by path"`
	AccessKey string `env:"BALSONG_S3_ACCESS_KEY" help:"access key; without it the machine's own role"`
	SecretKey string `env:"BALSONG_S3_SECRET_KEY" secret:"true" help:"secret key"`
	CA        CA     `env:"BALSONG_S3_CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	CacheMiB  int64  `env:"BALSONG_S3_CACHE_MIB" envDefault:"48" help:"MiB of packs kept in memory for neighbouring statements"`
}

func (d Database) validate() error {
	u, err := url.Parse(d.URL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" {
		return errors.New("DATABASE_URL is not of the form postgres://user:password@host:5432/database (a password with special characters must be percent-encoded)")
	}
	if err := d.CA.validate(); err != nil {
		return fmt.Errorf("BALSONG_DB_CA: %w", err)
	}
	if d.CA != "" && u.Query().Get("sslmode") != "verify-full" {
		return errors.New("BALSONG_DB_CA is set, and sslmode in DATABASE_URL is not verify-full: set it, or take the CA away")
	}
	if err := postgres.CheckURL(d.URL); err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	if err := d.checkAuth(); err != nil {
		return err
	}
	if d.MaxConns < 1 {
		return errors.New("BALSONG_DB_MAX_CONNS must be at least 1")
	}
	return nil
}

// The values of BALSONG_DB_AUTH.
const (
	AuthPassword = "password"
	AuthIAM      = "iam"
)

func (d Database) checkAuth() error {
	switch d.Auth {
	case "", AuthPassword:
		return nil
	case AuthIAM:
		if d.Password != "" {
			return errors.New("BALSONG_DB_PASSWORD is set, and BALSONG_DB_AUTH is iam: take one away")
		}
		if err := postgres.CheckPasswordSource(d.URL); err != nil {
			return fmt.Errorf("BALSONG_DB_AUTH is iam: %w", err)
		}
		return nil
	}
	return fmt.Errorf("BALSONG_DB_AUTH is %q (want password or iam)", d.Auth)
}

func (s S3) validate() error {
	if s.Bucket == "" {
		return errors.New("BALSONG_S3_BUCKET is empty")
	}
	return s.check()
}

func (s OptionalS3) validate() error {
	if s.Bucket == "" {
		return nil
	}
	return s.check()
}

func (a S3Access) check() error {
	if err := a.CA.validate(); err != nil {
		return fmt.Errorf("BALSONG_S3_CA: %w", err)
	}
	return checkUserinfo("BALSONG_S3_ENDPOINT", a.Endpoint, "set BALSONG_S3_ACCESS_KEY and BALSONG_S3_SECRET_KEY")
}
