package sender

import (
	"errors"
	"fmt"

	"github.com/balsong/balsong/application/port"
)

// ErrConfig is wrapped by every constructor that refuses its settings.
var ErrConfig = errors.New("sender settings that cannot work")

// badConfig returns an ErrConfig that names the provider, the field and what is wrong with it.
func badConfig(provider, field, why string, args ...any) error {
	return fmt.Errorf("%w: provider %q: %s: %s", ErrConfig, provider, field, fmt.Sprintf(why, args...))
}

// CheckProvider refuses, wrapping ErrConfig, a provider whose lease could end before its calls do, and bounds that let
// no call through.
func CheckProvider(p port.Provider) error {
	switch {
	case p.Name == "":
		return badConfig(p.Name, "name", "is empty")
	case !p.Channel.Valid():
		return badConfig(p.Name, "channel", "%q is none", p.Channel)
	case p.CallDeadline <= 0:
		return badConfig(p.Name, "call deadline", "%s is not positive", p.CallDeadline)
	case p.Margin < 0:
		return badConfig(p.Name, "margin", "%s is negative", p.Margin)
	case p.Lease < p.CallDeadline+p.Margin:
		return badConfig(p.Name, "lease", "%s is shorter than call deadline + margin, %s: a call could outlive its claim",
			p.Lease, p.CallDeadline+p.Margin)
	case p.InFlight < 1:
		return badConfig(p.Name, "in flight", "%d lets no call through", p.InFlight)
	case !(p.Rate >= 0): // NaN too
		return badConfig(p.Name, "rate", "%v is no rate", p.Rate)
	case p.Rate > 0 && p.Burst < 1:
		return badConfig(p.Name, "burst", "%d lets no call through", p.Burst)
	}
	return nil
}
