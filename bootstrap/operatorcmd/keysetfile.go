package operatorcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/secrets"
)

// keysetFile is a file with a keyset, wrapped by KMS where a key is named.
type keysetFile struct{ path, kmsKey string }

func (f *keysetFile) flags(cmd *cobra.Command) {
	f.optionalFlags(cmd, "`file` of the keyset (required)")
	cli.Require(cmd, "file")
}

// optionalFlags are the flags of a command that looks at the configured keyset where no file is named: a task has none.
func (f *keysetFile) optionalFlags(cmd *cobra.Command, file string) {
	cli.FileFlag(cmd.Flags(), &f.path, "file", file)
	cmd.Flags().StringVar(&f.kmsKey, "kms-key", os.Getenv("BALSONG_KEYSET_KMS_KEY"), "AWS KMS key (ARN, id or alias/…) that wraps it (default from BALSONG_KEYSET_KMS_KEY)")
	cli.Describe(cmd, exitCodes)
}

// orConfigured describes a file that need not be named.
const orConfigured = "`file` of the keyset; without: the configured one (BALSONG_KEYSET, BALSONG_KEYSET_FILE)"

// keys lists the keys of the file, or of the configured keyset where none is named.
func (f keysetFile) keys(ctx context.Context) ([]crypto.KeyInfo, error) {
	read, from := configuredKeyset, "the configured keyset"
	if f.path != "" {
		from = f.path
		read = func(ctx context.Context) ([]byte, error) {
			plain, _, err := f.read(ctx)
			return plain, err
		}
	}
	plain, err := read(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := crypto.Keys(plain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return keys, nil
}

func configuredKeyset(ctx context.Context) ([]byte, error) {
	c, err := config.LoadPart[struct{ Keys config.Keys }](ctx)
	if err == nil && c.Keys.Keyset == "" {
		err = config.ErrNoKeyset
	}
	return []byte(c.Keys.Keyset), err
}

// arguments are the flags that name this file, for the next command.
func (f keysetFile) arguments() string {
	arguments := "--file " + cli.Quote(f.path)
	if f.kmsKey != "" {
		arguments += " --kms-key " + cli.Quote(f.kmsKey)
	}
	return arguments
}

// settings are the variables with which the services use this file.
func (f keysetFile) settings() string {
	settings := "BALSONG_KEYSET_FILE=" + cli.Quote(f.path)
	if f.kmsKey != "" {
		settings += " BALSONG_KEYSET_KMS_KEY=" + cli.Quote(f.kmsKey)
	}
	return settings
}

// read returns the keyset in the clear, and the content of the file.
func (f keysetFile) read(ctx context.Context) (plain, raw []byte, err error) {
	vault := config.NewVault()
	if raw, err = vault.Read(ctx, string(secrets.File)+":"+f.path); err != nil {
		return nil, nil, err
	}
	if plain, err = vault.Unwrap(ctx, raw, f.kmsKey); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return plain, raw, nil
}

// form is the keyset as it is written to the file.
func (f keysetFile) form(ctx context.Context, plain []byte) ([]byte, error) {
	if f.kmsKey == "" {
		return plain, nil
	}
	return config.NewVault().Wrap(ctx, plain, f.kmsKey)
}

// create writes a file that is not there yet.
func (f keysetFile) create(ctx context.Context, plain []byte) error {
	if _, err := os.Lstat(f.path); err == nil {
		return fmt.Errorf("%s is there already (a keyset is never overwritten: what it sealed could not be opened again)", f.path)
	}
	content, err := f.form(ctx, plain)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	return errors.Join(err, out.Sync(), out.Close())
}

// change reads the file, changes the keyset, replaces the file as a whole, and says what to do next.
func (f keysetFile) change(ctx context.Context, out io.Writer, change func(plain []byte) (changed []byte, next string, err error)) error {
	plain, before, err := f.read(ctx)
	if err != nil {
		return err
	}
	if _, err := crypto.Keys(plain); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	changed, next, err := change(plain)
	if err != nil {
		return fmt.Errorf("%s is unchanged: %w", f.path, err)
	}
	if err := errors.Join(settled(changed), f.replace(ctx, changed, before)); err != nil {
		return fmt.Errorf("%s is unchanged: %w", f.path, err)
	}
	fmt.Fprint(out, next)
	return nil
}

// replace puts a keyset in the place of the one that was read: whole or not at all, for whom it was readable.
func (f keysetFile) replace(ctx context.Context, plain, before []byte) error {
	content, err := f.form(ctx, plain)
	if err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already where all went well
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = temporary.Chown(int(owner.Uid), int(owner.Gid)) // where we may: the services read it as before
	}
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(now), bytes.TrimSpace(before)) {
		return errors.New("the file was changed by another process meanwhile: try again")
	}
	return os.Rename(temporary.Name(), path)
}
