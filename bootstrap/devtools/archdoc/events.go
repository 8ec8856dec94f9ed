package archdoc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/port"
)

func eventsPage(p *printer, s Sources) error {
	p.line("What the services tell each other by Kafka. %s For programs: %s.\n", evolution, p.link("AsyncAPI 3", "docs/contract/asyncapi.yaml"))
	list, err := messages()
	if err != nil {
		return err
	}
	lines := []string{"flowchart TB"}
	for i, m := range list {
		lines = append(lines, fmt.Sprintf("  %s -- %s --> t%d{{%s}}", m.writer, m.name, i, m.topic), fmt.Sprintf("  t%d -- %s --> %s", i, m.name, m.reader))
	}
	lines = append(lines, fmt.Sprintf("  delivery -- what can never be delivered --> dlq{{%s}}", port.TopicDeadLetter))
	p.mermaid(lines...)
	p.line("The Kafka key is the user id. Each value is JSON with the attributes of CloudEvents 1.0 as headers (`ce_id`, `ce_type`, `ce_source`,")
	p.line("`ce_specversion`, `ce_time`) and `traceparent`.\n")
	for _, m := range list {
		payload, err := schemaOf(s.Code, m.value)
		if err != nil {
			return err
		}
		p.line("## %s\n\n%s %s (%s). `ce_id` is %s.\n", m.name, m.name, m.says, p.link("Go type", "application/event/event.go"), m.id)
		p.table([]string{"Field", "Type", "Says"}, fieldRows("", payload))
		var pretty strings.Builder
		body := json.NewEncoder(&pretty)
		body.SetIndent("", "  ")
		if err := body.Encode(json.RawMessage(m.examples[0].Value)); err != nil {
			return err
		}
		p.line("```json\n%s```\n", pretty.String())
	}
	return nil
}

// fieldRows lists a schema's properties, those of its own objects too.
func fieldRows(before string, schema *yaml.Node) (rows [][]string) {
	at := func(n *yaml.Node, name string) *yaml.Node {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1]
			}
		}
		return &yaml.Node{}
	}
	required := at(schema, "required").Content
	properties := at(schema, "properties").Content
	for i := 0; i+1 < len(properties); i += 2 {
		name, field := properties[i].Value, properties[i+1]
		kind := at(field, "type").Value
		for _, more := range []string{"format", "contentEncoding"} {
			if text := at(field, more).Value; text != "" {
				kind = text
			}
		}
		says := at(field, "description").Value
		for _, more := range []string{"enum", "examples"} {
			var values []string
			for _, v := range at(field, more).Content {
				values = append(values, "`"+v.Value+"`")
			}
			if len(values) > 0 {
				says += ": " + strings.Join(values, ", ")
			}
		}
		if !slices.ContainsFunc(required, func(n *yaml.Node) bool { return n.Value == name }) {
			kind += ", optional"
		}
		rows = append(rows, []string{"`" + before + name + "`", kind, says})
		rows = append(rows, fieldRows(before+name+".", field)...)
	}
	return rows
}
