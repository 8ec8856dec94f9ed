package config

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/balsong/balsong/bootstrap/secrets"
)

// gatewaySettings is the variable that holds further variables of gateways, so that a template of an installation has one place for all of
// them, and need not be changed for each that is new.
const gatewaySettings = "BALSONG_GATEWAYS"

// maxSettings is how many bytes such a text has at most; a parameter of AWS has 8 KB at most.
const maxSettings = 64 << 10

// settingName is the form of a variable's name. What has another one is not shown in an error: it may be a secret in the wrong place.
var settingName = regexp.MustCompile(`^BALSONG_[A-Z0-9_]{1,64}$`)

// expand adds the variables that BALSONG_GATEWAYS holds to those that are set: a variable that is set itself comes first.
func expand(ctx context.Context, values map[string]string, known []Variable, vault *secrets.Vault) error {
	if values[gatewaySettings] == "" || !slices.ContainsFunc(known, func(v Variable) bool { return v.Name == gatewaySettings }) {
		return nil
	}
	reference := values[gatewaySettings]
	values[gatewaySettings] = ""
	text, err := vault.Read(ctx, reference)
	if err != nil {
		return wrong(gatewaySettings, err)
	}
	settings, err := parseSettings(string(text))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for name, value := range settings {
		if values[name] == "" {
			values[name] = value
		}
	}
	return nil
}

// parseSettings reads variables of gateways, a line NAME=value each; empty lines, and those that begin with #, are skipped. Its error has
// everything that is wrong, and no value.
func parseSettings(text string) (map[string]string, error) {
	if len(text) > maxSettings {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", gatewaySettings, len(text), maxSettings)
	}
	var allowed []string
	for _, v := range Variables[Gateways]() {
		if allowed = append(allowed, v.Name); v.Secret {
			allowed = append(allowed, v.Name+fileSuffix)
		}
	}
	settings := map[string]string{}
	var problems []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, pair := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		_, twice := settings[name]
		switch {
		case !pair || !settingName.MatchString(name):
			problems = append(problems, fmt.Errorf("%s, line %d: want BALSONG_NAME=value", gatewaySettings, number))
		case name == gatewaySettings || !slices.Contains(allowed, name):
			problems = append(problems, fmt.Errorf("%s, line %d: %s is no variable of a gateway", gatewaySettings, number, name))
		case twice:
			problems = append(problems, fmt.Errorf("%s, line %d: %s is set twice", gatewaySettings, number, name))
		default:
			settings[name] = strings.TrimSpace(value)
		}
	}
	return settings, errors.Join(problems...)
}
