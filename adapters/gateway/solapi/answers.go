package solapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
)

// The pages that say what codes and answers mean. The form of the answer is that of SOLAPI's own library.
const (
	codesPage     = "https://docs.solapi.com/api-reference/message-status-codes"
	signaturePage = "https://docs.solapi.com/authentication/api-key"
	answerPage    = "https://github.com/solapi/solapi-nodejs/blob/master/src/models/responses/sendManyDetailResponse.ts"
)

// answer is what SOLAPI answers to a request to send: an error, or the group that it made of the messages. A message that is not
// taken is in the list of failures, and the status is 200 all the same.
type answer struct {
	Code    answers.Text `json:"errorCode"`
	Message answers.Text `json:"errorMessage"`
	Failed  []result     `json:"failedMessageList"`
	Taken   []result     `json:"messageList"`
	Group   struct {
		ID    string `json:"groupId"`
		Count struct {
			Registered int `json:"registeredSuccess"`
			Failed     int `json:"registeredFailed"`
		} `json:"count"`
	} `json:"groupInfo"`
}

type result struct {
	ID      string            `json:"messageId"`
	Code    answers.Text      `json:"statusCode"`
	Message answers.Text      `json:"statusMessage"`
	Fields  map[string]string `json:"customFields"`
}

// The codes of a message that was taken, and of one at whose intake something is wrong that is not in the table.
const (
	codeTaken  = "2000"
	codeIntake = "1xxx"
)

func readSaid(raw []byte) answers.Said {
	var a answer
	if json.Unmarshal(raw, &a) != nil {
		return answers.Said{}
	}
	switch {
	case a.Code != "":
		return answers.Said{Code: string(a.Code), Message: string(a.Message)}
	case len(a.Failed) == 1 && len(a.Taken) == 0 && a.Group.Count.Registered == 0:
		return a.Failed[0].said()
	case len(a.Failed) == 0 && len(a.Taken) == 1 && a.Group.Count.Failed == 0:
		return a.Taken[0].said()
	case len(a.Failed) == 0 && len(a.Taken) == 0 && a.Group.Count.Failed == 0 && a.Group.Count.Registered == 1:
		return answers.Said{Code: codeTaken, MessageID: a.Group.ID}
	default: // several messages, or none
		return answers.Said{}
	}
}

func (r result) said() answers.Said {
	said := answers.Said{Code: string(r.Code), Message: string(r.Message), MessageID: r.ID}
	if len(said.Code) == len(codeIntake) && said.Code[0] == '1' && !documented[said.Code] {
		said.Code, said.Message = codeIntake, said.Code+" "+said.Message
	}
	return said
}

// ofAnother reports whether an answer names another message than ours.
func ofAnother(raw []byte, ours string) bool {
	var a answer
	if ours == "" || json.Unmarshal(raw, &a) != nil {
		return false
	}
	for _, r := range append(a.Failed, a.Taken...) {
		if named := r.Fields[field]; named != "" && named != ours {
			return true
		}
	}
	return false
}

// accepts takes a message or a group that was taken for an acceptance: another server's 200 says nothing of the message.
func accepts(status int, said answers.Said) bool {
	return status/100 == 2 && said.Code == codeTaken && gateway.ValidMessageID(said.MessageID)
}

// documented are the codes of failures at intake that are in the table.
var documented = map[string]bool{}

func rules() (all []answers.Rule) {
	failure := func(code string, means gateway.Meaning, why, message string) {
		documented[code] = true
		shown := strings.ReplaceAll(code, "x", "9")
		all = append(all, answers.Rule{Status: 2, Code: code, Means: means, Why: why, Source: codesPage, Examples: []string{
			fmt.Sprintf(`200 {"failedMessageList":[{"statusCode":%q,"statusMessage":%q}],"groupInfo":{"groupId":"G4V20211116140944NLZUCJOCVNOYW9Y"}}`, shown, message),
		}})
	}
	failure("1060", gateway.Permanent, "the number is blocked at SOLAPI", "차단된 수신번호")
	failure("1061", gateway.Permanent, "the customer has refused messages by a 080 number", "사용자에 의해 수신거부 됨(080무료수신거부)")
	failure("1014", gateway.Permanent, "the subject is longer than an LMS's may be", "제목은 40byte까지 사용 가능합니다.")
	failure("1028", gateway.Permanent, "a character that text messages cannot have: another channel's may", "Non Printable Characters는 사용할 수 없습니다.")
	failure("1029", gateway.Permanent, "a character that text messages cannot have: another channel's may", "문자메시지의 경우 EUC-KR(완성형 한글) 범위 안에 있는 문자만 사용 합니다.")
	failure("1031", gateway.Permanent, "longer than a text message may be: another channel's may not be", "SMS는 90byte LMS, MMS는 2000byte 까지 사용 가능 합니다.")
	failure("1011", gateway.PermanentDoubted, "the number's form, or that of something of ours", "Format Error")
	failure("1030", gateway.Provider, "our account's balance is used up", "잔액 부족")
	failure("1062", gateway.Provider, "our sender number is not registered", "발신번호 미등록")
	failure("1064", gateway.Provider, "our account is blocked after a complaint to the authorities", "KISA 신고로 인한 차단")
	failure("1041", gateway.Provider, "AlimTalk: our KakaoTalk channel (pfId) is none", "유효한 플러스 친구 값이 아닙니다.")
	failure("1042", gateway.Provider, "AlimTalk: our template is none", "유효한 템플릿 아이디가 아닙니다.")
	failure("1043", gateway.ProviderDoubted, "AlimTalk: our text is not the template's, most likely of every bill", "등록한 템플릿과 내용이 다릅니다.")
	failure("1020", gateway.Provider, "our account is not known", "등록된 계정이 아니거나 패스워드가 틀림")
	failure("1024", gateway.UnknownMeaning, "a failure of theirs", "서버 오류")
	failure(codeIntake, gateway.ProviderDoubted, "an error at intake, by its first digit: our request, at least in doubt", "접수 중 오류")
	refusal := func(status int, code string, means gateway.Meaning, why, message, source string) {
		example := fmt.Sprintf(`{"errorCode":%q,"errorMessage":%q}`, code, message)
		if status < 100 {
			example = "400 " + example
		}
		all = append(all, answers.Rule{Status: status, Code: code, Means: means, Why: why, Source: source, Examples: []string{example}})
	}
	refusal(403, "InvalidAPIKey", gateway.Provider, "our key is none", "유효한 API Key가 아님", signaturePage)
	refusal(403, "SignatureDoesNotMatch", gateway.Provider, "our secret is another one", "생성한 Signature가 일치하지 않음", signaturePage)
	refusal(403, "RequestTimeTooSkewed", gateway.Provider, "our clock is more than 15 minutes wrong", "시간 값이 서버 시간을 15분 이상 벗어남", signaturePage)
	refusal(403, "DuplicatedSignature", gateway.UnknownMeaning, "this very request has come before, since each has a salt of its own: something on the way repeated it, and the first one may have been taken", "15분 안에 동일한 signature 값", signaturePage)
	refusal(4, "NotEnoughBalance", gateway.Provider, "our account's balance is used up", "잔액이 부족합니다.", "https://docs.solapi.com/api-reference/messages/groups/sendgroupmessage")
	return all
}

// table is SOLAPI's. What comes later, as a result of a message (3xxx), is not in it.
var table = &answers.Table{
	Read: readSaid, Accepts: accepts, Rules: rules(),
	Accepted: []string{
		`200 {"failedMessageList":[],"messageList":[{"messageId":"M4V20211116140944VNOQH1HURYHEWL8","statusCode":"2000","statusMessage":"정상 접수(이통사로 접수 예정)"}],"groupInfo":{"groupId":"G4V20211116140944NLZUCJOCVNOYW9Y","count":{"total":1,"registeredFailed":0,"registeredSuccess":1}}}`,
	},
	Why: "the message was taken, and goes to the carrier", Source: answerPage,
}

// Answers lists SOLAPI's answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
