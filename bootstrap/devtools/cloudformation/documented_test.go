package cloudformation_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const docs = "../../../docs"

var (
	fenced   = regexp.MustCompile("(?s)\n```(?:sh|bash)\n(.*?)```")
	indented = regexp.MustCompile(`(?m)(?:^    .*\n)+`)
	inline   = regexp.MustCompile("`(aws [a-z0-9-]+ [^`]+)`")
)

// Each command of AWS that a page of the documentation has is one that AWS's command line knows, with options that it knows; one that stands in a block has
// all that it needs.
func TestTheCommandsOfAWSInTheDocumentationExist(t *testing.T) {
	t.Parallel()
	tool(t, "BALSONG_TEST_AWS")
	var whole, named strings.Builder
	pages := 0
	err := filepath.WalkDir(docs, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "aws ") {
			return err
		}
		pages++
		var blocks strings.Builder // of one page, in one shell: what one sets the next one has
		for _, block := range append(fenced.FindAllString(string(text), -1), indented.FindAllString(string(text), -1)...) {
			block = regexp.MustCompile("```.*").ReplaceAllString(block, "")
			if regexp.MustCompile(`\baws [a-z]`).MatchString(block) {
				blocks.WriteString(block)
			}
		}
		if blocks.Len() > 0 {
			whole.WriteString(asks(t, blocks.String()))
		}
		for _, mention := range inline.FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(mention[1], "aws logs tail ") {
				continue // version 2 of the command line has it, and the one for tests is version 1
			}
			arguments, err := json.Marshal(strings.Fields(mention[1])[1:])
			if err != nil {
				return err
			}
			named.WriteString(string(arguments) + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, m := strings.Count(whole.String(), "\n"), strings.Count(named.String(), "\n"); pages < 5 || n < 20 || m < 8 {
		t.Errorf("only %d pages, with %d commands and %d that are mentioned", pages, n, m)
	}
	for _, refused := range []string{refusedByAWS(t, whole.String()), refusedByAWS(t, named.String(), "--named")} {
		if refused != "" {
			t.Error(refused)
		}
	}
}

// asks is what commands would ask AWS. Nothing else that they name is there to be run.
func asks(t *testing.T, commands string) string {
	t.Helper()
	dir := t.TempDir()
	jq, err := exec.LookPath("jq")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "aws"), []byte("#!/bin/bash\n"+jq+" -cn '$ARGS.positional' --args -- \"$@\" >>"+dir+"/asked\ncase $* in *VersionId*) echo 00000000-0000-0000-0000-000000000001 ;; *create-topic*) echo arn:aws:sns:ap-northeast-2:123456789012:balsong ;; *request-certificate*) echo arn:aws:acm:ap-northeast-2:123456789012:certificate/1 ;; *) echo 1 ;; esac\n"), 0o700)
	}
	if date, found := exec.LookPath("date"); err == nil && found == nil {
		err = os.Symlink(date, filepath.Join(dir, "date"))
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "/bin/bash", "-c", commands)
	run.Dir, run.Env = dir, []string{"PATH=" + dir, "BALSONG_NAME=balsong", "NAME=balsong", "USER=somebody"}
	_ = run.Run() // most of it is not there
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil {
		t.Errorf("nothing is asked by %s", commands)
	}
	return string(asked)
}

func TestACommandThatAWSDoesNotKnowIsFound(t *testing.T) {
	t.Parallel()
	tool(t, "BALSONG_TEST_AWS")
	for request, want := range map[string]string{
		`["ecs","update-services","--cluster","balsong"]`: "update-services", `["rds","describe-db-instances","--db-instance","balsong","--quiet"]`: "--quiet",
		`["scheduler","get-schedule","--group-name","balsong"]`: "get-schedule", `["ecs","wait","services-steady"]`: "services-steady",
	} {
		if refused := refusedByAWS(t, request+"\n"); !strings.Contains(refused, "refused: ") || !strings.Contains(refused, want) {
			t.Errorf("%s: %s", request, refused)
		}
	}
	if refused := refusedByAWS(t, `["ecs","update-service","--force-new-deploy"]`+"\n", "--named"); !strings.Contains(refused, "--force-new-deploy") {
		t.Errorf("an option that is not there: %s", refused)
	}
}
