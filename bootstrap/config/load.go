package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/secrets"
)

// fileSuffix names a variable's file: a secret NAME may come from the file that NAME_FILE names.
const fileSuffix = "_FILE"

// Load reads a configuration from the environment and follows its references (see package secrets). Its error lists
// everything that is wrong, not only the first. It wraps ErrInvalid where a person must correct the settings, and not
// where AWS alone did not answer.
func Load[C any](ctx context.Context) (C, error) {
	values := env.ToMap(os.Environ())
	c, err := load[C](ctx, values, NewVault())
	return c, errors.Join(CheckRemoved(values), err)
}

// LoadPart is Load for one part of a configuration, without looking for variables that are not read any more.
func LoadPart[C any](ctx context.Context) (C, error) {
	return load[C](ctx, env.ToMap(os.Environ()), NewVault())
}

// LogsJSON reports whether the log is JSON, before the configuration is read.
func LogsJSON() bool { return os.Getenv("BALSONG_LOG_FORMAT") != "text" }

// NewVault returns the vault that references are followed with. An outage is logged on stderr, in the format of the app's
// log.
func NewVault() *secrets.Vault {
	var log port.Log
	logger, err := observe.NewZap("info", "json")
	if !LogsJSON() {
		logger, err = observe.NewZap("info", "text")
	}
	if err != nil {
		return secrets.NewVault(awssecrets.Config{}, nil, 0)
	}
	log = observe.NewLog(logger)
	return secrets.NewVault(awssecrets.Config{}, outage.New(observe.Clock{}, log), secrets.DefaultPatience)
}

func load[C any](ctx context.Context, values map[string]string, vault *secrets.Vault) (C, error) {
	var c C
	known := Variables[C]()
	if err := errors.Join(expand(ctx, values, known, vault), follow(ctx, values, known, vault)); err != nil {
		return c, err
	}
	if slices.ContainsFunc(known, func(v Variable) bool { return v.Name == "DATABASE_URL" }) {
		if err := errors.Join(joinPassword(values), joinCA(values)); err != nil {
			return c, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	keepEmpty(values, known)
	c, err := env.ParseAsWithOptions[C](env.Options{Environment: values})
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrInvalid, explain(err, known, values))
	}
	if keys := keysOf(&c); keys != nil {
		name := "BALSONG_KEYSET"
		if keys.Keyset == "" {
			name = "BALSONG_KEYSET_FILE"
		}
		if err := keys.fetch(ctx, vault); err != nil {
			return c, wrong(name, err)
		}
	}
	return c, Validate(c)
}

// keepEmpty writes a word for the empty value of those variables where empty has a meaning of its own (their tag empty has
// the word): anywhere else an empty variable means its default.
func keepEmpty(values map[string]string, known []Variable) {
	for _, v := range known {
		if word := v.field.Tag.Get("empty"); word != "" {
			if value, set := values[v.Name]; set && value == "" {
				values[v.Name] = word
			}
		}
	}
}

// follow replaces each value that is a reference by what it stands for. The keyset is left as it is written: it is
// read again later.
func follow(ctx context.Context, values map[string]string, known []Variable, vault *secrets.Vault) error {
	var problems []error
	for _, v := range known {
		if strings.HasPrefix(v.Name, "BALSONG_KEYSET") {
			continue
		}
		if file := values[v.Name+fileSuffix]; v.Secret && file != "" {
			if values[v.Name] != "" {
				problems = append(problems, fmt.Errorf("%w: %s and %s%s are both set: take one away", ErrInvalid, v.Name, v.Name, fileSuffix))
				continue
			}
			values[v.Name] = string(secrets.File) + ":" + file
		}
		value, set := values[v.Name]
		if !set || value == "" {
			continue
		}
		content, err := vault.Read(ctx, value)
		if err != nil {
			problems = append(problems, wrong(v.Name, err))
			continue
		}
		values[v.Name] = string(content)
	}
	return errors.Join(problems...)
}

// wrong names the variable; only what a person must correct is ErrInvalid.
func wrong(name string, err error) error {
	if secrets.Refused(err) {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// joinPassword puts the password that came alone into the database's URL.
func joinPassword(values map[string]string) error {
	password := values["BALSONG_DB_PASSWORD"]
	if password == "" || values["DATABASE_URL"] == "" || values["BALSONG_DB_AUTH"] == AuthIAM { // the last is an error: see Validate
		return nil
	}
	u, err := url.Parse(values["DATABASE_URL"])
	if err != nil {
		return nil //nolint:nilerr // Validate says what is wrong with it, without its text
	}
	if _, has := u.User.Password(); has {
		return errors.New("BALSONG_DB_PASSWORD is set, and DATABASE_URL has a password too: take one away")
	}
	u.User = url.UserPassword(u.User.Username(), password)
	values["DATABASE_URL"] = u.String()
	delete(values, "BALSONG_DB_PASSWORD")
	return nil
}

// joinCA puts the certificates that came alone into the database's URL, as the driver takes them without a file.
func joinCA(values map[string]string) error {
	ca := values["BALSONG_DB_CA"]
	u, err := url.Parse(values["DATABASE_URL"])
	if ca == "" || err != nil || u.Scheme == "" {
		return nil //nolint:nilerr // Validate says what is wrong with it, without its text
	}
	query := u.Query()
	for _, name := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if query.Has(name) {
			return fmt.Errorf("BALSONG_DB_CA is set, and DATABASE_URL has %s: take one away", name)
		}
	}
	query.Set("sslinline", "true")
	query.Set("sslrootcert", ca)
	u.RawQuery = query.Encode()
	values["DATABASE_URL"] = u.String()
	return nil
}

// keysOf finds the keys in a configuration or in a part of it; nil where it has none.
func keysOf(c any) *Keys {
	if keys, is := c.(*Keys); is {
		return keys
	}
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Struct || !v.Field(i).CanInterface() {
			continue
		}
		if keys := keysOf(v.Field(i).Addr().Interface()); keys != nil {
			return keys
		}
	}
	return nil
}

// fetch reads the keyset, and keeps where it came from if it may change there.
func (k *Keys) fetch(ctx context.Context, vault *secrets.Vault) error {
	switch {
	case k.Keyset == "" && k.KeysetFile == "":
		return nil // an error where a cipher is needed: ErrNoKeyset
	case k.Keyset != "" && k.KeysetFile != "":
		return fmt.Errorf("%w: BALSONG_KEYSET and BALSONG_KEYSET_FILE are both set: take one away", secrets.ErrReference)
	case k.KeysetFile != "":
		k.Source, k.KeysetFile = string(secrets.File)+":"+k.KeysetFile, ""
	default:
		if _, is, _ := secrets.Parse(k.Keyset); is {
			k.Source = k.Keyset
		}
	}
	raw := []byte(k.Keyset)
	if k.Source != "" {
		var err error
		if raw, err = vault.Read(ctx, k.Source); err != nil {
			return err
		}
	}
	plain, err := vault.Unwrap(ctx, raw, k.KMSKey)
	k.Keyset = string(plain)
	return err
}

// ErrNoKeyset says that a keyset is needed and none is set.
var ErrNoKeyset = fmt.Errorf("%w: set BALSONG_KEYSET or BALSONG_KEYSET_FILE (make one with `balsong keyset new`)", ErrInvalid)
