package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// connection is a sarama client for queries. It connects when it is first used, and anew after an error. Uses wait for
// each other.
type connection struct {
	cluster Cluster
	full    bool          // load the metadata of every topic: otherwise sarama does not learn which broker is the controller
	turn    chan struct{} // holds one token, taken by each use
	client  sarama.Client // guarded by turn
	dialer  *dialer       // guarded by turn
}

func newConnection(cluster Cluster, full bool) *connection {
	c := &connection{cluster: cluster, full: full, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// use runs work with a client. When the context ends, it closes the client's sockets and returns at once, while work
// may still be running: so the caller must not read what work writes unless use returned nil.
func (c *connection) use(ctx context.Context, what string, work func(sarama.Client) error) error {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return unavailable(what, ctx.Err())
	}
	defer func() { c.turn <- struct{}{} }()
	if err := ctx.Err(); err != nil {
		return unavailable(what, err)
	}
	if c.dialer == nil {
		c.dialer = newDialer(c.cluster)
	}
	known, dialer := c.client, c.dialer
	ended := make(chan outcome, 1)
	go func() {
		client, err := known, error(nil)
		if client == nil {
			settings := c.cluster.client(dialer)
			settings.Metadata.Full = c.full
			client, err = sarama.NewClient(c.cluster.Brokers, settings)
		}
		if err == nil {
			err = work(client)
		}
		ended <- outcome{client: client, err: err}
	}()
	select {
	case end := <-ended:
		if c.client = end.client; end.err != nil {
			c.forget()
		}
		return unavailable(what, end.err)
	case <-ctx.Done():
		go func() {
			if end := <-ended; end.client != nil {
				_ = end.client.Close()
			}
		}()
		c.client = nil
		c.forget()
		return unavailable(what, ctx.Err())
	}
}

// outcome is how a use ended: its error, and the client that it was done with, nil if connecting failed.
type outcome struct {
	client sarama.Client
	err    error
}

// forget closes the sockets and gives the client up.
func (c *connection) forget() {
	client := c.client
	c.dialer.abort()
	c.client, c.dialer = nil, nil
	if client != nil {
		go func() { _ = client.Close() }()
	}
}

// close ends the connection; a later use would connect again.
func (c *connection) close() {
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	if c.dialer != nil {
		c.forget()
	}
}
