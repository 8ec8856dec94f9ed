package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// connection is a client for questions, made when the first is asked and made anew after an error. One question at a
// time.
type connection struct {
	config Config
	full   bool          // whether it knows every topic: sarama finds the controller that way alone
	turn   chan struct{} // holds one token
	client sarama.Client // guarded by turn
	dialer *dialer       // guarded by turn
}

func newConnection(config Config, full bool) *connection {
	c := &connection{config: config, full: full, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// use runs work with a client. When the context ends it closes the sockets below the work and returns at once; what
// work found out is lost then, so it must not write to what the caller reads unless use returns nil.
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
		c.dialer = newDialer(c.config)
	}
	known, through := c.client, c.dialer
	ended := make(chan outcome, 1)
	go func() {
		client, err := known, error(nil)
		if client == nil {
			settings := c.config.settings(through)
			settings.Metadata.Full = c.full
			client, err = sarama.NewClient(c.config.Brokers, settings)
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

// outcome is the client that the work was done with, nil where there was no connecting, and how the work ended.
type outcome struct {
	client sarama.Client
	err    error
}

// forget gives the client up.
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
