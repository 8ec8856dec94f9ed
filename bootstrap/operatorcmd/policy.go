package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/policy"
)

const policyHelp = `A policy says how bills go out: the route, quiet hours, pauses, deadline. It is a family of versions; one version is ACTIVE
overall. A version never changes; what was dispatched keeps the version that bound it.

The usual order: check a file, store it with draft, look at diff, then activate it. docs/operations/policy.md lists every field of the file.`

// newPolicy is the subcommand "policy".
func newPolicy() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Check, draft, compare, activate and list dispatch policies", Long: policyHelp}
	cmd.AddCommand(newPolicyCheck(), newPolicyDraft(), newPolicyDiff(), newPolicyActivate(), newPolicyList())
	return cmd
}

// readPolicy reads a policy file.
func readPolicy(cmd *cobra.Command, path string) (policy.Spec, error) {
	file, err := openNamed(cmd, path)
	if err != nil {
		return policy.Spec{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return operatorapp.ReadPolicy(file)
}

func newPolicyCheck() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "check", Args: cli.NoArguments, Short: "List everything that is wrong with a policy file; nothing is stored",
		Example: "  balsong policy check --file policy.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := readPolicy(cmd, file)
			var invalid *policy.Invalid
			if err != nil && !errors.As(err, &invalid) {
				return err
			}
			document := struct {
				Works    bool             `json:"works"`
				Problems []policy.Problem `json:"problems"`
			}{Works: invalid == nil, Problems: []policy.Problem{}}
			if invalid != nil {
				document.Problems = invalid.Problems
			}
			answered := cli.Answer(cmd, document, func(w io.Writer) {
				if document.Works {
					fmt.Fprintf(w, "%s can work: `balsong policy draft --file %s` stores it\n", file, file)
				}
				for _, p := range document.Problems {
					line := ""
					if p.Line > 0 {
						line = fmt.Sprintf("line %d", p.Line)
					}
					fmt.Fprintf(w, "  %-8s %-24s %s\n", line, p.Field, p.Reason)
				}
			})
			if invalid != nil {
				return errors.Join(fmt.Errorf("%s: %w, problems: %d", file, policy.ErrInvalid, len(invalid.Problems)), answered)
			}
			return answered
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`file` or s3://bucket/key with the policy, as JSON; - is stdin (required)")
	cli.Require(cmd, "file")
	cli.Describe(cmd, exitCodes)
	return cmd
}

func newPolicyDraft() *cobra.Command {
	a := &actFlags{}
	var file string
	cmd := &cobra.Command{
		Use: "draft", Args: cli.NoArguments, Short: "Store a policy file as a new version, a DRAFT",
		Example: "  balsong policy draft --file policy.json --reason \"SMS first from December on\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := readPolicy(cmd, file)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				v, err := o.DraftPolicy(ctx, spec, a.Act())
				if err != nil {
					return err
				}
				ref := shortRef(v.Ref())
				return cli.Answer(cmd, map[string]any{"policy": ref, "id": v.Ref().ID, "version": v.Ref().Version, "status": v.Status()}, func(w io.Writer) {
					fmt.Fprintf(w, "policy %s is a DRAFT; `balsong policy diff %s` shows what would change, `balsong policy activate %s --reason …` takes it live\n", ref, ref, ref)
				})
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`file` or s3://bucket/key with the policy, as JSON; - is stdin (required)")
	cli.Require(cmd, "file")
	a.flags(cmd)
	return cmd
}

func newPolicyActivate() *cobra.Command {
	a := &actFlags{}
	var ref policy.Ref
	var force bool
	cmd := &cobra.Command{
		Use: "activate <version>", Args: cobra.MaximumNArgs(1), Short: "Take a DRAFT live and retire the version before",
		Long: "Take a DRAFT live and retire the version before. Where bills of an open month have passed the deadline that it gives them, and not\n" +
			"the one they had, this is refused: the next run would end them as EXPIRED, for good. --force activates it all the same.",
		Example: "  balsong policy activate 1v3 --reason \"SMS first from December on\" --approved-by lee",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) == 1 {
				if ref, err = policy.ParseRef(args[0]); err != nil {
					return cli.Usage(err)
				}
			}
			if ref.ID < 1 || ref.Version < 1 {
				return cli.Usagef("name the version, as in `balsong policy activate 1v3` (`balsong policy list` shows them)")
			}
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.ActivatePolicy(ctx, ref, force, a.Act()), "policy "+shortRef(ref)+" is ACTIVE; what was dispatched before keeps its own version")
			})
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return versions(cmd, policy.Draft)
		},
	}
	cmd.Flags().Int64Var(&ref.ID, "id", 0, "the policy's number, instead of the argument")
	cmd.Flags().Int32Var(&ref.Version, "version", 0, "its version, instead of the argument")
	cmd.Flags().BoolVar(&force, "force", false, "activate it although bills of an open month then expire")
	a.flags(cmd)
	return cmd
}

// policyDocument is a policy version, for programs.
type policyDocument struct {
	Policy     string        `json:"policy"`
	Status     policy.Status `json:"status"`
	Name       string        `json:"name"`
	Route      string        `json:"route"`
	QuietHours string        `json:"quiet_hours"`
	CreatedBy  actDocument   `json:"created_by"`
	ApprovedBy *actDocument  `json:"approved_by"`
	RetiredAt  time.Time     `json:"retired_at,omitzero"`
}

type actDocument struct {
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func newPolicyList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Args: cli.NoArguments, Short: "List every version, DRAFTs included, with who wrote it and who let it go live",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				records, err := u.Acts.Policies.List(ctx)
				if err != nil {
					return err
				}
				documents := make([]policyDocument, len(records))
				for i, r := range records {
					documents[i] = listedPolicy(r)
				}
				return cli.Answer(cmd, documents, func(w io.Writer) {
					if len(documents) == 0 {
						fmt.Fprintln(w, "there is no policy yet: `balsong policy draft --file …`")
					}
					for _, p := range documents {
						printPolicy(w, p, answer.ZoneOf(records))
					}
				})
			})
		},
	}
	describe[config.Operator](cmd)
	return cmd
}

func listedPolicy(r port.PolicyRecord) policyDocument {
	v := r.Version
	document := policyDocument{
		Policy: shortRef(v.Ref()), Status: v.Status(), Name: v.Name(), Route: v.Spec().Route.String(), QuietHours: v.QuietHours().String(),
		CreatedBy: actDocument{r.CreatedBy.Actor, r.CreatedBy.Reason, r.CreatedBy.At}, RetiredAt: r.RetiredAt,
	}
	if r.ApprovedBy.Actor != "" {
		document.ApprovedBy = &actDocument{r.ApprovedBy.Actor, r.ApprovedBy.Reason, r.ApprovedBy.At}
	}
	return document
}

func printPolicy(w io.Writer, p policyDocument, zone *time.Location) {
	fmt.Fprintf(w, "%-6s %-8s %s: %s, quiet hours %s\n", p.Policy, p.Status, p.Name, p.Route, p.QuietHours)
	fmt.Fprintf(w, "         drafted %s by %s: %s\n", answer.Clock(p.CreatedBy.At, zone), p.CreatedBy.Actor, p.CreatedBy.Reason)
	if p.ApprovedBy != nil {
		fmt.Fprintf(w, "         live %s, approved by %s: %s\n", answer.Clock(p.ApprovedBy.At, zone), p.ApprovedBy.Actor, p.ApprovedBy.Reason)
	}
	if !p.RetiredAt.IsZero() {
		fmt.Fprintf(w, "         retired %s\n", answer.Clock(p.RetiredAt, zone))
	}
}
