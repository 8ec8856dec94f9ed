package faulttest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/adapters/crypto"
)

// keysetFile is a keyset in a file, as delivery reads it.
type keysetFile struct {
	path          string
	before        []byte // the keyset under which everything of the world is sealed: one key, A
	both, removed []byte // A and B, with B primary; and B alone
}

// rotating puts the world's keyset into a file and makes its successors.
func rotating(t *testing.T, w *world) keysetFile {
	t.Helper()
	f := keysetFile{path: filepath.Join(t.TempDir(), "keyset.json"), before: []byte(w.config.Keys.Keyset)}
	keys, err := crypto.Keys(f.before)
	must(t, err)
	added, b, err := crypto.AddKey(f.before)
	must(t, err)
	f.both, err = crypto.Promote(added, b)
	must(t, err)
	f.removed, err = crypto.Remove(f.both, keys[0].ID)
	must(t, err)
	return f
}

// holds writes the keyset and tells the apps that start from now on where it lies.
func (f keysetFile) holds(t *testing.T, w *world, keyset []byte) {
	t.Helper()
	must(t, os.WriteFile(f.path+".new", keyset, 0o600))
	must(t, os.Rename(f.path+".new", f.path))
	w.config.Keys.Keyset, w.config.Keys.Source = string(keyset), "file:"+f.path
}

// requested waits until every bill's message is in the topic; nobody reads it yet.
func (w *world) requested(t *testing.T) {
	t.Helper()
	w.dispatch(t)
	await(t, "every bill is requested", func() bool { return w.status("REQUESTED") == customers }, w.story)
}

// succeededAtOnce waits for the end and checks that each bill took one attempt, one round and one row of the ledger, and
// that the gateway accepted it once: nothing has failed on the way.
func (w *world) succeededAtOnce(t *testing.T) {
	t.Helper()
	await(t, "every bill has succeeded", func() bool { return w.status("SUCCEEDED") == customers }, w.story)
	if n := w.count("SELECT count(*) FROM delivery_attempts WHERE state = 'SUCCEEDED' AND attempt = 0 AND round = 0"); n != customers {
		t.Errorf("%d bills went out at the first try, want %d", n, customers)
	}
	if n := w.count("SELECT count(*) FROM delivery_attempts"); n != customers {
		t.Errorf("the ledger has %d rows, want %d", n, customers)
	}
	accepted := w.gateway.accepted(t)
	for target, n := range accepted {
		if n != 1 {
			t.Errorf("%s was accepted %d times", target, n)
		}
	}
	if len(accepted) != customers {
		t.Errorf("%d bills were accepted, want %d", len(accepted), customers)
	}
}

func TestMessagesOfTheOldKeyAreDeliveredWhenAnotherOneIsPrimary(t *testing.T) {
	w := newWorld(t)
	f := rotating(t, w)
	w.requested(t)
	f.holds(t, w, f.both)
	t.Cleanup(w.deliver(t))
	w.succeededAtOnce(t)
}

func TestMessagesOfARemovedKeyWaitAndGoWhenItIsBack(t *testing.T) {
	w := newWorld(t)
	f := rotating(t, w)
	w.requested(t)
	f.holds(t, w, f.both)
	stop := w.deliver(t)
	await(t, "some bills are accepted", func() bool { return len(w.gateway.accepted(t)) >= 200 }, w.story)
	stop() // a deployment: the calls under way come to their end

	f.holds(t, w, f.removed)
	before := len(w.gateway.accepted(t))
	if before == customers {
		t.Fatal("everything was delivered before the key was removed: the test shows nothing")
	}
	t.Cleanup(w.deliver(t))
	await(t, "delivery waits for the key", func() bool { return w.lines(componentDown, "component")["keys"] > 0 }, w.story)
	if after := len(w.gateway.accepted(t)); after != before {
		t.Errorf("%d bills were accepted without their key", after-before)
	}
	if n := w.status("FAILED", "PAUSED", "UNKNOWN", "EXHAUSTED"); n != 0 {
		t.Errorf("%d bills have failed for want of a key", n)
	}

	f.holds(t, w, f.both) // the process that runs finds it by itself
	await(t, "delivery uses the keyset that has come back", func() bool {
		return w.logs.FilterMessage("the keyset has changed and is used from now on").Len() > 0
	}, w.story)
	w.succeededAtOnce(t)
}
