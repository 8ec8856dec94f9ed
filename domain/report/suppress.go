package report

import (
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
)

// Rejects reports whether what the report says rules its channel out for the customer beyond this message: the address cannot be
// reached for certain, now or later, or the customer does not want to be.
func (r Report) Rejects() bool {
	switch r.Kind {
	case Complained, OptedOut:
		return true
	case Undelivered:
		return r.Definitive && r.Class == attempt.Permanent
	default:
		return false
	}
}

// Suppresses returns which messages a report that Rejects keeps back from its channel. class is that of the message that the report is
// about: who complains about advertising still wants bills; an address that cannot be reached gets neither.
func (r Report) Suppresses(class policy.MessageClass) policy.Scope {
	if r.Kind != Undelivered && class == policy.Advertising {
		return policy.ScopeAdvertising
	}
	return policy.ScopeAll
}
