// Package monthtest takes the demo's month of 7,043 customers through what a real month meets: messages that are accepted and do not arrive,
// customers without KakaoTalk, an account that is suspended in the middle, and, with a few of the customers, calls whose outcome is unknown
// until the vendor is asked. The apps are those of production, on real components; what the gateway simulator wrote into its own log is the
// witness.
package monthtest
