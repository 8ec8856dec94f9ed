package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

func statements(ctx context.Context, c config.S3, clock port.Clock) []Finding {
	where := c.Endpoint
	if where == "" {
		where = "AWS, " + c.Region
	}
	p := component{name: port.ComponentStatements, checked: fmt.Sprintf("bucket %s (%s)", c.Bucket, where)}
	packs, err := s3.New(ctx, core.S3Config(c), unmeasured{})
	if err != nil {
		p.add(Problem, err.Error(), "check the variables BALSONG_S3_…")
		return p.list
	}
	facts, err := packs.Examine(ctx)
	if err != nil {
		p.noStore(err)
		return p.list
	}
	if p.store(facts, c); len(p.list) == 0 {
		p.add(OK, "the bucket is there and may be read", "")
	}
	p.clockOf(facts.Now, clock, time.Second, "a store refuses signatures that are more than 15 minutes off")
	return p.list
}

func (p *component) noStore(err error) {
	_, host := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case untrusted:
		p.add(Problem, "the store's certificate is not trusted, or for another name", "set BALSONG_S3_CA to the CA that signed it (file:/path), and use the name that it has in BALSONG_S3_ENDPOINT")
	case host:
		p.add(Problem, "no machine has that name", "check BALSONG_S3_ENDPOINT, or BALSONG_S3_REGION")
	case errors.Is(err, syscall.ECONNREFUSED):
		p.add(Problem, "nothing listens at that port", "check BALSONG_S3_ENDPOINT, and that the store runs")
	case errors.Is(err, context.DeadlineExceeded):
		p.add(Problem, "no answer in time", "a firewall may drop the packets; without BALSONG_S3_ENDPOINT the way to AWS must be open (a VPC endpoint, or NAT)")
	default:
		p.add(Problem, "no answer that a store gives", "check BALSONG_S3_ENDPOINT (http or https, and the port), and that an account is set (BALSONG_S3_ACCESS_KEY) or the machine has a role")
	}
}

func (p *component) store(facts s3.Facts, c config.S3) {
	said := fmt.Sprintf(" (%s, HTTP %d)", facts.Code, facts.Status)
	switch facts.Code {
	case "":
	case "NoSuchBucket", "NotFound", "Not Found":
		p.refuse("the bucket does not exist"+said, "run `batch migrate`, which makes it, or check BALSONG_S3_BUCKET").missing = true
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the second is versitygw's word
		p.refuse("the store does not know the access key"+said, "check BALSONG_S3_ACCESS_KEY")
	case "SignatureDoesNotMatch":
		p.refuse("the signature is wrong"+said, "check BALSONG_S3_SECRET_KEY (and BALSONG_S3_REGION)")
	case "RequestTimeTooSkewed":
		p.refuse("this machine's clock is too far off"+said, "set the clock (NTP)")
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "Moved Permanently":
		do := "set BALSONG_S3_REGION to the bucket's region"
		if facts.Region != "" && facts.Region != c.Region {
			do = "set BALSONG_S3_REGION=" + facts.Region
		}
		p.refuse(fmt.Sprintf("the bucket is not in %s", c.Region)+said, do)
	default:
		switch {
		case facts.Status == http.StatusForbidden:
			p.refuse("the account may not use the bucket"+said, "allow s3:ListBucket on the bucket, s3:GetObject and s3:PutObject on its objects, and check that the bucket is yours")
		case facts.Status >= http.StatusInternalServerError, facts.Status == http.StatusTooManyRequests:
			p.add(Problem, "the store has a failure of its own"+said, "it is waited for; if it lasts, check the store")
		default:
			p.refuse("the store refuses"+said, "check BALSONG_S3_ENDPOINT and BALSONG_S3_BUCKET")
		}
	}
}

// unmeasured is port.Metrics of a check.
type unmeasured struct{}

func (unmeasured) Record(*port.Metric, float64, ...string) {}
func (unmeasured) Clear(*port.Metric, ...string)           {}
