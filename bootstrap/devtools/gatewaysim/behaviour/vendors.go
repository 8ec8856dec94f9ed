package behaviour

import (
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
)

// Vendor names a contract that the simulator speaks.
type Vendor string

// The vendors.
const (
	SMTPRelay Vendor = "smtp"
	OpenHTTP  Vendor = "http" // POST /sms, /push and the like
	Twilio    Vendor = "twilio"
	NHN       Vendor = "nhn"
	SOLAPI    Vendor = "solapi"
)

// Vendors is what can be set of each vendor.
type Vendors struct {
	SMTP   VendorSettings `json:"smtp"`
	HTTP   VendorSettings `json:"http"`
	Twilio VendorSettings `json:"twilio"`
	NHN    VendorSettings `json:"nhn"`
	SOLAPI VendorSettings `json:"solapi"`
}

// VendorSettings is what can be set of a vendor.
type VendorSettings struct {
	// ReportsTo is where it reports: the address of a webhook, or that of an
	// LMTP server as lmtp://host:port (smtp). Empty: it does not. Twilio reports
	// to the StatusCallback of each message, if it has a secret.
	ReportsTo string `json:"reports_to"`
	// Secret signs reports: the account's token (twilio), the text of the
	// console (nhn).
	Secret string `json:"secret"`
	// Dies makes it die in the middle.
	Dies Death `json:"dies"`
}

// Death is that of a vendor in the middle of its work, which it takes up again:
// messages are accepted, and the connections closed without an answer.
type Death struct {
	// After so many accepted messages.
	After uint64 `json:"after"`
	// Calls is how many calls are lost; 0: none.
	Calls uint64 `json:"calls"`
}

// Of returns the settings of a vendor; the zero value where there is no such vendor.
func (v *Vendors) Of(vendor Vendor) VendorSettings {
	switch vendor {
	case SMTPRelay:
		return v.SMTP
	case OpenHTTP:
		return v.HTTP
	case Twilio:
		return v.Twilio
	case NHN:
		return v.NHN
	case SOLAPI:
		return v.SOLAPI
	}
	return VendorSettings{}
}

func (v *Vendors) validate() error {
	var faults []error
	for name, want := range map[Vendor]string{SMTPRelay: "lmtp", NHN: "http", SOLAPI: "http"} {
		if to := v.Of(name).ReportsTo; to != "" {
			if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != want && u.Scheme != want+"s" {
				faults = append(faults, fmt.Errorf("vendors.%s.reports_to is no address that begins with %s://", name, want))
			}
		}
	}
	for _, name := range []Vendor{OpenHTTP, Twilio} {
		if v.Of(name).ReportsTo != "" {
			faults = append(faults, fmt.Errorf("vendors.%s.reports_to: this contract has none", name))
		}
	}
	return errors.Join(faults...)
}

// deaths counts the accepted messages of vendors.
type deaths struct{ smtp, http, twilio, nhn, solapi atomic.Uint64 }

func (d *deaths) of(vendor Vendor) *atomic.Uint64 {
	switch vendor {
	case SMTPRelay:
		return &d.smtp
	case Twilio:
		return &d.twilio
	case NHN:
		return &d.nhn
	case SOLAPI:
		return &d.solapi
	case OpenHTTP:
	}
	return &d.http
}

// dying counts a message that is to be accepted, and tells whether its answer is
// lost because its vendor is dying.
func (g *Gateway) dying(vendor Vendor, s *Settings) bool {
	n := g.deaths.of(vendor).Add(1)
	dies := s.Vendors.Of(vendor).Dies
	return n > dies.After && n <= dies.After+dies.Calls
}
