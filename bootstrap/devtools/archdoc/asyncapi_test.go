package archdoc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
)

// contract is the part of the AsyncAPI document that readers of events go by.
type contract struct {
	Components struct {
		Messages map[string]struct {
			Payload, Headers any
			Examples         []struct {
				Headers map[string]string
				Payload any
			}
		}
	}
}

func readContract(t *testing.T) contract {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs/contract/asyncapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c contract
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// schema compiles a schema of the document; formats count.
func schema(t *testing.T, name string, document any) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, jsonValue(t, document)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// jsonValue is a value as a JSON decoder gives it.
func jsonValue(t *testing.T, value any) any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// decode reads an event as its reader does.
func decode(name string, m port.Message) error {
	if name == "DispatchResult" {
		_, err := event.DecodeResult(m)
		return err
	}
	_, _, err := event.DecodeRequested(m)
	return err
}

func TestTheContractsExamplesSatisfyItsSchemasAndTheDecoder(t *testing.T) {
	t.Parallel()
	for name, message := range readContract(t).Components.Messages {
		if len(message.Examples) < 2 {
			t.Errorf("%s has %d examples", name, len(message.Examples))
		}
		payload, headers := schema(t, name, message.Payload), schema(t, name+"-headers", message.Headers)
		for i, example := range message.Examples {
			if err := payload.Validate(jsonValue(t, example.Payload)); err != nil {
				t.Errorf("%s, example %d: %v", name, i, err)
			}
			if err := headers.Validate(jsonValue(t, example.Headers)); err != nil {
				t.Errorf("%s, headers of example %d: %v", name, i, err)
			}
			if err := decode(name, asMessage(t, example.Headers, example.Payload)); err != nil {
				t.Errorf("%s, example %d: %v", name, i, err)
			}
		}
	}
}

func asMessage(t *testing.T, headers map[string]string, payload any) port.Message {
	t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	m := port.Message{Value: raw}
	for name, value := range headers {
		m.Headers = append(m.Headers, port.Header{Name: name, Value: value})
	}
	return m
}

// What the contract forbids the decoder refuses, and what it allows it takes.
func TestContractAndDecoderAgree(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	for name, spoil := range map[string]struct {
		message, field string
		value          any // nil: left out
		good           bool
	}{
		"no month":               {"DispatchRequested", "billing_month", nil, false},
		"month 13":               {"DispatchRequested", "billing_month", "2026-13", false},
		"no user":                {"DispatchRequested", "user_id", nil, false},
		"user 0":                 {"DispatchRequested", "user_id", 0, false},
		"negative attempt":       {"DispatchRequested", "attempt", -1, false},
		"negative round":         {"DispatchRequested", "round", -1, false},
		"negative step":          {"DispatchRequested", "step", -1, false},
		"text as attempt":        {"DispatchRequested", "attempt", "0", false},
		"unknown channel":        {"DispatchRequested", "channel", "FAX", false},
		"no destination":         {"DispatchRequested", "destination", nil, false},
		"empty destination":      {"DispatchRequested", "destination", "", false},
		"no statement":           {"DispatchRequested", "statement_reference", nil, false},
		"unknown unknown policy": {"DispatchRequested", "unknown_policy", "maybe", false},
		"negative call deadline": {"DispatchRequested", "call_deadline_ms", -1, false},
		"deadline is no instant": {"DispatchRequested", "deadline", "soon", false},
		"no quiet hours":         {"DispatchRequested", "quiet_hours", nil, true},
		"no deadline":            {"DispatchRequested", "deadline", nil, true},
		"a field of a newer one": {"DispatchRequested", "colour", "blue", true},
		"claimed is no outcome":  {"DispatchResult", "outcome", "CLAIMED", false},
		"no outcome":             {"DispatchResult", "outcome", nil, false},
		"result without user":    {"DispatchResult", "user_id", nil, false},
		"a newer reason":         {"DispatchResult", "reason", "moon_phase", true},
		"a newer class":          {"DispatchResult", "failure_class", "lunar", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := c.Components.Messages[spoil.message]
			example := message.Examples[0]
			payload := map[string]any{}
			raw, err := json.Marshal(example.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &payload); err != nil {
				t.Fatal(err)
			}
			if payload[spoil.field] = spoil.value; spoil.value == nil {
				delete(payload, spoil.field)
			}
			byContract := schema(t, spoil.message, message.Payload).Validate(jsonValue(t, payload))
			byDecoder := decode(spoil.message, asMessage(t, example.Headers, payload))
			if (byContract == nil) != spoil.good || (byDecoder == nil) != spoil.good {
				t.Errorf("the contract says %v, the decoder %v; want good: %t", byContract, byDecoder, spoil.good)
			}
		})
	}
}

func TestTheContractNamesEveryHeaderThatIsWritten(t *testing.T) {
	t.Parallel()
	for name, message := range readContract(t).Components.Messages {
		headers, err := json.Marshal(message.Headers)
		if err != nil {
			t.Fatal(err)
		}
		for header := range message.Examples[0].Headers {
			if !strings.Contains(string(headers), `"`+header+`"`) {
				t.Errorf("%s: the header %s is not in the contract", name, header)
			}
		}
	}
}
