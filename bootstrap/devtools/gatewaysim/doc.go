// Package gatewaysim is a stand-in for the outside world: an SMTP relay, an SMS
// gateway, a push gateway and the vendors' own in one process, for laptops and
// for tests.
//
// It writes one line per accepted message to an accept log and syncs it to the
// disk before it answers (package acceptlog), so a checker can count what was
// truly accepted. It can be slow, limited, refusing, or cruel: accept a message
// and break the connection before answering (package behaviour). An inbox page
// shows what arrived (package inbox).
//
// A call that has been read whole is decided and carried out even when the
// caller is gone by then, as real gateways do. Messages are never deduplicated:
// a key that is accepted twice is in the log twice, and counted in the stats.
//
// # SMTP
//
// One recipient per message. The header X-Idempotency-Key is the key. Replies:
//
//	250 2.0.0   accepted
//	550 5.1.1   permanent refusal: no such mailbox
//	554 5.6.0   the content is refused
//	451 4.2.1   temporary refusal: the message was surely not accepted
//	451 4.7.0   throttled, "rate limit"; or 421 4.7.0, and the connection closes
//	421 4.7.0   at EHLO, "too many connections"
//
// # HTTP
//
// POST /sms and POST /push, with the header Idempotency-Key (1 to 200 visible
// ASCII characters; optional) and a JSON body of at most 64 KiB:
//
//	{"to":"01012345678","text":"…","class":"SMS"}      class SMS (default) or LMS
//	{"to":"<device token>","title":"…","text":"…"}     push
//
// Accepted is 202 {"message_id":"…"}; callers take 200 for the same. Everything
// else is {"code":"…","message":"…"}:
//
//	400 invalid_destination   permanent: no such number
//	410 unregistered          permanent: the app is gone from this device
//	400 content_rejected      the content is refused
//	503 temporarily_refused   surely not accepted; may be tried again
//	429 throttled             surely not accepted; Retry-After in seconds
//	400 bad_request, 413 too_large, 405, 404   the caller's mistake
//
// Only these codes say that a message was not accepted. Any other answer, a
// time-out or a broken connection leaves it unknown.
//
// # Twilio
//
// POST /2010-04-01/Accounts/AC…/Messages.json is Twilio's API of messages, as
// https://www.twilio.com/docs/messaging/api/message-resource and the pages of
// its error codes describe it: a form with To, From or MessagingServiceSid,
// Body and StatusCallback, whose parameter "key" is the idempotency key of the
// log. Any credentials are taken, none are not. GET is an empty list. The
// settings are those of sms:
//
//	201   accepted
//	400   21211, 21602, 21603, 21617   the form is wrong
//	400   21614   permanent refusal: no mobile number
//	400   21610   the content share: the customer has answered STOP
//	429   20429   throttled
//	503   20503   temporary refusal, which leaves the caller's outcome unknown
//
// # NHN Cloud
//
// POST /sms/v3.0/appKeys/…/sender/sms and …/sender/mms are NHN Cloud's API of
// text messages, as https://docs.nhncloud.com/en/Notification/SMS/en/api-guide/
// describes it. The recipientGroupingKey is the idempotency key of the log. GET
// finds an accepted message by it, and GET …/sendNos every sender number. Any
// credentials are taken, none are not. The status is 200 but for throttled (429); the codes:
//
//	0                      accepted
//	-2014, -2019, -2024, -2312, -9997   the request is wrong
//	-2019 of the recipient permanent refusal, in a request that succeeds
//	-6001                  the content share: the customer has refused messages
//	-9999                  temporary refusal, which leaves the caller's outcome unknown
//
// # AlimTalk of NHN Cloud
//
// POST /alimtalk/v2.3/appkeys/…/messages is NHN Cloud's API of AlimTalk, as
// https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/alimtalk-api-guide/
// describes it, with the settings of alimtalk. GET finds an accepted message by
// its recipientGroupingKey, and GET …/senders/… is the sender profile. The text
// is made of the template (setting kakao). The status is 200 but for throttled
// (429); the codes:
//
//	0                  accepted
//	-1005              the idempotency key came within the last ten minutes
//	-2000, -2001, -2017, -9997   the request is wrong
//	-1027              the channel is blocked (setting kakao)
//	-3003, -3004       there is no such template, or its variables are others
//	-5000              no number; and the permanent refusal, in a request that succeeds
//	-3010              the content share: the text is not the template's
//	-9999              temporary refusal, which leaves the caller's outcome unknown
//
// # SOLAPI
//
// POST /messages/v4/send-many/detail is SOLAPI's API of messages, one message a
// call; GET /messages/v4/list?messageIds=… finds accepted messages. The custom
// field balsong is the idempotency key of the log. A signature is taken whatever
// it is, and once (403 DuplicatedSignature). The status is 200 but for throttled (429); the codes:
//
//	2000                     accepted
//	1010, 1011, 1013, 1062   the message is wrong
//	1060                     permanent refusal: the number is blocked
//	1061                     the content share: the customer has refused messages
//	1024                     temporary refusal, which leaves the caller's outcome unknown
//
// A message of the type ATA is AlimTalk, with the settings of alimtalk: 1041, the
// channel is none or blocked; 1042 and 1043, there is no such template, or its
// text or variables are others (setting kakao).
//
// # Firebase Cloud Messaging
//
// POST /v1/projects/…/messages:send is FCM's HTTP v1 API, as
// https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
// describes it, with the settings of push, and POST /token gives a token to
// whoever asks, as Google does. Data's field balsong is the idempotency key of
// the log. A message that is only to be validated is never one:
//
//	200                     accepted
//	400 INVALID_ARGUMENT    no token, or more than 4,096 bytes
//	401 UNAUTHENTICATED     there are no credentials; any are taken
//	404 UNREGISTERED        permanent refusal: the app is gone from this device
//	403 SENDER_ID_MISMATCH  the content share: a token of another project's app
//	429 QUOTA_EXCEEDED      throttled
//	503 UNAVAILABLE         temporary refusal, which leaves the caller's outcome
//	                        unknown, unless the answer has a Retry-After
//
// # Amazon SES and AWS End User Messaging SMS
//
// POST /v2/email/outbound-emails is SES' SendEmail with a raw content, with the
// settings of email and the key of SMTP; the account and each identity are in
// order. A call whose X-Amz-Target is PinpointSMSVoiceV2.SendTextMessage is an
// SMS, with the settings of sms; its context's field balsong is the idempotency
// key of the log. Any signature is taken, none is not. Of SES, and of SMS:
//
//	200                               accepted
//	403 MissingAuthenticationToken    there is no signature
//	400 BadRequest, Validation        the request is wrong; the permanent refusal
//	400 MessageRejected               the content share of SES; no header, too long
//	400 Conflict …_OPTED_OUT          the content share of SMS
//	429 TooManyRequests, 400 Throttling   throttled
//	500 InternalServer                temporary refusal, which leaves the caller's outcome unknown
//
// # Reports
//
// The settings "reports" of a channel draw what becomes of each accepted message:
// it arrives, or does not, for the addressee's sake or for ours, or the vendor
// says that it does not know. "vendors" says where each vendor tells it
// (AlimTalk: nhn_alimtalk and solapi_alimtalk, alike):
//
//	nhn      webhook MESSAGE_RESULT_UPDATE, with X-Toast-Webhook-Signature; half of
//	         them spell recipientGropuingKey, as the documents' example does. Once
//	twilio   StatusCallback of each message, with X-Twilio-Signature; "sent" comes
//	         as well, at any time. Again only where it could not connect
//	solapi   webhook SINGLE-REPORT, which nobody signs; five times in all. The list
//	         has what was said last
//	smtp     a delivery status notification (RFC 3464) to the envelope's sender, by
//	         LMTP; of what arrives nothing is said. Again until it is taken
//
// Silence that a vendor turns into a failure, as NHN Cloud's 2000 after 25 hours,
// is the share uncertain: it comes as a report, or, of messages of which nothing
// is said (silent), by a look-up alone. FCM, SES and AWS SMS report nothing here.
//
// Each thing that is said is a line of the accept log, on the disk before it is
// said; another line has what the receiver answered.
//
// # Admin port
//
// GET / is the inbox, GET /settings and PUT /settings show and change the
// behaviour (fields left out keep their values), GET /stats counts.
package gatewaysim
