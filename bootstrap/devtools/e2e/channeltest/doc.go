// Package channeltest sends one bill on each channel that there is, from the billing data to the gateway simulator, by
// the production apps on real components. It holds only tests, and a new channel is tested without a change to them.
package channeltest
