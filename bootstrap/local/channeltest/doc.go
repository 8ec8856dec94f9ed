// Package channeltest sends one bill on each channel that there is, from the billing data to the gateway simulator, by
// the production apps on real parts. Nothing but tests is in here; a new channel is tested without a change of them.
package channeltest
