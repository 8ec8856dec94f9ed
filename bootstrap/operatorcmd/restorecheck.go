package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/wording"
)

// restoring are the flags of the subcommand "restore-check".
type restoring struct {
	cli.By
	restoredTo, since             time.Time
	apply, allowGap, allowChanges bool
}

// newRestoreCheck is the subcommand "restore-check".
func newRestoreCheck() *cobra.Command {
	a := &restoring{}
	cmd := &cobra.Command{
		Use: "restore-check", Args: cli.NoArguments, Short: "After the database was restored to an earlier moment: write what the event log knows",
		Long: "After the database was restored to an earlier moment (a point-in-time restore, or a failover to an asynchronous standby), bills that gateways\n" +
			"accepted since then look as if they had never been sent. Run this before anything else touches the database: it reads the event log and writes\n" +
			"into the ledger what became of each delivery; a delivery without a known outcome becomes UNKNOWN, and is not sent again.\n\n" +
			"Stop every service and every run first (docs/operations/restore.md). Without --apply it changes nothing and says what it would do; it stops nothing either.\n" +
			"With --apply it halts everything (`balsong resume` lifts that, when you have read what it found) and refuses to work beside any other program of\n" +
			"Balsong, as far as that can be seen. Import, correct and cancel nothing before it has ended. Safe to run twice; run it again after it was killed, and after you have imported lost files again.",
		Example: "  balsong restore-check --restored-to 2026-11-25T09:40:00+09:00\n" +
			"  balsong restore-check --restored-to 2026-11-25T09:40:00+09:00 --apply --reason \"restored after a dropped table, ticket 4711\"",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	a.ActorFlags(cmd, "", "why (required with --apply; recorded)")
	a.ApproverFlag(cmd)
	describe[config.RestoreCheck](cmd)
	flags := cmd.Flags()
	cli.InstantFlag(flags, &a.restoredTo, "restored-to", "the `instant` to which the database was restored, as in 2026-11-25T09:40:00+09:00 (required)")
	cli.InstantFlag(flags, &a.since, "since", "read the event log only from this `instant` on; without it all that the topics hold, which is safer: a request may lie in its topic for days")
	flags.BoolVar(&a.apply, "apply", false, "halt everything and write; without it nothing is changed")
	flags.BoolVar(&a.allowGap, "allow-gap", false, "continue although the event log no longer reaches back to --restored-to: what was sent between may be sent again")
	flags.BoolVar(&a.allowChanges, "allow-changes", false, "continue although people worked with the database since --restored-to, before the check: customers of an import may have user ids of lost ones, and then count as served; bills that were corrected, cancelled or decided about may go out again")
	cli.Require(cmd, "restored-to")
	return cmd
}

func (a *restoring) run(cmd *cobra.Command) error {
	switch {
	case a.apply && !a.Named():
		return cli.Usage(operate.ErrNoReason)
	case a.restoredTo.After(time.Now()):
		return cli.Usagef("--restored-to %s lies in the future", a.restoredTo.Format(time.RFC3339))
	case a.since.After(a.restoredTo):
		return cli.Usagef("--since %s lies after --restored-to: what was lost begins there", a.since.Format(time.RFC3339))
	}
	return cli.Once(cmd, operatorapp.RestoreCheck, func(ctx context.Context, _ config.RestoreCheck, c *restorecheck.Checker) error {
		if _, err := c.Guard.Sessions(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		told := &told{teller: progress.On(cmd.ErrOrStderr())}
		report, err := c.Run(ctx, restorecheck.Options{
			RestoredTo: a.restoredTo, Since: a.since, Apply: a.apply, AllowGap: a.allowGap, AllowChanges: a.allowChanges, By: a.Act(), Progress: told.tell,
		})
		told.end()
		if err != nil && !errors.Is(err, billing.ErrRefused) {
			return err
		}
		return errors.Join(cli.Answer(cmd, report, func(w io.Writer) { printRestoreCheck(w, report) }), err)
	})
}

// told is the progress of one work after the other.
type told struct {
	teller progress.Teller
	name   string
	work   *progress.Work
}

func (t *told) tell(name, unit string, done int64) {
	if name != t.name {
		t.end()
		t.name, t.work = name, t.teller.Begin(name, unit, 0)
	}
	t.work.Set(done)
}

func (t *told) end() {
	if t.work != nil {
		t.work.End()
	}
}

// printRestoreCheck says what was found, and what is left to a person.
func printRestoreCheck(w io.Writer, r restorecheck.Report) {
	printLog(w, r)
	verb := "would be written"
	if r.Applied {
		verb = "were written"
	}
	fmt.Fprintf(w, "ledger rows that %s: %s\n", verb, counts(attempt.States, r.Rows))
	if r.Applied {
		fmt.Fprintf(w, "bills that changed: %s\n", counts(billing.Statuses, r.Targets))
		fmt.Fprintf(w, "%s a later delivery key; %d of them PAUSED (restored), because what happened to an earlier one is not known\n", wording.Count(r.Moved, "bill took", "bills took"), r.Held)
	}
	fmt.Fprintln(w, "left to do:")
	for _, text := range left(r) {
		fmt.Fprintln(w, "  - "+text)
	}
}

// printLog says what was read.
func printLog(w io.Writer, r restorecheck.Report) {
	for _, topic := range r.Topics {
		reach := "from its beginning"
		if !topic.From.IsZero() {
			reach = "complete since " + topic.From.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s: %s read, %s\n", topic.Topic, wording.Count(int(topic.Messages), "message", "messages"), reach)
	}
	if r.Undecodable > 0 {
		fmt.Fprintf(w, "%s no delivery and told nothing\n", wording.Count(r.Undecodable, "message names", "messages name"))
	}
	if r.Implausible > 0 {
		fmt.Fprintf(w, "%s a delivery that cannot be (month, user id, attempt, round or step), and told nothing: damaged, or written by somebody else\n", wording.Count(r.Implausible, "message names", "messages name"))
	}
	if r.Gap {
		fmt.Fprintf(w, "THE LOG DOES NOT REACH BACK to %s: what was sent between then and %s is not known and may be sent again\n", r.RestoredTo.UTC().Format(time.RFC3339), r.From.UTC().Format(time.RFC3339))
	}
	for _, topic := range r.Removed {
		fmt.Fprintf(w, "REMOVED WHILE IT WAS READ: %s of %s before %s, by the topic's retention: what they told is not in the ledger\n", wording.Count(int(topic.Messages), "message", "messages"), topic.Topic, topic.From.UTC().Format(time.RFC3339))
	}
	for _, i := range r.Imports {
		fmt.Fprintf(w, "IMPORTED BEFORE THE CHECK: import %d of %s (%s) at %s: its new customers may have user ids of lost ones\n", i.ID, i.Month, i.File, i.StartedAt.UTC().Format(time.RFC3339))
	}
	for _, a := range r.Acts {
		fmt.Fprintf(w, "DONE BEFORE THE CHECK: %d × %q, the first one of %s at %s: what was sent before it may go out a second time\n", a.Acts, a.Action, a.Subject, a.At.UTC().Format(time.RFC3339))
	}
}

// left is what a person has to do before the halt is lifted.
func left(r restorecheck.Report) (left []string) {
	for _, who := range r.Running {
		left = append(left, "stop what is running: "+who)
	}
	switch {
	case !r.Complete && r.RemovedGap:
		left = append(left, "messages of the lost period were removed while they were read: restore the database to a later moment, or run this again with --allow-gap")
	case !r.Complete && len(r.Imports)+len(r.Acts) > 0:
		left = append(left, "the check was refused, because people worked with the database before it had ended (see the error): restore the database again, and check it first")
	case !r.Complete:
		left = append(left, "the check was refused before its end (see the error): run it again once the reason is gone")
	case !r.Applied:
		left = append(left, "nothing was changed: run it again with --apply --reason")
	}
	again := "import the files of that time again, then run this again"
	if !r.Applied || !r.Complete { // until then new customers get the user ids of lost ones
		again = "import the files of that time again, but only after this has ended with --apply"
	}
	for _, m := range r.Months {
		if m.Bills > 0 {
			left = append(left, fmt.Sprintf("%s: %s not in the database: %s", m.Month, wording.Count(m.Bills, "bill of the log is", "bills of the log are"), again))
		}
		if m.Copies > 0 {
			left = append(left, fmt.Sprintf("%s: %s not in the database: if one is asked for again, it has gone out already", m.Month, wording.Count(m.Copies, "copy of the log is", "copies of the log are")))
		}
	}
	if r.HeldNew > 0 {
		left = append(left, fmt.Sprintf("%s PAUSED (restored): they are of new customers, whom nothing connects with those who were served before the restore; resume who was not (`balsong target resume`)", wording.Count(r.HeldNew, "imported bill is", "imported bills are")))
	}
	if r.HeldImplausible > 0 {
		left = append(left, fmt.Sprintf("%s PAUSED (restored), because messages that cannot be name them: ask the gateway, then resume who got nothing (`balsong target resume`)", wording.Count(r.HeldImplausible, "bill is", "bills are")))
	}
	if len(r.PolicyNames) > 0 {
		left = append(left, fmt.Sprintf("policy versions that the log names and the database does not have: %s: activate them again (`balsong policy`), then run this again; %d bills wait for them", strings.Join(r.PolicyNames, ", "), r.WithoutPolicy))
	}
	if r.Applied && r.Complete {
		left = append(left,
			"repeat what people did since "+r.RestoredTo.UTC().Format(time.RFC3339)+": corrections, cancellations, suppressions, policies, closed months",
			"look at what is UNKNOWN (`balsong status`), then lift the halt: `balsong resume`")
	}
	return left
}

// counts lists what there is of each, in order.
func counts[K ~string](order []K, of map[K]int) string {
	var parts []string
	for _, k := range order {
		if of[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of[k], k))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(slices.Clip(parts), ", ")
}
