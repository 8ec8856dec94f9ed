package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sources are the paths that decide what is in an image.
var sources = []string{"LICENSE", "NOTICE", "deploy/Dockerfile", "domain", "application", "adapters", "migrations", "bootstrap"}

// Checkout are the Dockerfile's arguments that git knows: the commit, and its time as the time of creation, which every checkout
// of the commit has. Sources that are not committed are told by the revision. Outside of a checkout there is none, and the
// defaults of the Dockerfile hold.
func Checkout(ctx context.Context, root string) (Arguments, error) {
	if _, err := os.Stat(filepath.Join(root, ".git")); errors.Is(err, os.ErrNotExist) {
		return Arguments{}, nil
	}
	said, err := git(ctx, root, "log", "-1", "--format=%H %ct")
	if err != nil {
		return nil, err
	}
	changed, err := git(ctx, root, append([]string{"status", "--porcelain", "--"}, sources...)...)
	if err != nil {
		return nil, err
	}
	revision, seconds, _ := strings.Cut(said, " ")
	created, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("git log: %w", err)
	}
	if changed != "" {
		revision += "+dirty"
	}
	return Arguments{"REVISION": revision, "CREATED": time.Unix(created, 0).UTC().Format(time.RFC3339)}, nil
}

func git(ctx context.Context, root string, arguments ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, arguments...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", arguments[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
