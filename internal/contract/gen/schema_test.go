package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const sample = `
paths:
  /boats/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      parameters: [{$ref: '#/components/parameters/tide'}, {name: X-Key, in: header, schema: {type: string}}]
      requestBody: {content: {application/json; charset=UTF-8: {schema: {$ref: '#/components/schemas/Boat'}}}}
      responses:
        '200': {content: {application/json: {schema: {type: object, properties: {ok: {type: boolean}}}}}}
        '404': {}
components:
  parameters:
    tide: {name: tide, in: query, schema: {type: integer}}
  schemas:
    Colour: {type: string, enum: [RED, DARK BLUE]}
    Hull: {type: object, required: [length], properties: {length: {type: number, format: float}}}
    Boat:
      allOf:
      - $ref: '#/components/schemas/Hull'
      - type: object
        required: [colour]
        properties:
          colour: {$ref: '#/components/schemas/Colour'}
          crew: {type: object, additionalProperties: {type: array, items: {$ref: '#/components/schemas/Boat'}}}
          built: {type: string, format: date, nullable: true}
          engine: {deprecated: true, type: object, properties: {power: {type: integer}}}
    Cargo: {oneOf: [{type: string}, {type: array, items: {$ref: '#/components/schemas/Hull'}}]}
    Load: {type: object, additionalProperties: true, properties: {cargo: {$ref: '#/components/schemas/Cargo'}}}
    Vessel: {oneOf: [{$ref: '#/components/schemas/Boat'}, {type: object, required: [name], properties: {name: {type: string}}}]}
`

const sampleLines = `Boat.built string/date optional nullable
Boat.colour string required enum RED|DARK BLUE
Boat.crew map:[]ref:Boat optional
Boat.engine ref:Boat_engine optional deprecated
Boat.length number/float required
Boat_engine.power integer optional
Hull.length number/float required
Load.* any optional
Load.cargo string|[]ref:Hull optional
POST /boats/{id} 200 application/json ref:boats_200
POST /boats/{id} 404
POST /boats/{id} path id string required
POST /boats/{id} query tide integer optional
POST /boats/{id} request application/json ref:Boat optional
Vessel oneof Boat|Vessel_2
Vessel_2.name string required
boats_200.ok boolean optional`

func parse(t *testing.T, text string) *document {
	t.Helper()
	var doc document
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return &doc
}

func TestReduce(t *testing.T) {
	lines, err := reduce("client", parse(t, sample))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(sampleLines, "\n"), lines); diff != "" {
		t.Errorf("reduce (-want +got):\n%s", diff)
	}
}

func TestReduceRefusesANewSlip(t *testing.T) {
	_, err := reduce("client", parse(t, `components: {schemas: {Hull: {type: object, required: [keel], properties: {deck: {type: string}}}}}`))
	if err == nil || !strings.Contains(err.Error(), "Hull.keel is required and not defined") {
		t.Errorf("reduce = %v, want it to name Hull.keel", err)
	}
}
