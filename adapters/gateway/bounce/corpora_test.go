package bounce

var flufl = corpus{name: "flufl.bounce", from: "6.0.0, Python", mails: 115, rest: map[string]disagreed{
	"aol_01.txt":      {ours, "AOL's old form names the part before the @ alone; no recipient is told"},
	"dsn_15.txt":      {ambiguous, "a virus scanner put the notification into another mail; whoever forwards one would be believed as well"},
	"llnl_01.txt":     {ours, "the recipient stands in a sentence, beside other addresses; no recipient is told"},
	"sendmail_01.txt": {ambiguous, "an alias and what it stands for are two recipients there; here the one that failed is told"},
	"simple_14.txt":   {ambiguous, "two addresses in two sentences, of which one is not the recipient's; no recipient is told"},
	"simple_20.txt":   {ambiguous, "its subject begins with RE: and no mail system is its sender, as in a person's reply"},
	"simple_42.txt":   {theirs, "the test asks a reader of plain texts; the notification names a recipient"},
	"yale_01.txt":     {ours, "it names the part before the @ alone; no recipient is told"},
}}

var bounceParser = corpus{name: "Mail::DeliveryStatus::BounceParser", from: "1.543, Perl", mails: 125, rest: map[string]disagreed{
	"aol-senderblock.msg":            {ours, "AOL's old form names the part before the @ alone; no recipient is told"},
	"aol.attachment.msg":             {ours, "AOL's old form names the part before the @ alone; no recipient is told"},
	"quota-4.msg":                    {theirs, "\"max message size exceeded\" is about the message, not about what the mailbox may hold"},
	"spam-bogus-email-in-report.msg": {theirs, "an advertisement, taken for a bounce"},
	"spam-with-image.msg":            {theirs, "an advertisement, taken for a bounce"},
	"whitelist.msg":                  {theirs, "a server refused it with 550 and asks for a confirmation: it was not delivered"},
}}
