package smtp

import "github.com/balsong/balsong/adapters/gateway"

// ended are the words for an account that has been closed, for good or for now.
const ended = `(?:suspended|disabled|locked|blocked|paused|deactivated|terminated|closed|frozen|inactive)`

// someAccount are the words for an account that is closed where none says whose it is.
var someAccount = words(`\b(?:account|subscription|service) (?:is |has been |was )?(?:currently |temporarily |permanently )?` + ended)

// accountRules tell whose account is closed. Where it is ours, no bill moves to another channel: each waits until people have it opened. Where
// it is one recipient's, the bill moves on, and no call to others waits.
var accountRules = []rule{
	{
		words: words(`sending (?:is |has been |was )?(?:temporarily )?(?:suspended|paused|disabled|blocked)|(?:your|sender'?s?|sending|smtp|relay|customer'?s?) (?:(?:e-?mail|mail|user|smtp|sending) )?(?:account|domain|service|subscription) (?:is |has been |was )?(?:currently |temporarily |permanently )?` + ended + `|\bsender (?:is |has been |was )(?:suspended|disabled|locked)|(?:outgoing|outbound) (?:e-?mail|mail|messages?)\b.{0,40}\b(?:is|has been|was|are|have been) ` + ended + `|banned send(?:er|ing)|outbound sender|tenant has exceeded|spam abuse detected|permanently deferred|not authorized to send`),
		means: gateway.Provider, why: "the sender's account is suspended or blocked", source: "Amazon SES, Exchange Online, cPanel",
		examples: []string{
			"final 554 5.7.1 Sending suspended", "final 554 Message rejected: Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.",
			"final 550 5.1.8 Access denied, bad outbound sender", "final 550 5.7.705 Access denied, tenant has exceeded threshold", "MAIL 550 5.7.503 Access denied, banned sender", "GREETING 553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred",
			"final 554 5.7.1 Your account has been disabled", "RCPT 550 Outgoing mail from \"bills@example.com\" has been suspended.",
		},
	},
	{
		words: words(`\b(?:recipient|mailbox|user)(?:'?s)?(?: (?:e-?mail |mail )?(?:account|address|mailbox|box))? (?:is |has been |was )?(?:currently |temporarily |now )?` + ended + `|account that you tried to reach is ` + ended + `|\b(?:account|mailbox|address) (?:of|for) (?:the|this|that|your) (?:recipient|user)\b.{0,20}` + ended + `|` + ended + `(?: ?\(inactive\))? (?:recipient|user|mailbox)\b|(?:cannot|could not) be delivered\b.{0,20}\bthis (?:account|mailbox) |account has been disabled or discontinued`), code: "5",
		means: gateway.Permanent, why: "the recipient's own account or mailbox is closed to mail", source: "Gmail, Yahoo, Naver, common servers",
		examples: []string{
			"final 554 5.7.1 The recipient account is disabled", "RCPT 550 5.7.1 mailbox disabled for this recipient", "RCPT 554 5.7.1 User is suspended", "RCPT 550 5.1.1 Suspended(Inactive) user", "RCPT 525 5.7.13 Disabled recipient address",
			"final 554 delivery error: dd This account has been disabled or discontinued [#102]",
		},
	},
	{
		words: someAccount, code: "5", enhanced: "5.1",
		means: gateway.Permanent, why: "an account is closed: by the code the recipient's", source: "RFC 3463", examples: []string{"RCPT 554 5.1.1 account disabled"},
	},
	{
		words: someAccount, code: "5", enhanced: "5.2",
		means: gateway.Permanent, why: "an account is closed: by the code the recipient's mailbox", source: "RFC 3463", examples: []string{"RCPT 554 5.2.1 This account is suspended"},
	},
	{
		words: someAccount, code: "5", enhanced: "5.7",
		means: gateway.ProviderDoubted, why: "an account is closed, and the code speaks of rights: ours more often than the recipient's", source: "common relays",
		examples: []string{"final 554 5.7.1 Account suspended", "final 554 5.7.1 Account disabled", "final 554 5.7.1 This account is locked", "RCPT 550 5.7.1 Service suspended", "MAIL 525 5.7.13 the account is closed"},
	},
	{
		words: someAccount, code: "554",
		means: gateway.ProviderDoubted, why: "an account is closed, without a word about whose: ours where a transaction fails", source: "common relays", examples: []string{"final 554 Account suspended"},
	},
	{
		words: someAccount, code: "5",
		means: gateway.PermanentDoubted, why: "an account is closed, without a word about whose", source: "common servers", examples: []string{"RCPT 550 account is locked", "RCPT 550 account inactive"},
	},
	{
		words: words(`list of allowed rcpthosts`),
		means: gateway.ProviderDoubted, why: "the relay does not know us as its customer, or it is the recipient's and does not know its own domain", source: "qmail",
		examples: []string{"RCPT 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"},
	},
}
