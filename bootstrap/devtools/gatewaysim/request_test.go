package gatewaysim

import (
	"bytes"
	"encoding/json"
	"testing"
)

// sent is what a body means to encoding/json.
type sent struct {
	To    string `json:"to"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Class string `json:"class"`
}

func sentBy(q request) sent { return sent{q.To, q.Title, string(q.Text), q.Class} }

func TestPlainBodiesAreCutAndOthersDecoded(t *testing.T) {
	t.Parallel()
	for body, plain := range map[string]bool{
		textMessage:                       true,
		pushMessage:                       true,
		`{ "to" : "1" , "text" : "한" }`:   true,
		`{"to":"1","text":"a\nb\\\"c\""}`: true,
		`{"to":"1","text":"a\u0041"}`:     false,
		`{"to":"1","text":"x","more":1}`:  false,
		`{}`:                              false,
	} {
		if _, ok := cutRequest([]byte(body)); ok != plain {
			t.Errorf("%s: cut %v", body, ok)
		}
		var want sent
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatal(err)
		}
		if got, err := decodeRequest([]byte(body)); err != nil || sentBy(got) != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func FuzzDecodeRequestAgreesWithEncodingJSON(f *testing.F) {
	for _, body := range []string{textMessage, pushMessage, `{"to":"1",}`, `{"to":"a","to":"b"}`, "{\"to\":\"\xff\"}", `{"to":"1"}}`, `{"to":"\\\"\n"}`, `{"to":"\\","text":"\"}`, `{"text":"\n\\\"\t","to":"\u0041"}`, `{"text":"a\nb","text":"c\\"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want sent
		wantErr := json.Unmarshal(body, &want)
		got, err := decodeRequest(bytes.Clone(body))
		if (err == nil) != (wantErr == nil) || (err == nil && sentBy(got) != want) {
			t.Errorf("%q: %+v, %v; encoding/json %+v, %v", body, got, err, want, wantErr)
		}
	})
}
