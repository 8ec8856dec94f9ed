package smtp

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/balsong/balsong/adapters/gateway/reference"
)

// maxLocal is the longest local part of an address, in octets (RFC 5321, 4.5.3.1.1).
const maxLocal = 64

// Placeholder is where the reference to the delivery key stands in a pattern.
const Placeholder = "{key}"

// ErrPattern is wrapped by the errors of ParsePattern.
var ErrPattern = errors.New("the pattern of bounce addresses")

// Pattern is the form of the addresses that bounces go to, such as bounces+{key}@example.com.
type Pattern struct{ before, after string }

// IsPattern reports whether an address is meant as a pattern.
func IsPattern(address string) bool { return strings.Contains(address, Placeholder) }

// ParsePattern reads an address with one placeholder in its local part, which has at most 64 octets with the reference. ErrPattern.
func ParsePattern(address string) (Pattern, error) {
	before, after, found := strings.Cut(address, Placeholder)
	rest, domain, hasDomain := strings.Cut(after, "@")
	local := len(before) + reference.Size + len(rest)
	sample := before + strings.Repeat("a", reference.Size) + after
	parsed, err := mail.ParseAddress(sample)
	switch {
	case !found || IsPattern(after) || !hasDomain || domain == "" || err != nil || parsed.Name != "" || parsed.Address != sample:
		return Pattern{}, fmt.Errorf("%w: want an address with one %s before its @, as in bounces+%s@example.com", ErrPattern, Placeholder, Placeholder)
	case local > maxLocal:
		return Pattern{}, fmt.Errorf("%w: its local part has %d octets with a key of %d, and may have %d", ErrPattern, local, reference.Size, maxLocal)
	}
	return Pattern{before, after}, nil
}

// Address returns the address with a reference.
func (p Pattern) Address(reference string) string { return p.before + reference + p.after }
