package kubecheck

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// request is what the guide asks kubectl for.
type request struct {
	args  []string
	stdin string
}

// value returns what an option is given.
func (r request) value(option string) string {
	for i, arg := range r.args {
		if value, is := strings.CutPrefix(arg, option+"="); is {
			return value
		}
		if arg == option && i+1 < len(r.args) {
			return r.args[i+1]
		}
	}
	return ""
}

// stand is a kubectl that writes down what it is asked, refuses what $REFUSE is found in, and answers as kubectl does where it makes an
// object without sending it.
const stand = `date() { echo 1; }
kubectl() {
  local at=$ASKED/$EPOCHREALTIME-$BASHPID
  printf '%s\0' "$@" >"$at"
  [[ " $* " != *" -f - "* ]] || cat >"$at.in"
  [[ -z $REFUSE || $* != *"$REFUSE"* ]] || return 5
  [[ $* != *" --dry-run=client "* ]] || made "$@"
}
made() {
  local kind=ConfigMap name=$3 value=x from
  [ "$2" != secret ] || { kind=Secret name=$4 value=eA==; }
  echo "{apiVersion: v1, kind: $kind, metadata: {name: $name, namespace: balsong}, data: {"
  for from in "$@"; do [[ $from != --from-file=*=* ]] || { from=${from#*=}; echo "${from%%=*}: $value,"; }; done
  echo "}}"
}
`

// edit is what the guide lets a person do by hand before it continues.
const edit = `address=$(sed -n 's/^ *DATABASE_URL: //p' deploy/kubernetes/restored/database.yaml)
sed -i "s|DATABASE_URL: .*|DATABASE_URL: ${address//&/\\&}|" deploy/kubernetes/config.yaml
`

var (
	blockOf = regexp.MustCompile("(?s)\n```(?:sh|bash)\n(.*?)```")
	inText  = regexp.MustCompile("`(kubectl [^`]*-n balsong[^`]*)`")
)

// ask runs the blocks of the guide one after the other, and the commands in its sentences, in a copy of the manifests. Where refuse is
// found in a command, that fails, and the blocks are pasted by somebody who does not look. Else every command must succeed.
func ask(root, refuse string) (asked []request, said string, err error) {
	dir, err := os.MkdirTemp("", "kubecheck")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	guide, err := os.ReadFile(filepath.Join(root, "docs/guides/kubernetes.md"))
	if err != nil {
		return nil, "", err
	}
	for _, name := range []string{"deploy/kubernetes", "deploy/prometheus"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			return nil, "", err
		}
	}
	script := stand + "set -u\n"
	if refuse == "" {
		script += "set -e\n"
	}
	for _, block := range blockOf.FindAllStringSubmatch(string(guide), -1) {
		if strings.Contains(block[1], "nothing is continued") {
			script += edit
		}
		script += block[1]
	}
	for _, command := range inText.FindAllStringSubmatch(string(guide), -1) {
		script += command[1] + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "policy.json"), nil, 0o600); err != nil {
		return nil, "", err
	}
	log := filepath.Join(dir, "asked")
	if err := os.Mkdir(log, 0o750); err != nil {
		return nil, "", err
	}
	bash := exec.Command("bash", "-c", script)
	bash.Dir, bash.Env = dir, append(os.Environ(), "ASKED="+log, "REFUSE="+refuse, "USER=somebody", "LC_ALL=C")
	output, err := bash.CombinedOutput()
	if err != nil && refuse == "" {
		return nil, "", fmt.Errorf("the blocks of docs/guides/kubernetes.md: %w: %s", err, output)
	}
	asked, err = readRequests(log)
	return asked, string(output), err
}

func readRequests(folder string) (asked []request, err error) {
	files, err := os.ReadDir(folder) // sorted by their time
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".in") {
			continue
		}
		args, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return nil, err
		}
		stdin, err := os.ReadFile(filepath.Join(folder, file.Name()+".in"))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		asked = append(asked, request{args: strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00"), stdin: string(stdin)})
	}
	return asked, nil
}
