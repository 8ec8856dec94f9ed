package nhn

import (
	"encoding/json"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
)

// The pages that say what codes and answers of AlimTalk mean.
const (
	alimTalkCodes = "https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/error-code/"
	alimTalkGuide = "https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/alimtalk-api-guide/"
)

// alimTalkSent is what AlimTalk answers to a message, beside the header.
type alimTalkSent struct {
	Message struct {
		RequestID string `json:"requestId"`
		Results   []struct {
			Code      answers.Text `json:"resultCode"`
			Message   answers.Text `json:"resultMessage"`
			Reference string       `json:"recipientGroupingKey"`
		} `json:"sendResults"`
	} `json:"message"`
}

func readAlimTalk(raw []byte) answers.Said {
	a := read(raw)
	if !a.succeeded() {
		return answers.Said{Code: string(a.Header.Code), Message: string(a.Header.Message)}
	}
	var sent alimTalkSent
	if json.Unmarshal(raw, &sent) != nil || len(sent.Message.Results) != 1 {
		return answers.Said{} // a success that names not one message is none
	}
	if one := sent.Message.Results[0]; one.Code != "0" {
		return answers.Said{Code: string(one.Code), Message: string(one.Message)}
	}
	return answers.Said{Code: "0", MessageID: sent.Message.RequestID}
}

// alimTalkOfAnother reports whether an answer names another message than ours.
func alimTalkOfAnother(raw []byte, ours string) bool {
	var sent alimTalkSent
	if ours == "" || json.Unmarshal(raw, &sent) != nil || len(sent.Message.Results) != 1 {
		return false
	}
	named := sent.Message.Results[0].Reference
	return named != "" && named != ours
}

// alimTalkRules are the codes of AlimTalk, under any status that is no 5xx, as of SMS. What a template lacks is about us, whoever
// the customer is.
func alimTalkRules() (all []answers.Rule) {
	add := func(code string, means gateway.Meaning, why, message string) {
		example := fmt.Sprintf(`200 {"header":{"isSuccessful":false,"resultCode":%s,"resultMessage":%q}}`, code, message)
		all = append(all, answers.Rule{Status: 2, Code: code, Means: means, Why: why, Source: alimTalkCodes, Examples: []string{example}},
			answers.Rule{Status: 4, Code: code, Means: means, Why: why, Source: alimTalkCodes})
	}
	add("-5000", gateway.Permanent, "no such number", "RecipientNo is invalid.")
	add("-1000", gateway.Provider, "our app key is none", "Invalid appKey.")
	add("-1001", gateway.Provider, "our secret key is none", "Invalid secretKey.")
	add("-1006", gateway.Provider, "our sender profile has no key", "Plus friend don't have senderKey.")
	add("-1014", gateway.Provider, "our sender profile is not active", "Not active status plus friend.")
	add("-1027", gateway.Provider, "our sender profile is blocked", "The sender is blocked status.")
	add("-2017", gateway.Provider, "our sender profile is none", "Not exist plus friend.")
	add("-3003", gateway.Provider, "our template is none", "Template does not exist.")
	add("-3005", gateway.Provider, "our template is not approved", "Please check template status.")
	add("-4004", gateway.Provider, "our app key is none", "Not exist appkey.")
	add("-4005", gateway.Provider, "our app key is switched off", "Appkey is disabled status.")
	add("-9998", gateway.Provider, "our configured URL", "Not exist API")
	add("-1028", gateway.ProviderDoubted, "a variable of more than 14 characters, which a new sender may not fill", "Blacklist can't use more than 14 characters in template value.")
	add("-3004", gateway.ProviderDoubted, "our variables are not the template's", "Please check template parameter.")
	add("-3010", gateway.ProviderDoubted, "our text is not the template's", "The contents are not matched to template.")
	add("-3324", gateway.ProviderDoubted, "our variables are not the template's", "The template parameter is invalid.")
	add("4", gateway.ProviderDoubted, "our request", "Parameter validation failed")
	add("-2000", gateway.ProviderDoubted, "our request", "The 'templateCode' must be at less than or equal to 20.")
	add("-2001", gateway.ProviderDoubted, "our request", "The 'templateCode' must not be blank.")
	add("-2018", gateway.ProviderDoubted, "our template's buttons", "Button parameter is invalid.")
	add("-3002", gateway.ProviderDoubted, "our request", "Field is not valid.")
	add("-4000", gateway.ProviderDoubted, "our request", "Invalid parameter")
	add("-9996", gateway.ProviderDoubted, "our request", "Only application/json Content-type is supported.")
	add("-9997", gateway.ProviderDoubted, "our request", "Client Error.")
	add("-1005", gateway.UnknownMeaning, "this very request has come before: something on the way repeated it, and the first one may have been taken", "The same 'X-NC-API-IDEMPOTENCY-KEY' was used within the last 10 minute.")
	add("-7000", gateway.UnknownMeaning, "a failure behind them", "Vender request API is failed.")
	add("-9999", gateway.UnknownMeaning, "a failure of theirs", "System error. Please inquire at support@toast.com.")
	return all
}

// alimTalkTable is NHN Cloud's for AlimTalk. What comes later, as a result of a message (3019 and so on), is not in it.
var alimTalkTable = &answers.Table{
	Read: readAlimTalk, Accepts: accepts, Rules: alimTalkRules(),
	Accepted: []string{
		`200 {"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"message":{"requestId":"20180810100630ReZQ6KZzAH0","sendResults":[{"recipientSeq":1,"recipientNo":"01000000000","resultCode":0,"resultMessage":"SUCCESS"}]}}`,
	},
	Why: "the request was taken, and the recipient with it", Source: alimTalkGuide,
}

// AlimTalkAnswers lists NHN Cloud's answers to AlimTalk for docs/operations/answers.md.
func AlimTalkAnswers() []gateway.Answer { return alimTalkTable.List() }
