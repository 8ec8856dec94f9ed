package porttest

import (
	"net"
	"sync"
	"testing"
)

// FarAct is what the far end of a gateway does with one message.
type FarAct string

// The acts. A message "arrives" once the far end has read it whole: a real provider may have accepted it then.
const (
	ActAccept          FarAct = "accept"
	ActAcceptThenClose FarAct = "accept, then close the line without a word"
	ActRefusePermanent FarAct = "refuse for good, quoting the destination"
	ActRefuseTemporary FarAct = "refuse for now, quoting the destination"
	ActRefuseContent   FarAct = "refuse the content"
	ActThrottle        FarAct = "say: not now, come back in seven seconds"
	ActGarble          FarAct = "answer what no contract knows"
	ActDrop            FarAct = "read the whole message and break the line"
	ActDropMidway      FarAct = "read the first bytes of the message and break the line"
	ActHold            FarAct = "read the whole message and not answer before it is released"
)

// FarEnd is a provider that a suite controls.
type FarEnd interface {
	// Script says what becomes of the next messages, in the order in which they begin. After the last act messages are
	// accepted.
	Script(acts ...FarAct)
	// Arrived returns the delivery keys of the messages that have arrived, in order.
	Arrived() []string
	// Begun returns the number of messages of which at least a byte was read.
	Begun() int
	// Holding delivers one value for each message that is held.
	Holding() <-chan struct{}
	// Release accepts the messages that are held.
	Release()
	// Shut stops listening and breaks all connections.
	Shut()
}

// farEnd is the common part of the scripted servers.
type farEnd struct {
	listener net.Listener
	holding  chan struct{}

	mu      sync.Mutex
	script  []FarAct
	arrived []string
	begun   int
	lines   map[net.Conn]struct{}
	shut    bool
	release chan struct{}
	serving sync.WaitGroup
}

func newFarEnd(t testing.TB, serve func(f *farEnd, line net.Conn)) *farEnd {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	f := &farEnd{
		listener: listener, holding: make(chan struct{}, 1_000),
		lines: map[net.Conn]struct{}{}, release: make(chan struct{}),
	}
	f.serving.Go(func() {
		for {
			line, err := listener.Accept()
			if err != nil {
				return
			}
			if !f.keep(line) {
				line.Close()
				return
			}
			f.serving.Go(func() {
				defer f.drop(line)
				serve(f, line)
			})
		}
	})
	t.Cleanup(func() {
		f.Shut()
		f.serving.Wait()
	})
	return f
}

// Address is where the far end listens: host:port.
func (f *farEnd) Address() string { return f.listener.Addr().String() }

func (f *farEnd) keep(line net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines[line] = struct{}{}
	return !f.shut
}

func (f *farEnd) drop(line net.Conn) {
	line.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.lines, line)
}

// begin notes that a message has begun and returns what to do with it.
func (f *farEnd) begin() FarAct {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	if len(f.script) == 0 {
		return ActAccept
	}
	act := f.script[0]
	f.script = f.script[1:]
	return act
}

// arrive notes a message that was read whole. If it is held, arrive waits until it is released.
func (f *farEnd) arrive(key string, act FarAct) {
	f.mu.Lock()
	f.arrived = append(f.arrived, key)
	release := f.release
	f.mu.Unlock()
	if act == ActHold {
		f.holding <- struct{}{}
		<-release
	}
}

func (f *farEnd) Script(acts ...FarAct) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, acts...)
}

func (f *farEnd) Arrived() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.arrived...)
}

func (f *farEnd) Begun() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}

func (f *farEnd) Holding() <-chan struct{} { return f.holding }

func (f *farEnd) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.release)
	f.release = make(chan struct{})
}

func (f *farEnd) Shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return
	}
	f.shut = true
	_ = f.listener.Close() // nobody is told
	for line := range f.lines {
		line.Close()
	}
	close(f.release)
	f.release = make(chan struct{})
}
