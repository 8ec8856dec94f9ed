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
	FCM       Vendor = "fcm"
	SES       Vendor = "ses"
	AWSSMS    Vendor = "aws"

	NHNAlimTalk    Vendor = "nhn-alimtalk"
	SOLAPIAlimTalk Vendor = "solapi-alimtalk"
)

// Vendors is what can be set of each vendor.
type Vendors struct {
	SMTP   VendorSettings `json:"smtp"`
	HTTP   VendorSettings `json:"http"`
	Twilio VendorSettings `json:"twilio"`
	NHN    VendorSettings `json:"nhn"`
	SOLAPI VendorSettings `json:"solapi"`
	FCM    VendorSettings `json:"fcm"`
	SES    VendorSettings `json:"ses"`
	AWSSMS VendorSettings `json:"aws"`

	NHNAlimTalk    VendorSettings `json:"nhn_alimtalk"`
	SOLAPIAlimTalk VendorSettings `json:"solapi_alimtalk"`
}

// VendorSettings is what can be set of a vendor.
type VendorSettings struct {
	// ReportsTo is where it reports: the address of a webhook, or that of an
	// LMTP server as lmtp://host:port (smtp). Empty: it does not. Twilio reports
	// to the StatusCallback of each message, if it has a secret.
	ReportsTo string `json:"reports_to"`
	// Secret signs reports: the account's token (twilio), the text of the
	// console (nhn, nhn_alimtalk).
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
	case FCM:
		return v.FCM
	case SES:
		return v.SES
	case AWSSMS:
		return v.AWSSMS
	case NHNAlimTalk:
		return v.NHNAlimTalk
	case SOLAPIAlimTalk:
		return v.SOLAPIAlimTalk
	}
	return VendorSettings{}
}

// reportsBy is how each vendor reports: the scheme of its address; "" where the contract has no reports, or each message says where.
var reportsBy = map[Vendor]string{
	SMTPRelay: "lmtp", OpenHTTP: "", Twilio: "", NHN: "http", SOLAPI: "http", NHNAlimTalk: "http", SOLAPIAlimTalk: "http",
	FCM: "", SES: "", AWSSMS: "", // those of AWS go by SNS, which the simulator does not speak
}

func (v *Vendors) validate() error {
	var faults []error
	for name, scheme := range reportsBy {
		to := v.Of(name).ReportsTo
		if to == "" {
			continue
		}
		if scheme == "" {
			faults = append(faults, fmt.Errorf("vendors.%s.reports_to: this contract has none", name))
		} else if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != scheme && u.Scheme != scheme+"s" {
			faults = append(faults, fmt.Errorf("vendors.%s.reports_to is no address that begins with %s://", name, scheme))
		}
	}
	return errors.Join(faults...)
}

// deaths counts the accepted messages of vendors.
type deaths map[Vendor]*atomic.Uint64

func newDeaths() deaths {
	d := deaths{}
	for vendor := range reportsBy {
		d[vendor] = &atomic.Uint64{}
	}
	return d
}

// dying counts a message that is to be accepted, and tells whether its answer is
// lost because its vendor is dying.
func (g *Gateway) dying(vendor Vendor, s *Settings) bool {
	counted, known := g.deaths[vendor]
	if !known {
		return false
	}
	n, dies := counted.Add(1), s.Vendors.Of(vendor).Dies
	return n > dies.After && n <= dies.After+dies.Calls
}
