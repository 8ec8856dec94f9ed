package operatorapp_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

const november = key.Month(2026*12 + 10)

// bills is a month's file: one bad row, and a name that a spreadsheet would run.
const bills = `customer_number,name,language,currency,amount,due_date,email,phone
C-1,Kim,ko,KRW,1000,2026-11-25,kim@example.com,010-1234-5678
C-2,Lee,ko,KRW,2000,2026-11-25,lee@example.com,010-2222-3333
C-3,=Park(),en,USD,30.50,2026-11-25,park@example.com,
C-4,Choi,ko,KRW,4000,2026-11-25,choi@example.com,
C-5,Jung,ko,KRW,5000,2026-11-25,jung@example.com,
C-6,Kang,ko,KRW,6000,2026-11-25,kang@example.com,
C-7,Cho,ko,KRW,7000 won,2026-11-25,cho@example.com,
C-8,Yoon,ko,KRW,8000,2026-11-25,yoon@example.com,
`

// world is a month with several kinds of bills, on a real database, and the use cases of somebody who asks.
type world struct {
	t        *testing.T
	db       *sqlx.DB
	cipher   port.Cipher
	clock    observe.Clock
	policies billing.Policies
	useCases operatorapp.UseCases
}

func by(actor string) port.Act {
	return port.Act{Actor: actor, Reason: "a test", ApprovedBy: "the boss", At: time.Now()}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := postgrestest.URL(t)
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := crypto.New(keyset)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: postgrestest.OpenURL(t, url), cipher: cipher}
	app := fxtest.New(t, operatorapp.CustomerBills(config.CustomerBills{
		Operator: config.Operator{
			Database: config.Database{URL: url, MaxConns: 4, StatementTimeout: 20 * time.Second, LockTimeout: 10 * time.Second},
			Log:      config.Log{Level: "error", Format: "text"},
		},
		Keys: config.Keys{Keyset: string(keyset)},
	}), fx.Invoke(func(d operatorapp.UseCases) { w.useCases = d }))
	app.RequireStart()
	t.Cleanup(app.RequireStop)
	w.activate()
	w.importAndRender()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// activate takes a policy of one e-mail and one SMS live.
func (w *world) activate() {
	w.t.Helper()
	spec, err := operatorapp.ReadPolicy(strings.NewReader(strings.Replace(goodPolicy, `"tries": 2`, `"tries": 1`, 1)))
	w.must(err)
	operator := operate.New(w.useCases.Acts, 0)
	drafted, err := operator.DraftPolicy(w.t.Context(), spec, by("drafter"))
	w.must(err)
	w.must(operator.ActivatePolicy(w.t.Context(), drafted.Ref(), false, by("approver")))
	versions, err := w.useCases.Acts.Policies.Versions(w.t.Context())
	w.must(err)
	w.policies = func(ref policy.Ref) (policy.Version, bool) { return versions[0], versions[0].Ref() == ref }
}

func (w *world) importAndRender() {
	w.t.Helper()
	watch := outage.New(w.clock, &memory.Log{})
	importer := importing.New(importing.Ports{
		Months: postgres.NewMonths(w.db), Imports: postgres.NewImports(w.db), Past: postgres.NewPastImports(w.db), Corrections: postgres.NewCorrections(w.db),
		Cipher: w.cipher, Clock: w.clock, Watch: watch,
	})
	_, err := importer.Import(w.t.Context(), importing.NewSource(importing.File{Name: "bills.csv"}, strings.NewReader(bills)), importing.Options{
		Rules: importing.Rules{Month: november, NotBefore: w.clock.Now().Add(-time.Minute), Zone: time.UTC}, By: by("importer"),
	})
	w.must(err)
	renders := postgres.NewRenders(w.db)
	waiting, _, err := renders.Next(w.t.Context(), november, port.Cursor{}, 100)
	w.must(err)
	var marks []port.RenderedBill
	for _, b := range waiting {
		if b.Target == w.target("C-8") {
			continue // stays as it is
		}
		sealed, err := statement.SealReference(port.StatementRef{Bucket: "b", Key: "2026-11/000000-ab"}, b.Target, w.cipher)
		w.must(err)
		marks = append(marks, port.RenderedBill{Target: b.Target, Version: b.Version, Statement: sealed})
	}
	_, err = renders.Mark(w.t.Context(), marks, 1, w.clock.Now())
	w.must(err)
}

func (w *world) target(customer string) key.Target {
	w.t.Helper()
	target, _, err := w.useCases.Acts.Report.Find(w.t.Context(), november, customer)
	w.must(err)
	return target.Key()
}

// dispatched makes a run.
func (w *world) dispatched() {
	w.t.Helper()
	runner, err := dispatch.New(dispatch.Ports{
		Targets: postgres.NewTargets(w.db), Backlog: postgres.NewBacklog(w.db), Months: postgres.NewMonths(w.db), Policies: postgres.NewPolicies(w.db),
		Control: postgres.NewControl(w.db), ChannelHalts: postgres.NewChannelHalts(w.db), Runs: postgres.NewRuns(w.db), Publisher: memory.NewBroker(1, w.clock).Publisher(), Clock: w.clock,
		Log: &memory.Log{}, Metrics: &memory.Metrics{}, Installation: postgres.NewInstallation(w.db),
	}, dispatch.Config{})
	w.must(err)
	_, err = runner.Run(w.t.Context(), november, by("scheduler"), nil)
	w.must(err)
}

// delivered claims the current key of a customer's bill, records what came of the call, and settles.
func (w *world) delivered(customer string, o attempt.Outcome) {
	w.t.Helper()
	ctx, token := w.t.Context(), attempt.Token{1}
	target, _, err := w.useCases.Acts.Report.Find(ctx, november, customer)
	w.must(err)
	version, _ := w.policies(target.State().Policy)
	ledger := postgres.NewLedger(w.db)
	_, err = ledger.Claim(ctx, []attempt.Claim{{
		Key: target.Delivery(), Token: token, Provider: "smtp", Lease: time.Hour,
		Facts: attempt.Facts{
			Channel: version.Steps("")[target.State().Step], Step: target.State().Step, PolicyID: version.Ref().ID, PolicyVersion: version.Ref().Version,
			RunID: target.State().RunID, Unknown: attempt.Hold,
		},
	}})
	w.must(err)
	o.Key, o.Token, o.FinishedAt = target.Delivery(), token, w.clock.Now()
	_, err = ledger.Record(ctx, []attempt.Outcome{o})
	w.must(err)
	w.must(w.useCases.Acts.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		locked, err := tx.Lock(ctx, []key.Target{target.Key()})
		if err != nil {
			return err
		}
		settled, err := settle.Within{Tx: tx, Policies: w.policies, Clock: w.clock}.Settle(ctx, locked)
		if err != nil {
			return err
		}
		return tx.Save(ctx, settled)
	}))
}

// live brings each customer's bill to where its story is.
func (w *world) live() {
	w.t.Helper()
	ctx, operator := w.t.Context(), operate.New(w.useCases.Acts, 0)
	w.must(operator.Suppress(ctx, port.Contact{UserID: w.target("C-5").UserID, Channel: "EMAIL"}, policy.ScopeAll, by("call centre")))
	w.dispatched()
	w.delivered("C-1", attempt.Outcome{State: attempt.Succeeded, ProviderMessageID: "<1@relay>"})
	_, err := postgres.NewReports(w.db).Store(ctx, []report.Report{{
		Key: key.Delivery{Month: november, UserID: w.target("C-1").UserID}, Provider: "smtp", ID: "1", Kind: report.Undelivered, Class: attempt.Permanent,
		Definitive: true, Code: "5.1.1", Detail: "550 5.1.1 no such user",
	}})
	w.must(err)
	w.delivered("C-2", attempt.Outcome{State: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused, Detail: "550 5.1.1 no such mailbox"})
	w.delivered("C-3", attempt.Outcome{State: attempt.Unknown, Reason: attempt.ReasonNoAnswer, Detail: "the line broke"})
	_, err = operator.Cancel(ctx, w.target("C-4"), by("call centre"))
	w.must(err)
	w.delivered("C-6", attempt.Outcome{State: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused, Detail: "550 5.1.1 no such mailbox"})
	w.dispatched() // nothing is left for C-6
}

func said(s story.Story) string {
	text := s.Headline
	for _, line := range s.Lines {
		text += "\n" + line.Text
	}
	return text + "\n" + s.Next.Text
}

func TestTheStoriesOfAMonthOnARealDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	for customer, wants := range map[string][]string{
		"C-1": {"accepted by the e-mail gateway", "Imported from bills.csv, line 2, by importer", "into the pack 2026-11/000000-ab", "e-mail (k***@example.com), SMS (010-****-5678) and AlimTalk (010-****-5678)", "message id is <1@relay>", "by run 1 of scheduler", "never sent again", `smtp reported on`, `it was not delivered, for good on this channel; its code is 5.1.1; it said: "550 5.1.1 no such user"; policy 1 v1 only notes that`, "On the suppression list for e-mail since"},
		"C-2": {"refused for good on this channel", `"550 5.1.1 no such mailbox"`, "SMS"},
		"C-3": {"may have been delivered", `"the line broke"`, "balsong target delivered"},
		"C-4": {"was cancelled", "cancel, by call centre: a test (noted as approved by the boss)", "because it was cancelled"},
		"C-5": {"is paused (PAUSED, suppressed)", "On the suppression list for e-mail", "suppress, by call centre: a test", `by the rule "suppressed"`},
		"C-6": {"every step of its route was refused (EXHAUSTED)", "no step of its route was left", "postal mailing"},
		"C-8": {"not rendered yet", "waits to be rendered"},
	} {
		s, err := w.useCases.Answers.Why(t.Context(), november, customer)
		if err != nil {
			t.Errorf("%s: %v", customer, err)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(said(s), want) {
				t.Errorf("%s: it does not say %q:\n%s", customer, want, said(s))
			}
		}
		if document, err := json.Marshal(s); err != nil || strings.Contains(string(document)+said(s), "kim@") || strings.Contains(said(s), "1234-5678") {
			t.Errorf("%s: a destination in clear, or no JSON (%v):\n%s", customer, err, document)
		}
	}
	for customer, want := range map[string]string{"C-7": "its row was refused at the import", "C-99": `Customer "C-99" has no bill`} {
		_, err := w.useCases.Answers.Why(t.Context(), november, customer)
		var none *answer.NoBill
		if !errors.As(err, &none) || !errors.Is(err, port.ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", customer, err)
		}
	}
}

func TestTheStatusSaysWhatIsHeldAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	s, err := w.useCases.Answers.Status(t.Context(), nil, 5)
	if err != nil || len(s.Months) != 1 {
		t.Fatalf("%+v: %v", s, err)
	}
	m := s.Months[0]
	if s.Policy != "1 v1" || s.Halted || s.Lag != nil || !strings.Contains(s.LagProblem, "BALSONG_KAFKA_BROKERS") || s.Suppressions != 2 { // by the call centre, and by the report about C-1
		t.Errorf("the status is %+v", s)
	}
	if m.Imported != 7 || m.Rejected != 1 || m.Rendered != 6 || m.NotRendered != 1 || m.Dispatch[billing.Unknown] != 1 || m.Paused[billing.PauseSuppressed] != 1 {
		t.Errorf("the month is %+v", m)
	}
	if len(m.Runs) != 2 || m.Runs[0].ID != 2 || m.Runs[1].CreatedBy != "scheduler" || m.Runs[1].ApprovedBy != "the boss" || m.Runs[1].Unrendered != 1 || m.Runs[1].Published != 5 {
		t.Errorf("the runs are %+v", m.Runs)
	}
	advice := strings.Join(s.Next, "\n")
	for _, want := range []string{"render 1 bill:", "1 is UNKNOWN", "1 is PAUSED (suppressed)"} {
		if !strings.Contains(advice, want) {
			t.Errorf("the advice does not say %q:\n%s", want, advice)
		}
	}
	if _, err := w.useCases.Answers.Status(t.Context(), []key.Month{november + 1}, 1); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a month that was never opened: %v", err)
	}
}

func TestTheUnreachedAreExportedForThePaperRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	var file bytes.Buffer
	s, err := w.useCases.Answers.Unreached(t.Context(), november, &file, answer.UnreachedOptions{})
	w.must(err)
	rows, err := csv.NewReader(bytes.NewReader(file.Bytes())).ReadAll()
	w.must(err)
	var got []string
	for _, row := range rows[1:] {
		if called := row[8] != ""; called != strings.HasPrefix(row[12], "2026-11/") || called != strings.Contains(row[11], "T") { // by which the provider can be asked
			t.Errorf("the last try by %q has the delivery key %q, at %q", row[8], row[12], row[11])
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s", row[0], row[1], row[4], row[6], row[7]))
	}
	want := []string{
		"C-1 Kim 1000 SUCCEEDED accepted and reported as not delivered: permanent; the policy only notes that",
		"C-3 '=Park() 30.50 UNKNOWN may have arrived: no answer is known", "C-4 Choi 4000 CANCELLED cancelled by an operator",
		"C-5 Jung 5000 PAUSED suppressed", "C-6 Kang 6000 EXHAUSTED every step refused, last: permanent",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the file has\n%q, want\n%q", got, want)
	}
	if s.Written != 5 || s.Noted != 1 || s.OnTheWay != 2 || s.Rejected != 1 || strings.Contains(file.String(), "@example.com") {
		t.Errorf("the summary is %+v of\n%s", s, file.String())
	}
	file.Reset()
	s, err = w.useCases.Answers.Unreached(t.Context(), november, &file, answer.UnreachedOptions{OnTheWay: true, Destinations: true})
	if err != nil || s.Written != 7 || s.OnTheWay != 2 || !strings.Contains(file.String(), "yoon@example.com") || !strings.Contains(file.String(), "destination_sms") {
		t.Errorf("with everything: %+v, %v\n%s", s, err, file.String())
	}
}
