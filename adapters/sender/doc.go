// Package sender sends statements: by SMTP (e-mail) and by HTTP (SMS, push). Its gateways keep the promise of
// port.Gateway, at most one call that the provider may accept, and its Permits bound how often and how many at once.
//
// # Why not the libraries' own clients
//
// Of go-mail the package uses the messages and the SMTP commands (its smtp package), not its Client: a caller must know
// at which stage a dialogue broke. Before the first byte of the message surely nothing was sent; from then on a broken
// line leaves the outcome unknown, and only a complete reply tells. mail.Client reports one error for the whole
// dialogue, and after an error it goes on with RSET on the same connection.
//
// Of net/http it uses the Transport, not the Client: no redirects, no cookies, no proxy of the environment. The
// Transport repeats a POST by itself when it carries an Idempotency-Key and its body can be rewound, as after a
// kept-alive connection that the server closed: so requests have no GetBody, and their body is of a type that net/http
// cannot rewind. Whether a byte was written is not guessed from errors: the connection itself counts.
//
// # Reading replies
//
// Replies become verdicts by allow-lists (httpRefusals, smtpRefusals). What no list names leaves the outcome unknown.
package sender
