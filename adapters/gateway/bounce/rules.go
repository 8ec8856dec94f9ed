package bounce

import (
	"regexp"
	"strings"
	"sync"
)

// rule is a sentence that says what a mail without a delivery status is. Of those that fit, the first one counts.
type rule struct {
	name       string
	words      func() *regexp.Regexp
	kind       Kind
	definitive bool // the sentence of a known server, which says it when it has given up
	example    string
}

// says is for a sentence in lower case, however its words are folded, quoted and spaced. A blank in it is not in brackets. It is compiled
// once a bounce is read: the services that read none have no memory for it.
func says(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(strings.NewReplacer(" ?", `[\s>*|]*`, " ", `[\s>*|]+`).Replace(pattern))
	})
}

// formats are sentences of known servers. They count whoever the mail is from.
var formats = []rule{
	{
		name: "warning", kind: Delayed,
		words:   says(`this is (?:just )?a warning (?:message )?only|(?:no|not) need to (?:re-?send|retry)|do not re-?send|no action is required on your part|has not yet been delivered|could not send message for(?: the)? past|message (?:still )?undelivered after|will (?:keep|continue) (?:on )?(?:trying|to try)|attempts will continue|will be retried|(?:deliver[a-z]*|mail|message)(?: of [^.]{1,80})? (?:is|has been|was) (?:delayed|postponed)|delivery to (?:these|the following) recipients?(?: or groups)? (?:is|has been) delayed|had transient (?:non-fatal )?errors`),
		example: "Warning: could not send message for past 4 hours",
	},
	{name: "qmail", kind: Undelivered, definitive: true, words: says(`hi\. this is the [a-z0-9._-]{1,40} program at `), example: "Hi. This is the qmail-send program at mx.example.com."},
	{name: "Exim", kind: Undelivered, definitive: true, words: says(`message that you sent could not be delivered to (?:one or more|all) of its recipients`), example: "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error."},
	{name: "Postfix", kind: Undelivered, definitive: true, words: says(`(?:your message|the message returned below|the attached message) could not be delivered to one or more (?:recipients|destinations)`), example: "I'm sorry to have to inform you that your message could not be delivered to one or more recipients."},
	{name: "sendmail", kind: Undelivered, definitive: true, words: says(`following addresses had (?:permanent )?(?:fatal |delivery )?(?:errors|problems)`), example: "----- The following addresses had permanent fatal errors -----"},
	{name: "Exchange", kind: Undelivered, definitive: true, words: says(`did not reach (?:the following recipient|some or all of the intended recipient)|delivery has failed to these recipients`), example: "Delivery has failed to these recipients or groups:"},
	{name: "Exchange, in Korean", kind: Undelivered, definitive: true, words: says(`(?:다음|이) (?:받는 ?사람|수신자)(?: 또는 (?:그룹|메일 그룹))?(?:에게|에)? ?(?:메시지를? |메일을? )?(?:배달|전달|전송)(?:하지 못|되지 않|할 수 없|하는 데 실패|에 실패)`), example: "다음 받는 사람 또는 그룹에 메시지를 배달하지 못했습니다."},
	{name: "Exchange, in Japanese", kind: Undelivered, definitive: true, words: says(`(?:次の|以下の)(?:受信者|宛先)[^\n。]{0,30}(?:配信|送信|配達)(?:が|に|は)?(?:できません|失敗|されません)`), example: "次の受信者またはグループへの配信に失敗しました。"},
	{name: "Gmail", kind: Undelivered, definitive: true, words: says(`delivery to the following recipients? (?:has )?failed permanently|your message wasn't delivered to`), example: "Delivery to the following recipient failed permanently:"},
	{name: "Yahoo", kind: Undelivered, definitive: true, words: says(`unable to deliver (?:your )?message to the following address`), example: "Message from yahoo.com. Unable to deliver message to the following address(es)."},
}

// automatic are replies that nobody wrote for this mail: of a person who is away, or who asks for a confirmation.
var automatic = []rule{
	{
		name: "challenge-response", kind: AutoReply,
		words:   says(`(?:confirm|verify|authenticate|approve|release) (?:that )?(?:your|the|this) (?:message|e-?mail|address|delivery|identity)|(?:click|follow|visit)[^\n]{0,20} (?:link|url|address|button)[^.]{0,60} (?:confirm|verify|release|deliver|approve)|please confirm|not pre-approved|challenge[\s/-]response|(?:guest|white|approved[\s-]senders?) ?list|spam ?arrest|boxbe|prove (?:that )?you are (?:a )?human|수신 ?허용 ?요청|발신자 (?:확인|인증)|送信者(?:の)?確認`),
		example: "Please confirm your message by replying to this mail.",
	},
	{
		name: "vacation reply", kind: AutoReply,
		words:   says(`out of (?:the )?office|(?:automatic|automated|auto)[\s-]?(?:reply|response|responder|generated)|autoreply|(?:on|away (?:on|for)) (?:vacation|holiday|annual leave|maternity leave)|vacation (?:reply|message)|away from (?:my|the) [a-z-]+|abwesenheit|automatische (?:antwort|rückmeldung)|r[ée]ponse automatique|absence du bureau|respuesta autom[áa]tica|risposta automatica|autoodpowied|부재 ?중|자동 ?(?:회신|응답|답장)|휴가 ?중|不在|自動(?:応答|返信|送信)|休暇中`),
		example: "Out of office: I am on holiday until Monday.",
	},
}

// phrases are what servers say in words that no format fixes. They count in mails that a mail system sent.
var phrases = []rule{
	{name: "words, in Korean", kind: Undelivered, words: says(`(?:메일|메세지|메시지|편지)(?:을|를|이|가)? ?(?:정상적으로 )?(?:배달|전달|전송|발송|수신)(?:하지 못|되지 (?:않|못)|할 수 없|에 실패|이 실패)|(?:배달|전달|전송|발송) ?(?:실패|불가|오류)|반송(?:되었|된|합니다|메일| 메일)|리턴 ?메일|(?:계정|수신자|사용자|받는 ?(?:사람|이))(?:이|가|를|을)? ?(?:존재하지 않|없는|찾을 수 없|확인할 수 없)|존재하지 않는 (?:계정|수신자|사용자|메일)`), example: "아래 수신자에게 메일을 전달하지 못했습니다."},
	{name: "words, in Japanese", kind: Undelivered, words: says(`(?:配信|送信|配達|送達|転送|お届け)(?:する(?:こと)?)?(?:が|は|も|に)?(?:でき(?:ません|なかった|ず)|不能|不可|失敗|エラー|されません)|配達不能|エラーメール|(?:宛先|アドレス|ユーザー?)(?:が|は)?(?:不明|見つかりません|存在しません)`), example: "以下のメールは配信できませんでした。"},
	{name: "words", kind: Undelivered, words: says(`undeliver(?:able|ed)|(?:could|can|was|were|is|are|has|have|will)(?:n't| ?not)(?: be| been| able to)?(?: successfully)? deliver|(?:unable|failed|failure|impossible) to (?:be )?deliver|(?:not|never) be(?:en)? delivered|deliver(?:y|ing) (?:[a-z-]+ ){0,4}(?:fail|error|problem|impossible|aborted)|(?:fail|error|problem)[a-z]* (?:in |during |with )?(?:mail )?deliver|non-?delivery|returned (?:mail|message|to sender)|(?:mail|message)(?: to [^.\n]{1,80})? (?:was |is |has been )?(?:automatically )?(?:returned|rejected|refused|bounced|blocked)|to the following recipients?[^.\n]{0,30} (?:abort|fail|reject)|bounced? (?:mail|message)|user unknown|unknown (?:user|recipient|local part)|no (?:such |valid )?(?:user|mailbox|recipient|address)|mail failed|failed mail|(?:unknown host|host (?:unknown|not found))|(?:recipient|user|mailbox|address|account|id) (?:[^\s]+ )?(?:is |was |has )?(?:not (?:found|known|available|exist)|unknown|invalid|full|disabled|over quota|rejected|exceeded)|invalid (?:recipient|address|user|mailbox)|does(?:n't| not) (?:exist|have an? )|mailbox (?:is |has )?(?:full|exceed)|quota|not (?:a )?(?:valid|active|known) (?:user|address|recipient|mailbox)|[45][0-9][0-9] [45]\.[0-9]\.[0-9]`), example: "Your message could not be delivered to <kim@example.com>."},
	{name: "words, in other languages", kind: Undelivered, words: says(`nicht zugestellt|unzustellbar|nicht (?:ausgeliefert|übermittelt)|n'a (?:pas )?pu [^.\n]{0,40}(?:remis|distribu|délivr)|n'a pas été (?:remis|distribu|délivr)|non remis|no se (?:ha podido|pudo|puede) entregar|no pudo ser entregad|non è stato [^.\n]{0,12}(?:consegn|recapit)|mancata consegna|niemożliw|nie (?:został|mogł|może|można)|não (?:pôde|foi) (?:ser )?entreg|无法(?:投递|发送|送达)|退信|投递失败|доставить`), example: "Ihre Nachricht konnte nicht zugestellt werden."},
}

// quotes begin the message that a text, in lower case, returns.
var quotes = regexp.MustCompile(`(?m)^[ \t>|*]*(?:-{2,}[^\n]*(?:cop(?:y|ies) of|original|returned|unsent|undelivered|(?:message|mail) (?:header|text|body|follow|source)|headers?\b|below this line|forwarded|included)[^\n]*` +
	`|(?:the )?(?:original|header|text|beginning|first [^\n]{0,20}lines?)[^\n]{0,40}(?:message|mail)[^\n]{0,40}(?:follow|below|header|attached|is:|was:)[^\n]*|original message[^\n]{0,20}:?` +
	`|(?:received: (?:from|by|\()|return-path: |x-[a-z-]+: |mime-version: |message-id: <)[^\n]*|[-=> ]*(?:원본 ?(?:메시지|메일|내용)|元のメッセージ|オリジナルメッセージ|以下は、?元)[^\n]*)$`)
