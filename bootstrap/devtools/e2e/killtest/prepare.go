package killtest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/key"
)

// by is who does things in the test.
var by = port.Act{Actor: "kill test", Reason: "to see what kills do"}

// prepare makes the database, and imports and renders the bills with the production batch.
func (t *test) prepare(ctx context.Context) error {
	if err := WriteBills(t.path("bills.csv"), t.plan.customers); err != nil {
		return err
	}
	keyset, err := crypto.NewKeyset()
	if err != nil {
		return err
	}
	addresses := t.components.Addresses()
	if t.url, err = addresses.Database(ctx, database); err != nil {
		return err
	}
	if t.db, err = sql.Open("postgres", t.url); err != nil {
		return err
	}
	t.stops = append(t.stops, t.db.Close)
	c := settings(addresses, t.url, string(keyset), t.info)
	if t.plan.vendors {
		t.receivers.configure(&c, t.info)
	}
	when, err := key.ParseMonth(month)
	if err != nil {
		return err
	}
	t.orders = orders{
		RecordFile: t.path("kills.jsonl"), Month: when, Config: c, By: by, Kafka: groups, Stall: t.plan.stall,
		Dispatch: config.Dispatch{Page: 100, Cap: 300, AckTimeout: 5 * time.Second, LingerPoll: time.Second},
		Operator: operatorOrders{
			Cancel: t.plan.cancel > 0, SendAnyway: t.plan.sendAnyway, Every: t.plan.cancel,
			Users: int64(t.plan.customers), Seed: t.Seed,
		},
	}
	if t.orders.Operator.Every == 0 {
		t.orders.Operator.Every = time.Second
	}
	if t.Without {
		t.orders.Without = t.Around
	}
	return t.batch(ctx, wholebatch.Config{Database: c.Database, Kafka: c.Kafka, S3: c.S3, Keys: c.Keys, Log: config.Log{Level: "warn", Format: "json"}})
}

func (t *test) batch(ctx context.Context, c wholebatch.Config) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return err
	}
	code := core.Once(ctx, t.Out, fx.Options(wholebatch.Options(c)), func(ctx context.Context, b wholebatch.Batch) error {
		if err := b.Migrate(ctx); err != nil {
			return err
		}
		drafted, err := b.Policies.Draft(ctx, routePolicy(zone), by)
		if err != nil {
			return err
		}
		if err := b.Policies.Activate(ctx, drafted.Ref(), by); err != nil {
			return err
		}
		data, err := os.Open(t.path("bills.csv"))
		if err != nil {
			return err
		}
		defer func() { _ = data.Close() }()
		imported, err := b.Importer.Import(ctx, importing.NewSource(importing.File{Name: "kill test"}, data), importing.Options{
			Rules: importing.Rules{Month: t.orders.Month, NotBefore: time.Now().Add(-time.Minute), Zone: zone}, Rejects: t.log,
		})
		if err != nil {
			return err
		}
		rendered, err := b.Renderer(rendering.Options{Sender: "Example Telecom"}).Render(ctx, t.orders.Month)
		if err != nil {
			return err
		}
		t.say("prepared", "%d imported, %d rejected, %d rendered", imported.Inserted, imported.Rejected, rendered.Rendered)
		return nil
	})
	if code != core.ExitOK {
		return errors.New("the batch has failed")
	}
	return nil
}

// setGateway changes the gateway's behaviour while it runs.
func (t *test) setGateway(ctx context.Context, s gatewaysim.Settings) error {
	body, err := json.Marshal(s.WithDefaults())
	if err != nil {
		return err
	}
	return t.askGateway(ctx, http.MethodPut, "/settings", body, nil)
}

// askGateway calls the gateway's admin port. answer may be nil.
func (t *test) askGateway(ctx context.Context, method, path string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+t.info.Admin+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		words, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("ask the gateway: %s: %s", response.Status, words)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
