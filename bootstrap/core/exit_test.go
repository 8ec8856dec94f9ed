package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

func TestEveryExitCodeOfTheTableComesFromAnError(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		code int
	}{
		{t.Context(), nil, core.ExitOK},
		{t.Context(), errors.New("it broke"), core.ExitFailed},
		{t.Context(), config.ErrInvalid, core.ExitUsage},
		{t.Context(), operate.ErrNoReason, core.ExitUsage},
		{t.Context(), port.ErrNotFound, core.ExitNotFound},
		{t.Context(), fs.ErrNotExist, core.ExitNotFound},
		{t.Context(), billing.ErrRefused, core.ExitRefused},
		{t.Context(), port.ErrInvalid, core.ExitRefused},
		{t.Context(), policy.ErrInvalid, core.ExitRefused},
		{t.Context(), policy.ErrTransition, core.ExitRefused},
		{t.Context(), port.ErrUnavailable, core.ExitUnavailable},
		{t.Context(), dispatch.ErrHalted, core.ExitHalted},
		{stopped, port.ErrUnavailable, core.ExitInterrupted},
		{stopped, nil, core.ExitOK},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("ask for it: %w", err)
		}
		if code := core.ExitCodeOf(c.ctx, err); code != c.code {
			t.Errorf("%v ends with %d, want %d", err, code, c.code)
		}
	}
}

func TestAnAnswerIsTextOrOneDocument(t *testing.T) {
	t.Parallel()
	var output core.Output
	if output.String() != "text" || output.Set("yaml") == nil || output.Set("json") != nil || output != core.JSON {
		t.Fatalf("the output is %q", output)
	}
	text := func(w io.Writer) { fmt.Fprint(w, "7 bills") }
	var said bytes.Buffer
	if err := core.Text.Answer(&said, nil, text); err != nil || said.String() != "7 bills" {
		t.Fatalf("%q, %v", &said, err)
	}
	said.Reset()
	var read map[string]string
	if err := core.JSON.Answer(&said, map[string]string{"next": "a < b & c"}, text); err != nil || json.Unmarshal(said.Bytes(), &read) != nil || read["next"] != "a < b & c" {
		t.Fatalf("%q, %v", &said, err)
	}
}
