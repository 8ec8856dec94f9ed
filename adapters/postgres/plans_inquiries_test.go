package postgres_test

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// inquiries are the statements of inquiries, about as many UNKNOWN rows as a page takes.
func inquiries(size scale, round int) []hot {
	of := port.Lane{Channel: channel.SMS, Provider: "nhn"}
	users := size.spread(round, 7)
	number := int16(100 + round)
	fill := func(ctx context.Context, db *sqlx.DB) error {
		ctx = unobserved(ctx)
		asked := claims(users, number, time.Millisecond)
		for i := range asked {
			asked[i].Channel, asked[i].Provider = of.Channel, of.Provider
		}
		ledger := postgres.NewLedger(db)
		if _, err := ledger.Claim(ctx, asked); err != nil {
			return err
		}
		unknown := make([]attempt.Outcome, len(asked))
		for i, c := range asked {
			unknown[i] = attempt.Outcome{Key: c.Key, Token: c.Token, State: attempt.Unknown, Provider: of.Provider, FinishedAt: now}
		}
		_, err := ledger.Record(ctx, unknown)
		return err
	}
	return []hot{
		{"Inquiries.Enqueue", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			since, err := postgres.NewSweeps(db).Now(unobserved(ctx))
			if err != nil {
				return err
			}
			if err := fill(ctx, db); err != nil {
				return err
			}
			enqueue := func(ctx context.Context) (int, error) {
				n, _, err := postgres.NewInquiries(db).Enqueue(ctx, month, of, 0, port.Span{Since: since}, key.Delivery{}, size.page)
				return n, err
			}
			if err := some(enqueue(ctx)); err != nil {
				return err
			}
			return some(enqueue(unobserved(ctx)))
		}},
		{"Inquiries.Enqueue, ever", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			n, _, err := postgres.NewInquiries(db).Enqueue(ctx, month, of, 0, port.Span{}, key.Delivery{Month: month, UserID: int64(size.rows / 2)}, size.page)
			return some(n, err)
		}},
		{"Inquiries.Due", `DROP INDEX inquiries_due`, 0, func(ctx context.Context, db *sqlx.DB) error {
			_, due, err := postgres.NewInquiries(db).Due(ctx, month, of, time.Hour, size.page)
			return some(len(due), err)
		}},
		{"Inquiries.Answer", `ALTER TABLE inquiries DROP CONSTRAINT inquiries_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			answers := make([]port.InquiryAnswer, len(users))
			for i, k := range deliveryKeys(users, number) {
				answers[i] = port.InquiryAnswer{Key: k, Found: port.Finding{Found: port.FoundNothing}, Again: time.Hour}
			}
			return postgres.NewInquiries(db).Answer(ctx, answers)
		}},
		{"Inquiries.Asked", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewInquiries(db).Asked(ctx, targetKeys(users)[0])
			return err
		}},
	}
}
