package nhn

import (
	"encoding/json"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway"
)

// senderState reads the list of sender numbers, asked for ours: it must be there, in use, and not blocked. The error wraps
// gateway.ErrCheck.
func senderState(raw []byte, from string) error {
	var list struct {
		Body struct {
			Data []struct {
				Number  string `json:"sendNo"`
				Used    string `json:"useYn"`
				Blocked string `json:"blockYn"`
			} `json:"data"`
		} `json:"body"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return fmt.Errorf("%w: the list of sender numbers cannot be read", gateway.ErrCheck)
	}
	for _, sender := range list.Body.Data {
		switch {
		case sender.Number != from:
		case sender.Used != "Y":
			return fmt.Errorf("%w: the sender number is registered, and not in use", gateway.ErrCheck)
		case sender.Blocked == "Y":
			return fmt.Errorf("%w: the sender number is blocked", gateway.ErrCheck)
		default:
			return nil
		}
	}
	return fmt.Errorf("%w: the sender number is not registered in the project", gateway.ErrCheck)
}
