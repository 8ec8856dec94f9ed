package operatorcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/policy"
)

// newPolicyDiff compares two versions, a version with the ACTIVE one, or a file with either.
func newPolicyDiff() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "diff [before] [after]", Args: cobra.MaximumNArgs(2), Short: "Show in which fields two policies differ",
		Long: "Show in which fields two policies differ: two versions; one version against the ACTIVE one; or a file against a version or the ACTIVE one.",
		Example: "  balsong policy diff 1v3               # what activating 1v3 would change\n" +
			"  balsong policy diff 1v2 1v3\n  balsong policy diff --file policy.json\n  balsong policy diff 1v2 --file policy.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			refs := make([]policy.Ref, len(args))
			for i, arg := range args {
				var err error
				if refs[i], err = policy.ParseRef(arg); err != nil {
					return cli.Usage(err)
				}
			}
			if len(refs) == 0 && file == "" || len(refs) == 2 && file != "" {
				return cli.Usagef("name what to compare: one or two versions, or --file and at most one version")
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				records, err := u.Acts.Policies.List(ctx)
				if err != nil {
					return err
				}
				before, after, err := sidesOf(cmd, records, refs, file)
				if err != nil {
					return err
				}
				expiring := ""
				if after.may {
					if expiring, err = operate.New(u.Acts, 0).Expiring(ctx, after.spec); err != nil {
						return err
					}
				}
				return diff(cmd, before, after, expiring)
			})
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return versions(cmd, policy.Draft, policy.Active, policy.Retired)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`file` or s3://bucket/key with a policy as JSON, as the one after; - is stdin")
	describe[config.Operator](cmd)
	return cmd
}

// side is one side of a comparison.
type side struct {
	name string
	spec policy.Spec
	may  bool // it may still be activated
}

// sidesOf are the two sides: what is named, in its order, and before one that stands alone the ACTIVE version.
func sidesOf(cmd *cobra.Command, records []port.PolicyRecord, refs []policy.Ref, file string) (before, after side, err error) {
	var sides []side
	for _, ref := range refs {
		found, err := pick(records, func(v policy.Version) bool { return v.Ref() == ref }, "policy "+shortRef(ref))
		if err != nil {
			return before, after, err
		}
		sides = append(sides, found)
	}
	if file != "" {
		spec, err := readPolicy(cmd, file)
		if err != nil {
			return before, after, fmt.Errorf("%s: %w", file, err)
		}
		sides = append(sides, side{file, spec, true})
	}
	if len(sides) == 2 {
		return sides[0], sides[1], nil
	}
	before, err = pick(records, func(v policy.Version) bool { return v.Status() == policy.Active }, "policy that is ACTIVE")
	return before, sides[0], err
}

// diff shows the differences; expiring is why the side after would not be activated.
func diff(cmd *cobra.Command, before, after side, expiring string) error {
	differences := policy.Diff(before.spec, after.spec)
	if differences == nil {
		differences = []policy.Difference{}
	}
	document := map[string]any{"before": before.name, "after": after.name, "differences": differences, "activation_refused": expiring}
	return cli.Answer(cmd, document, func(w io.Writer) {
		if len(differences) == 0 {
			fmt.Fprintf(w, "%s and %s say the same\n", before.name, after.name)
			return
		}
		fmt.Fprintf(w, "%s → %s\n", before.name, after.name)
		for _, d := range differences {
			fmt.Fprintf(w, "  %s\n    - %s\n    + %s\n", d.Field, d.Before, d.After)
		}
		if expiring != "" {
			fmt.Fprintf(w, "warning: activating %s is refused without --force: by its deadline %s\n", after.name, expiring)
		}
	})
}

func pick(records []port.PolicyRecord, is func(policy.Version) bool, what string) (side, error) {
	for _, r := range records {
		if is(r.Version) {
			return side{shortRef(r.Version.Ref()) + " (" + string(r.Version.Status()) + ")", r.Version.Spec(), r.Version.Status() == policy.Draft}, nil
		}
	}
	return side{}, fmt.Errorf("%w: there is no %s (`balsong policy list` shows what there is)", port.ErrNotFound, what)
}
