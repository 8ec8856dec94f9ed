package smtp

import "github.com/balsong/balsong/adapters/gateway"

// vendorReplies are replies as a vendor documents them, or as its servers were seen to give them, shortened. A test holds
// each to its class: it is what people expect who read the vendor's page, whatever rule finds it.
type vendorReplies struct {
	vendor, source string
	replies        []vendorReply
}

type vendorReply struct {
	said  string // a stage and the reply, as in the examples of a rule
	means gateway.Meaning
}

// Vendors lists the replies of docs/operations/answers.md by vendor.
func Vendors() []gateway.Answer {
	var list []gateway.Answer
	for _, v := range vendors {
		for _, r := range v.replies {
			at, code, text := spoken(r.said)
			list = append(list, gateway.Answer{
				Said: r.said, Verdict: smtpReply(at, code, text).Verdict, Meaning: smtpMeaning(at, code, text).means, Why: smtpMeaning(at, code, text).why, Source: v.vendor,
			})
		}
	}
	return list
}

// VendorSources lists the vendors with the pages that have their replies.
func VendorSources() (list [][2]string) {
	for _, v := range vendors {
		list = append(list, [2]string{v.vendor, v.source})
	}
	return list
}

var vendors = []vendorReplies{
	{"Gmail, Google Workspace", "support.google.com/a/answer/3726730", []vendorReply{
		{"RCPT 421 4.3.0 Temporary System Problem. Try again later", gateway.ThrottledAll},
		{"RCPT 421 4.4.5 Server busy, try again later.", gateway.ThrottledAll},
		{"RCPT 421 4.7.0 IP not in whitelist for RCPT domain, closing connection.", gateway.ThrottledAll},
		{"final 421 4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily blocked.", gateway.ThrottledAll},
		{"RCPT 421 4.7.0 TLS required for RCPT domain, closing connection.", gateway.Provider},
		{"GREETING 421 4.7.0 Try again later, closing connection.", gateway.ThrottledAll},
		{"final 421 4.7.28 Gmail has detected an unusual rate of mail originating from your SPF domain", gateway.Provider},
		{"final 421 4.7.32 Your email has been rate limited because the From: header isn't aligned with either the authenticated SPF or DKIM organizational domain", gateway.Provider},
		{"RCPT 450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.", gateway.Temporary},
		{"RCPT 450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.", gateway.ThrottledAll},
		{"final 451 4.3.0 Mail server temporarily rejected message.", gateway.TemporaryDoubted},
		{"RCPT 451 4.4.2 Timeout - closing connection.", gateway.TemporaryDoubted},
		{"RCPT 452 4.2.2 The email account that you tried to reach is over quota.", gateway.Temporary},
		{"RCPT 452 4.5.3 Your message has too many recipients.", gateway.ThrottledAll},
		{"AUTH 454 4.7.0 Cannot authenticate due to a temporary system problem. Try again later.", gateway.ThrottledAll},
		{"EHLO 501 5.5.4 HELO/EHLO argument is invalid", gateway.Provider},
		{"MAIL 530 5.5.1 Authentication Required.", gateway.Provider},
		{"MAIL 530 5.7.0 Must issue a STARTTLS command first.", gateway.Provider},
		{"AUTH 534 5.7.9 Application-specific password required.", gateway.Provider},
		{"AUTH 535 5.7.8 Username and Password not accepted.", gateway.Provider},
		{"RCPT 550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces.", gateway.Permanent},
		{"RCPT 550 5.2.1 The email account that you tried to reach is disabled.", gateway.Permanent},
		{"RCPT 550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.", gateway.Temporary},
		{"final 550 5.4.5 Daily sending quota exceeded.", gateway.Provider},
		{"RCPT 550 5.7.1 Daily SMTP relay limit exceeded for customer.", gateway.Provider},
		{"MAIL 550 5.7.1 Invalid credentials for relay [192.0.2.1].", gateway.Provider},
		{"final 550 5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain. To best protect our users from spam, the message has been blocked.", gateway.ProviderDoubted},
		{"final 550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.", gateway.PermanentDoubted},
		{"final 550 5.7.25 The IP address sending this message does not have a PTR record setup", gateway.Provider},
		{"final 550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.", gateway.Provider},
		{"final 550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address", gateway.ThrottledAll},
		{"final 552 5.2.2 The recipient's inbox is out of storage space and inactive.", gateway.Temporary},
		{"final 552 5.7.0 This message was blocked because its content presents a potential security issue.", gateway.Content},
		{"RCPT 553 5.1.2 The recipient address <kim@example> is not a valid RFC 5321 address.", gateway.Permanent},
		{"final 554 5.6.0 Mail message is malformed. Not accepted.", gateway.Content},
	}},
	{"Exchange Online, Outlook.com", "learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online; smtp.codes/exchangeonline", []vendorReply{
		{"GREETING 421 4.3.2 The maximum number of concurrent connections per resource forest has exceeded a limit, closing transmission channel.", gateway.ThrottledAll},
		{"RCPT 421 4.3.2 Service not available", gateway.ThrottledAll},
		{"final 432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", gateway.ThrottledOne},
		{"final 432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.", gateway.ThrottledAll},
		{"RCPT 450 4.7.3 Organization queue quota exceeded.", gateway.ThrottledAll},
		{"final 451 4.3.2 Temporary server error. Please try again later ATTR17", gateway.TemporaryDoubted},
		{"RCPT 451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35.", gateway.TemporaryDoubted},
		{"RCPT 451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712344)", gateway.ThrottledAll},
		{"RCPT 451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", gateway.ThrottledAll},
		{"final 450 4.7.26 Access denied, a message sent over IPv6 must pass either SPF or DKIM validation, this message is not signed", gateway.Provider},
		{"RCPT 501 5.1.3 Invalid address", gateway.Permanent},
		{"MAIL 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", gateway.Provider},
		{"AUTH 535 5.7.3 Authentication unsuccessful", gateway.Provider},
		{"AUTH 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", gateway.Provider},
		{"RCPT 550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", gateway.Permanent},
		{"RCPT 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", gateway.Permanent},
		{"final 550 5.1.8 Access denied, bad outbound sender", gateway.Provider},
		{"RCPT 550 5.2.1 Mailbox cannot be accessed", gateway.Permanent},
		{"final 550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", gateway.Permanent},
		{"RCPT 550 5.4.1 [kim@example.com]: Recipient address rejected: Access denied", gateway.Permanent},
		{"RCPT 550 5.5.0 Requested action not taken: mailbox unavailable.", gateway.Permanent},
		{"RCPT 550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", gateway.Permanent},
		{"RCPT 550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.", gateway.Provider},
		{"RCPT 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).", gateway.Provider},
		{"RCPT 550 5.7.12 Sender was not authenticated by organization", gateway.Permanent},
		{"RCPT 550 5.7.124 Sender not in allowed-senders list", gateway.Permanent},
		{"final 550 5.7.23 The message was rejected because of Sender Policy Framework violation", gateway.Provider},
		{"RCPT 550 5.7.501 Access denied, spam abuse detected", gateway.Provider},
		{"RCPT 550 5.7.506 Access Denied, Bad HELO", gateway.Provider},
		{"RCPT 550 5.7.508 Access denied, 192.0.2.1 has exceeded permitted limits within the range", gateway.ThrottledAll},
		{"final 550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification", gateway.Provider},
		{"final 550 5.7.515 Access denied, sending domain example.com does not meet the required authentication level.", gateway.Provider},
		{"RCPT 550 5.7.606 Access denied, banned sending IP [192.0.2.1].", gateway.Provider},
		{"RCPT 550 5.7.64 TenantAttribution; Relay Access Denied", gateway.Provider},
		{"final 550 5.7.705 Access denied, tenant has exceeded threshold", gateway.Provider},
		{"final 550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains", gateway.Provider},
		{"final 554 5.2.2 mailbox full", gateway.Temporary},
		{"final 554 5.2.121 The sender has exceeded the limit for the number of messages they can send to this recipient per hour.", gateway.ThrottledOne},
		{"final 554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour.", gateway.Temporary},
	}},
	{"Amazon SES", "docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html and troubleshoot-error-messages.html", []vendorReply{
		{"GREETING 421 Too many concurrent SMTP connections", gateway.ThrottledAll},
		{"DATA 451 Timeout waiting for data from client", gateway.TemporaryDoubted},
		{"final 454 Throttling failure: Maximum sending rate exceeded.", gateway.ThrottledAll},
		{"final 454 Throttling failure: Daily message quota exceeded.", gateway.ThrottledAll},
		{"AUTH 454 Temporary authentication failure", gateway.ThrottledAll},
		{"MAIL 501 Invalid MAIL FROM address provided", gateway.ProviderDoubted},
		{"MAIL 530 Authentication required", gateway.Provider},
		{"AUTH 535 Authentication Credentials Invalid", gateway.Provider},
		{"final 552 Message is too long.", gateway.Permanent},
		{"final 554 Access denied: User 'arn:aws:iam::1:user/smtp' is not authorized to perform 'ses:SendRawEmail'", gateway.Provider},
		{"final 554 Message rejected: Email address is not verified. The following identities failed the check in region AP-NORTHEAST-2: bills@example.com", gateway.Provider},
		{"final 554 Message rejected: Sending paused for this account.", gateway.Provider},
		{"final 554 Transaction failed: Duplicate header 'Date'.", gateway.TemporaryDoubted},
	}},
	{"Yahoo, AOL", "senders.yahooinc.com/smtp-error-codes", []vendorReply{
		{"RCPT 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", gateway.ThrottledAll},
		{"GREETING 421 4.7.1 [TS03] All messages from 192.0.2.1 permanently deferred; Retrying will NOT succeed.", gateway.Provider},
		{"MAIL 421 Max message per connection reached, closing transmission channel", gateway.ThrottledAll},
		{"RCPT 450 User is receiving mail too quickly", gateway.Temporary},
		{"final 451 Message temporarily deferred due to unresolvable RFC.5321 from domain.", gateway.Provider},
		{"RCPT 451 Resources temporarily unavailable. Please try again later [#4.16.1].", gateway.TemporaryDoubted},
		{"final 550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate with either SPF or DKIM.", gateway.Provider},
		{"RCPT 550 relaying denied for <kim@example.com>", gateway.Provider},
		{"final 552 1 Requested mail action aborted, mailbox not found", gateway.Permanent},
		{"GREETING 553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", gateway.Provider},
		{"GREETING 553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", gateway.Provider},
		{"final 554 5.7.9 Message not accepted for policy reasons.", gateway.ProviderDoubted},
		{"final 554 Message not allowed - [PH01] Email not accepted for policy reasons.", gateway.ProviderDoubted},
		{"final 554 delivery error: dd This user doesn't have a yahoo.com account (kim@yahoo.com) [-9]", gateway.Permanent},
		{"final 554 delivery error: dd kim@yahoo.com is no longer valid. [-20]", gateway.Permanent},
		{"final 554 delivery error: dd Sorry, your message to kim@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", gateway.Permanent},
	}},
	{"iCloud", "support.apple.com/102322; smtp.codes/icloud", []vendorReply{
		{"RCPT 421 4.7.0 me.com Error: too many errors", gateway.ThrottledAll},
		{"RCPT 421 4.7.1 Messages to kim@icloud.com deferred due to excessive volume. Try again later", gateway.ThrottledAll},
		{"RCPT 450 4.1.8 <bills@example.com>: Sender address rejected: Domain not found", gateway.Provider},
		{"RCPT 451 4.7.1 Service unavailable - try again later", gateway.ThrottledAll},
		{"RCPT 550 5.1.1 <kim@icloud.com>: user does not exist", gateway.Permanent},
		{"RCPT 550 5.1.1 <kim@icloud.com>: inactive email address", gateway.Permanent},
		{"RCPT 550 5.1.6 recipient no longer on server: kim@icloud.com", gateway.Permanent},
		{"final 550 5.7.1 [CS01] Message rejected due to local policy.", gateway.ProviderDoubted},
		{"final 550 5.7.1 Your message was rejected due to example.com's DMARC policy.", gateway.Provider},
		{"final 550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL -- see https://www.spamhaus.org/dbl/", gateway.Provider},
		{"RCPT 552 5.2.2 <kim@icloud.com>: user is overquota", gateway.Temporary},
		{"RCPT 554 5.7.1 <kim@icloud.com>: Relay access denied", gateway.Provider},
		{"final 554 5.7.1 [HM08] Message rejected due to local policy.", gateway.ProviderDoubted},
	}},
	{"Naver", "help.naver.com/alias/mail; puffinknight.tistory.com/102", []vendorReply{
		{"RCPT 421 4.3.0 Too long idle time. You are disconnected", gateway.ThrottledAll},
		{"MAIL 421 4.3.1 You send too many messages.", gateway.ThrottledAll},
		{"GREETING 421 4.3.2 Your ip blocked from this server", gateway.Provider},
		{"GREETING 421 4.3.2 Your IP(192.0.2.1) is filtered and this connection will be closed.", gateway.Provider},
		{"RCPT 452 4.5.3 Too many recipients. We allow maximum 100", gateway.ThrottledAll},
		{"RCPT 421 You sent too many commands. total 35 commands in 1 session are allowed.", gateway.ThrottledAll},
		{"RCPT 550 5.1.1 No such user. For more information, go to https://help.naver.com/alias/mail/newmail10.naver YFIkhhfiSGCl2Nuynp4eNQ - nsmtp", gateway.Permanent},
		{"RCPT 550 5.1.1 Suspended(Inactive) user", gateway.Permanent},
		{"RCPT 550 5.3.2 Rejected by mailbox host. (550 mailbox is inactive!! (#5.2.1))", gateway.Permanent},
		{"final 550 Your mail is classified as spam and rejected", gateway.ProviderDoubted},
		{"final 550 5.7.1 <kim@naver.com>... Error.your access was denied. Since you sent too many e-mails,you are not allowed to send more e-mails within 24 hours.", gateway.Provider},
		{"RCPT 552 Requested mail action aborted: exceeded storage allocation - The recipient's mailbox is full", gateway.Temporary},
	}},
	{"Daum, Kakao", "oliveit.tistory.com/39; auctionpro.co.kr/?p=2544", []vendorReply{
		{"GREETING 421 4.4.1 CHIC 192.0.2.1: Network is busy.", gateway.ThrottledAll},
		{"GREETING 421 4.4.5 CCRT 192.0.2.1: Connection refused. Server is busy(RT)", gateway.ThrottledAll},
		{"GREETING 421 4.4.5 CRCP 192.0.2.1: Connection refused. Server is busy", gateway.ThrottledAll},
		{"RCPT 421 4.5.0 XTOUT 192.0.2.1: Closing connection by timeout", gateway.ThrottledAll},
		{"RCPT 451 4.4.1 XERR 192.0.2.1: Network is busy(ERROR)", gateway.TemporaryDoubted},
		{"RCPT 451 4.4.1 XNIOE 192.0.2.1: Network is busy(I/O)", gateway.TemporaryDoubted},
		{"MAIL 451 4.4.1 DXNS1 192.0.2.1: Network is busy(XDNS)", gateway.ThrottledAll},
		{"MAIL 451 4.4.1 DXNS2 192.0.2.1: DNS lookup failed(XDNS)", gateway.ThrottledAll},
		{"MAIL 501 5.5.4 MARG2 192.0.2.1: Invalid mail command argument: argument", gateway.ProviderDoubted},
		{"MAIL 503 5.5.1 MDUP 192.0.2.1: Sender already specified", gateway.ProviderDoubted},
		{"RCPT 550 5.1.1 RUSR 192.0.2.1: No such user: <kim@hanmail.net>", gateway.Permanent},
		{"RCPT 550 5.1.8 192.0.2.1: No such user: sender address", gateway.Provider},
		{"RCPT 553 5.1.3 RADDR 192.0.2.1: Invalid mail address: sender address", gateway.Provider},
		{"RCPT 554 5.7.1 DZCNT 192.0.2.1: Message refused. Your host name(mail.example.com) doesn't match with your IP address", gateway.Provider},
		{"final 554 5.7.1 DAS51 2192.0.2.1: Your mail is blocked automatically by anti-spam system. (E06)", gateway.ProviderDoubted},
		{"GREETING 553 Access denied. Please visit http://www.spamhaus.org for details", gateway.Provider},
	}},
	{"Relays", "www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting; documentation.mailgun.com", []vendorReply{
		{"MAIL 403 You are not authorized to send from that email address", gateway.Provider},
		{"MAIL 450 too frequent connects from 192.0.2.1, please try again later.", gateway.ThrottledAll},
		{"AUTH 451 Authentication failed: Maximum credits exceeded", gateway.Provider},
		{"MAIL 550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", gateway.Provider},
		{"final 421 Domain example.com is not allowed to send: Sandbox subdomains are for test purposes only.", gateway.Provider},
		{"RCPT 450 4.1.8 <bills@example.com>: Sender address rejected: Domain not found", gateway.Provider},
	}},
}
