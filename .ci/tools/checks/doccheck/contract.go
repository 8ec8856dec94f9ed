package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// contractFile is the AsyncAPI document of the repository.
const contractFile = "docs/contract/asyncapi.yaml"

// checkContract validates the event contract against the schema of AsyncAPI 3.
func checkContract(ctx context.Context, root string) ([]finding, error) {
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(contractFile)))
	if err != nil {
		return nil, err
	}
	definition, err := asyncAPISchema.fetch(ctx)
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(definition))
	if err != nil {
		return nil, fmt.Errorf("read the schema of AsyncAPI: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("asyncapi.json", parsed); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile("asyncapi.json")
	if err != nil {
		return nil, fmt.Errorf("compile the schema of AsyncAPI: %w", err)
	}
	var document any
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return []finding{{contractFile, 1, oneLine(err.Error())}}, nil
	}
	if err := schema.Validate(document); err != nil {
		return []finding{{contractFile, 1, "it is no AsyncAPI 3: " + oneLine(err.Error())}}, nil
	}
	return nil, nil
}
