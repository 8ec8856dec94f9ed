// Package gateway holds what the gateways to providers share: what an answer means, the pool of unused connections, the redaction of a
// provider's words, and the errors of their configuration. Each provider's protocol is a package below it: smtp and ses (e-mail),
// twilio, nhn, solapi and awssms (SMS, the Korean ones AlimTalk too), fcm (push), and httpgateway (every channel but e-mail by our HTTP
// contract).
//
// Those over HTTP share httpclient, which makes their calls, and answers, which tells what is answered; those of AWS share awscall, those
// of e-mail email, those in Korea textmessage. What providers say later comes by webhook, lmtp (mails, which bounce reads), and sqs, with
// what Amazon SNS signs (sns); by a reference it finds its bill.
package gateway
