// Package gateway holds what the gateways to providers share: the pool of idle connections, the redaction of a
// provider's words, and the errors of their configuration. Each provider's protocol is a package below it: smtp
// (e-mail) and httpgateway (SMS and push by our HTTP contract). Those over HTTP share httpclient, which makes their calls,
// and answers, which tells what is answered.
package gateway
