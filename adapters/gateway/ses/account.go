package ses

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/awscall"
	"github.com/balsong/balsong/application/port"
)

// account asks for the account's state and quota; it sends nothing. The error wraps gateway.ErrCheck.
func (g *Gateway) account(ctx context.Context) (*sesv2.GetAccountOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	var account *sesv2.GetAccountOutput
	answer, err := g.caller.Once(ctx, func(ctx context.Context) (err error) {
		account, err = g.client.Load().GetAccount(ctx, &sesv2.GetAccountInput{})
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	case answer.Status/100 != 2 || account == nil:
		return nil, fmt.Errorf("%w: GetAccount (allow ses:GetAccount): %s", gateway.ErrCheck, gateway.Redact(awscall.Reply(table, answer, nil, g.now()).Detail, ""))
	}
	return account, nil
}

// Check asks for the account's state and quota, and says what would keep a month from going out; it sends nothing. The error wraps
// gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	account, err := g.account(ctx)
	if err != nil {
		return err
	}
	if !account.SendingEnabled || aws.ToString(account.EnforcementStatus) == "SHUTDOWN" {
		return fmt.Errorf("%w: sending is paused for the account in this region", gateway.ErrCheck)
	}
	if quota := account.SendQuota; quota != nil && quota.Max24HourSend >= 0 && quota.SentLast24Hours >= quota.Max24HourSend {
		return fmt.Errorf("%w: the account's quota is used up: %.0f of %.0f messages in the last 24 hours", gateway.ErrCheck, quota.SentLast24Hours, quota.Max24HourSend)
	}
	g.sandbox.Store(!account.ProductionAccessEnabled)
	unverified := ""
	for _, sender := range g.writer.Senders() {
		if unverified == "" && g.isUnverified(ctx, sender) {
			unverified = sender
		}
	}
	g.unverified.Store(&unverified)
	return nil
}

// isUnverified reports whether SES says for certain that it takes no mail from an address: neither the address nor its domain, nor one above that,
// is a verified identity of the region. Who may not ask (ses:GetEmailIdentity) learns nothing.
func (g *Gateway) isUnverified(ctx context.Context, sender string) bool {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	_, domain, _ := strings.Cut(sender, "@")
	for identity := sender; strings.Contains(identity, "."); {
		var found *sesv2.GetEmailIdentityOutput
		answer, err := g.caller.Once(ctx, func(ctx context.Context) (err error) {
			found, err = g.client.Load().GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
			return err
		})
		switch {
		case err != nil:
			return false
		case answer.Status/100 == 2 && found != nil:
			return found.IdentityType != "" && !found.VerifiedForSendingStatus
		case answer.Status != http.StatusNotFound || awscall.CodeOf(answer) != "NotFound":
			return false
		case identity == sender:
			identity = domain
		default:
			_, identity, _ = strings.Cut(identity, ".")
		}
	}
	return true
}

// Limits says what the last Check found that lets bills go out, and not to every customer; "": nothing.
func (g *Gateway) Limits() string {
	if sender := g.unverified.Load(); sender != nil && *sender != "" {
		return "the sender " + *sender + " is no verified identity in this region: SES refuses its mail"
	}
	if g.sandbox.Load() {
		return "the account is in the sandbox in this region: it writes to verified addresses alone, 200 a day"
	}
	return ""
}

// Quota says what the account may still send within 24 hours (port.QuotaReader). A limit of -1 is none
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html).
func (g *Gateway) Quota(ctx context.Context) (port.Quota, error) {
	account, err := g.account(ctx)
	if err != nil || account.SendQuota == nil {
		return port.Quota{}, err
	}
	q := account.SendQuota
	quota := port.Quota{Rate: max(0, q.MaxSendRate)}
	if q.Max24HourSend >= 0 {
		quota.Window, quota.Limit, quota.Left = 24*time.Hour, int(q.Max24HourSend), int(max(0, q.Max24HourSend-q.SentLast24Hours))
	}
	return quota, nil
}
