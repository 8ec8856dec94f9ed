package operatorcmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
)

const keysetHelp = `Make and rotate the keyset that seals addresses and statements. Only ids and states are ever
shown, never a key. Each step says what to do before the next one; the whole procedure is in
docs/operations/keys.md:

  add        a fresh key, which opens and does not seal yet; give the keyset to everybody
  promote    from now on the new key seals; the old ones still open
  usage      how many stored ciphertexts each key has sealed
  disable    a key no longer opens: what it sealed waits, and can be taken back (enable)
  remove     a disabled key is gone for good, and with it what it sealed

With --kms-key the file holds the keyset wrapped by that key of AWS KMS: it is unwrapped in
memory only.`

// newKeyset is the subcommand "keyset".
func newKeyset() *cobra.Command {
	cmd := &cobra.Command{Use: "keyset", Short: "Make and rotate the encryption keyset", Long: keysetHelp}
	cmd.AddCommand(newKeysetNew(), newKeysetShow(), newKeysetWrap(), newKeysetUsage(),
		newKeysetChange("add", "Add a fresh key, which opens and does not seal yet", addKey),
		newKeysetChange("promote", "Let a key seal from now on; the others still open", promoteKey),
		newKeysetChange("disable", "Take a key out of use: what it sealed waits until it is enabled again", disableKey),
		newKeysetChange("enable", "Take a disabled key into use again", enableKey),
		newKeysetChange("remove", "Destroy a disabled key: what it sealed can never be opened again", removeKey))
	return cmd
}

// keyChange changes a keyset and says what to do next.
type keyChange func(f keysetFile, plain []byte, id uint32) (changed []byte, next string, err error)

func newKeysetChange(use, short string, change keyChange) *cobra.Command {
	var f keysetFile
	var id uint32
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return f.change(ctx, cmd.OutOrStdout(), func(plain []byte) ([]byte, string, error) { return change(f, plain, id) })
		},
	}
	f.flags(cmd)
	if use != "add" {
		cmd.Flags().Uint32Var(&id, "id", 0, "`id` of the key, as balsong keyset show lists it (required)")
		cli.Require(cmd, "id")
	}
	return cmd
}

func addKey(f keysetFile, plain []byte, _ uint32) (changed []byte, next string, err error) {
	changed, id, err := crypto.AddKey(plain)
	return changed, fmt.Sprintf(`Key %d is added. It opens, and seals nothing yet.
Next:
  1. Give this keyset to every process that opens or seals: delivery first, then the batch. Delivery reads a file
     every 10 s and AWS every minute, and logs "the keyset has changed and is used from now on"; one that has its
     keyset in the environment must be restarted.
  2. When every delivery process has it: balsong keyset promote %s --id %d
`, id, f.arguments(), id), err
}

func promoteKey(f keysetFile, plain []byte, id uint32) (changed []byte, next string, err error) {
	if changed, err = crypto.Promote(plain, id); err != nil {
		return nil, "", err
	}
	var others []string
	for _, k := range mustKeys(changed) {
		if !k.Primary && k.Enabled {
			others = append(others, fmt.Sprint(k.ID))
		}
	}
	next = fmt.Sprintf("Key %d seals from now on.\n", id)
	if len(others) == 0 {
		return changed, next + "Next: give this keyset to the batch and to delivery.\n", nil
	}
	return changed, next + fmt.Sprintf(`Key %s still opens what it sealed.
Next:
  1. Give this keyset to the batch (it seals) and to delivery (it opens).
  2. Keep the older key until nothing it sealed is needed: no stored bill (balsong keyset usage %s), and no message:
     the topics keep them for 7 days (retention.ms of dispatch-requests.v1), dead letters for 30.
  3. Then: balsong keyset disable %s --id %s
`, strings.Join(others, ", "), f.arguments(), f.arguments(), others[0]), nil
}

func disableKey(f keysetFile, plain []byte, id uint32) (changed []byte, next string, err error) {
	changed, err = crypto.Disable(plain, id)
	return changed, fmt.Sprintf(`Key %d is disabled: what it sealed waits and nothing is lost.
Next:
  1. Give this keyset to delivery and the batch.
  2. If delivery logs that it waits for the part "keys", something sealed by %d is still under way:
     balsong keyset enable %s --id %d, and it goes on by itself.
  3. After some days without that: balsong keyset remove %s --id %d
`, id, id, f.arguments(), id, f.arguments(), id), err
}

func enableKey(_ keysetFile, plain []byte, id uint32) (changed []byte, next string, err error) {
	changed, err = crypto.Enable(plain, id)
	return changed, fmt.Sprintf("Key %d opens again what it sealed.\nNext: give this keyset to delivery and the batch; what waited goes on by itself.\n", id), err
}

func removeKey(_ keysetFile, plain []byte, id uint32) (changed []byte, next string, err error) {
	for _, k := range mustKeys(plain) {
		if k.ID == id && k.Enabled && !k.Primary {
			return nil, "", fmt.Errorf("key id %d is enabled: disable it first, let some days pass, and see that nothing waits for it", id)
		}
	}
	changed, err = crypto.Remove(plain, id)
	return changed, fmt.Sprintf("Key %d is gone. What it sealed can never be opened again; backups of the keyset still hold it.\nNext: give this keyset to delivery and the batch.\n", id), err
}

// mustKeys lists the keys of a keyset that is known to be valid.
func mustKeys(plain []byte) []crypto.KeyInfo {
	keys, _ := crypto.Keys(plain)
	return keys
}

func newKeysetNew() *cobra.Command {
	var f keysetFile
	cmd := &cobra.Command{
		Use: "new", Args: cli.NoArguments, Short: "Write a new keyset to a file that only you can read",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			plain, err := crypto.NewKeyset()
			if err != nil {
				return err
			}
			if err := f.create(ctx, plain); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "A keyset with key %d is in %s.\nNext: keep a copy where secrets are kept (what it seals can only be opened with it), and set %s.\n",
				mustKeys(plain)[0].ID, f.path, f.settings())
			return nil
		},
	}
	f.flags(cmd)
	return cmd
}

func newKeysetShow() *cobra.Command {
	var f keysetFile
	cmd := &cobra.Command{
		Use: "show", Args: cli.NoArguments, Short: "List the keys' ids and states",
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := f.keys(cmd.Context())
			if err != nil {
				return err
			}
			return cli.Answer(cmd, keyLines(keys), func(w io.Writer) {
				for _, k := range keyLines(keys) {
					fmt.Fprintf(w, "%10d  %s\n", k.ID, k.State)
				}
			})
		},
	}
	f.optionalFlags(cmd, orConfigured)
	cli.Describe(cmd, cli.Configuration[config.Keys]())
	return cmd
}

// keyLine is one key, as people and programs see it.
type keyLine struct {
	ID    uint32 `json:"id"`
	State string `json:"state"`
}

func keyLines(keys []crypto.KeyInfo) []keyLine {
	lines := make([]keyLine, 0, len(keys))
	for _, k := range keys {
		state := "opens"
		switch {
		case k.Primary:
			state = "seals and opens (primary)"
		case !k.Enabled:
			state = "disabled: what it sealed waits"
		}
		lines = append(lines, keyLine{ID: k.ID, State: state})
	}
	return lines
}

func newKeysetWrap() *cobra.Command {
	var f keysetFile
	cmd := &cobra.Command{
		Use: "wrap", Args: cli.NoArguments, Short: "Wrap the keyset in a file with a key of AWS KMS",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if f.kmsKey == "" {
				return cli.Usagef("--kms-key is missing: the ARN, id or alias/… of the key")
			}
			plain := f
			plain.kmsKey = ""
			keyset, before, err := plain.read(ctx)
			if err != nil {
				return err
			}
			if _, err := crypto.Keys(keyset); err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
			if err := f.replace(ctx, keyset, before); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The keyset in %s is wrapped by %s.\nNext: set %s, allow kms:Decrypt on that key, and destroy every copy that is not wrapped.\n",
				f.path, f.kmsKey, f.settings())
			return nil
		},
	}
	f.flags(cmd)
	return cmd
}

// settled checks that a change left a keyset that can be used.
func settled(changed []byte) error {
	_, err := crypto.New(changed)
	return err
}
