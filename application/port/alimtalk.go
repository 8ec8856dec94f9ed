package port

import (
	"encoding/json"
	"fmt"
)

// AlimTalk is the approved template of which an AlimTalk message is made, and what fills it for one customer. A provider that
// fills templates itself gets a code and the variables, another one the text of the Variant and the buttons.
type AlimTalk struct {
	Codes     map[string]string `json:"codes"`               // of the template, by the name of the provider where it is registered
	Variables map[string]string `json:"variables,omitempty"` // by their names, without #{ and }
	Buttons   []AlimTalkButton  `json:"buttons,omitempty"`   // at most five, in their order, with variables filled
}

// AlimTalkButton is a button below an AlimTalk message.
type AlimTalkButton struct {
	Type    string `json:"type"` // WL (a web page), AL (an app) and so on, as KakaoTalk calls them
	Name    string `json:"name"`
	Mobile  string `json:"mobile,omitempty"` // WL: the address that a phone opens
	PC      string `json:"pc,omitempty"`     // WL: the address that a computer opens; may be missing
	IOS     string `json:"ios,omitempty"`    // AL
	Android string `json:"android,omitempty"`
}

// Encode writes the template for Variant.Template. The same one is always written the same.
func (a AlimTalk) Encode() string {
	written, _ := json.Marshal(a) //nolint:errchkjson // texts cannot fail
	return string(written)
}

// ReadAlimTalk is the way back. ErrContent.
func ReadAlimTalk(template string) (a AlimTalk, err error) {
	if err := json.Unmarshal([]byte(template), &a); err != nil || len(a.Codes) == 0 {
		return AlimTalk{}, fmt.Errorf("%w: it names no AlimTalk template", ErrContent)
	}
	return a, nil
}
