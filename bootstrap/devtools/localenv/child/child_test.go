package child_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child/childtest"
)

type order struct {
	File string `json:"file"`
	Text string `json:"text"`
}

type answer struct {
	Text string `json:"text"`
	UID  int    `json:"uid"`
	PID  int    `json:"pid"`
}

var (
	// echo answers what it was told and writes how it ended into the file.
	echo = child.Register("test-echo", func(ctx context.Context, link *child.Link) error {
		var o order
		ctx, err := link.Spec(ctx, &o)
		if err != nil {
			return err
		}
		if err := link.Ready(answer{Text: o.Text, UID: os.Getuid(), PID: os.Getpid()}); err != nil {
			return err
		}
		<-ctx.Done()
		ending := "asked"
		if link.Abandoned() {
			ending = "abandoned"
		}
		return os.WriteFile(o.File, []byte(ending), 0o644)
	})
	// parent starts an echo and tells its process id.
	parent = child.Register("test-parent", func(ctx context.Context, link *child.Link) error {
		var o order
		ctx, err := link.Spec(ctx, &o)
		if err != nil {
			return err
		}
		p, err := child.Start(ctx, child.Options{Role: echo, Spec: o})
		if err != nil {
			return err
		}
		if err := link.Ready(answer{PID: p.PID()}); err != nil {
			return err
		}
		<-ctx.Done()
		return p.Stop()
	})
	refuse = child.Register("test-refuse", func(context.Context, *child.Link) error {
		return errors.New("no, for a reason")
	})
	vanish = child.Register("test-vanish", func(context.Context, *child.Link) error {
		os.Exit(3)
		return nil
	})
	hang = child.Register("test-hang", func(ctx context.Context, link *child.Link) error {
		ctx, err := link.Spec(ctx, &order{})
		if err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func TestStartReturnsWhatTheChildAnswers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ending")
	p, err := child.Start(t.Context(), child.Options{Role: echo, Spec: order{File: file, Text: "hello"}})
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := p.Info(&got); err != nil {
		t.Fatal(err)
	}
	if got.Text != "hello" || got.PID != p.PID() {
		t.Errorf("answer = %+v, want hello from process %d", got, p.PID())
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if ending, _ := os.ReadFile(file); string(ending) != "asked" {
		t.Errorf("ending = %q, want asked", ending)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
}

func TestChildEndsInOrderWhenItsParentIsKilled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ending")
	p, err := child.Start(t.Context(), child.Options{Role: parent, Spec: order{File: file}})
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := p.Info(&got); err != nil {
		t.Fatal(err)
	}
	if childtest.IsGone(got.PID) {
		t.Fatal("the grandchild is gone before its parent was killed")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	childtest.WaitGone(t, got.PID)
	if ending, _ := os.ReadFile(file); string(ending) != "abandoned" {
		t.Errorf("ending = %q, want abandoned", ending)
	}
}

func TestStartTellsWhyTheChildRefused(t *testing.T) {
	t.Parallel()
	_, err := child.Start(t.Context(), child.Options{Role: refuse})
	if err == nil || !strings.Contains(err.Error(), "no, for a reason") {
		t.Errorf("err = %v, want the child's reason", err)
	}
	_, err = child.Start(t.Context(), child.Options{Role: vanish})
	if !errors.Is(err, child.ErrEnded) {
		t.Errorf("err = %v, want ErrEnded", err)
	}
	_, err = child.Start(t.Context(), child.Options{Role: "test-unknown"})
	if err == nil {
		t.Error("an unknown role was started")
	}
}

func TestStartEndsAChildThatIsNotReadyInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := child.Start(ctx, child.Options{Role: hang})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestUnprivilegedChildOfRootIsNobody(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir, err := os.MkdirTemp(child.TempDir(), "child-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, child.Nobody, child.Nobody); err != nil {
		t.Fatal(err)
	}
	p, err := child.Start(t.Context(), child.Options{
		Role: echo, Spec: order{File: filepath.Join(dir, "ending")}, Unprivileged: true, Home: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := p.Info(&got); err != nil {
		t.Fatal(err)
	}
	if got.UID != child.Nobody {
		t.Errorf("uid = %d, want %d", got.UID, child.Nobody)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestReachableNamesTheClosedDirectory(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	inner := filepath.Join(closed, "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	err := child.Reachable(inner)
	if !errors.Is(err, child.ErrUnreachable) || !strings.Contains(err.Error(), closed) {
		t.Errorf("err = %v, want ErrUnreachable that names %s", err, closed)
	}
	if err := child.Reachable("/"); err != nil {
		t.Errorf("root directory: %v", err)
	}
}
