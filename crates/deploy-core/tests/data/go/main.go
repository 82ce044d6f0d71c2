// Command tables asks the Go modules that Kubernetes, Docker and Helm build on what they make of the inputs beside it,
// and writes their answers into the tables that the Rust tests compare with.
package main

import (
	"bytes"
	// A digest's algorithm counts as known when its package is linked in.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/distribution/reference"
	"sigs.k8s.io/yaml"
)

func main() {
	for _, err := range []error{
		table("scalars.txt", "kubernetes-scalars.json", false, scalar),
		table("documents.txt", "kubernetes-documents.json", true, document),
		table("references.txt", "docker-references.json", false, image),
		table("constraints.txt", "masterminds-constraints.json", false, constraint),
	} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// table answers every input of a file: one a line, or (documents) one between lines of "=====".
func table(from, to string, documents bool, answer func(string) any) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	separator := "\n"
	if documents {
		separator = "\n=====\n"
	}
	var out bytes.Buffer
	out.WriteString("[\n")
	inputs := strings.Split(strings.TrimSuffix(string(text), "\n"), separator)
	for i, input := range inputs {
		var row bytes.Buffer
		encoder := json.NewEncoder(&row)
		encoder.SetEscapeHTML(false)
		// Escapes make what an editor would hide visible in the input.
		input = strings.NewReplacer(`\r`, "\r", `\t`, "\t", `\uFEFF`, "\uFEFF").Replace(input)
		if err := encoder.Encode(answer(input)); err != nil {
			return err
		}
		out.WriteString("  " + strings.TrimSuffix(row.String(), "\n"))
		if i < len(inputs)-1 {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n")
	return os.WriteFile(filepath.Join("..", to), out.Bytes(), 0o644)
}

type row struct {
	In    string          `json:"in"`
	Value json.RawMessage `json:"value,omitempty"`
	Key   string          `json:"key,omitempty"`
	Error bool            `json:"error,omitempty"`
}

// scalar reads the input as a map's value, and as a map's key.
func scalar(input string) any {
	out := document("v: " + input + "\n").(row)
	out.In = input
	if out.Value != nil {
		var value map[string]json.RawMessage
		if err := json.Unmarshal(out.Value, &value); err == nil {
			out.Value = value["v"]
		}
	}
	if key, err := yaml.YAMLToJSON([]byte("? " + input + "\n: x\n")); err == nil {
		var value map[string]json.RawMessage
		if err := json.Unmarshal(key, &value); err == nil {
			for key := range value {
				out.Key = "=" + key
			}
		}
	}
	return out
}

func document(input string) any {
	// kubectl reads by line and ends every line, the last one too.
	text := input
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	// yaml.v2 panics on some inputs; a panic is an error too.
	value, err := func() (value []byte, err error) {
		defer func() {
			if problem := recover(); problem != nil {
				err = fmt.Errorf("panic: %v", problem)
			}
		}()
		return yaml.YAMLToJSON([]byte(text))
	}()
	if err != nil {
		return row{In: input, Error: true}
	}
	return row{In: input, Value: value}
}

type referenceRow struct {
	In        string `json:"in"`
	Canonical string `json:"canonical,omitempty"`
}

func image(input string) any {
	named, err := reference.ParseNormalizedNamed(input)
	if err != nil {
		return referenceRow{In: input}
	}
	return referenceRow{In: input, Canonical: reference.TagNameOnly(named).String()}
}

// versions is what every constraint is asked about.
var versions = strings.Fields(`
	0.0.0-alpha 0.0.0 0.0.1 0.0.3 0.0.4 0.1.0 0.2.0 0.2.3-rc.1 0.2.3 0.2.5 0.3.0 1.0.0-rc.1 1.0.0 1.1.9
	1.2.0-alpha 1.2.0 1.2.3-0 1.2.3-alpha 1.2.3-beta.2 1.2.3-beta.11 1.2.3-beta.x 1.2.3 1.2.3+b1 1.2.4-0 1.2.4 1.2.10
	1.3.0-rc.1 1.3.0 1.4.0 1.4.5 1.4.6 1.9.0 2.0.0-rc.1 2.0.0 2.1.0 3.0.0-alpha 3.0.0 3.1.4 10.0.0 18446744073709551615.0.0`)

type constraintRow struct {
	In      string   `json:"in"`
	Matches []string `json:"matches"`
	Error   bool     `json:"error,omitempty"`
}

func constraint(input string) any {
	row := constraintRow{In: input, Matches: []string{}}
	constraint, err := semver.NewConstraint(input)
	if err != nil {
		row.Error = true
		return row
	}
	for _, version := range versions {
		if constraint.Check(semver.MustParse(version)) {
			row.Matches = append(row.Matches, version)
		}
	}
	return row
}
