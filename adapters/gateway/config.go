package gateway

import (
	"errors"
	"fmt"
	"time"
)

// ErrConfig is wrapped by every constructor of a gateway that refuses its settings.
var ErrConfig = errors.New("invalid gateway configuration")

// ErrCheck is wrapped by the errors of a gateway's Check.
var ErrCheck = errors.New("the gateway cannot be called")

// CheckLimit bounds one Check, and one question about an account.
const CheckLimit = 10 * time.Second

// ConfigError returns an ErrConfig that names the provider, the field and what is wrong with it.
func ConfigError(provider, field, why string, args ...any) error {
	return fmt.Errorf("%w: provider %q: %s: %s", ErrConfig, provider, field, fmt.Sprintf(why, args...))
}
