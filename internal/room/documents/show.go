package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// show returns a document as its readers see it, without its text.
func show(people *directory.Roster, d *corpus.Document) wire.Document {
	return wire.Document{
		ID: d.Key, Datasource: d.Datasource, ConnectorType: wire.PushAPI, DocType: d.ObjectType,
		Title: d.Title, URL: d.ViewURL,
		Metadata: wire.DocumentMetadata{
			Datasource: d.Datasource, DatasourceID: d.ID, DocumentID: d.Key, ObjectType: d.ObjectType,
			Container: d.Container, ContainerID: d.ContainerID, MimeType: d.MimeType, Status: d.Status, Labels: d.Tags,
			Author: person(people, d.Datasource, d.Author), Owner: person(people, d.Datasource, d.Owner),
			UpdatedBy:  person(people, d.Datasource, d.UpdatedBy),
			CreateTime: moment(d.CreatedAt), UpdateTime: moment(d.UpdatedAt),
			CustomData: customData(d.Properties),
		},
	}
}

// moment returns the time of Unix seconds, and the zero time, which is left out, where unknown.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// person returns whom a document names: someone of the directory where the address is known there,
// else a name with an id that is stable within the datasource. Nobody named is nil.
func person(people *directory.Roster, datasource string, u corpus.User) *wire.Person {
	if u == (corpus.User{}) {
		return nil
	}
	if p, ok := people.ByEmail(u.Email); ok {
		known := directory.Brief(p)
		return &known
	}
	stranger := wire.Person{Name: u.Name}
	for _, text := range []string{u.Email, u.UserID} {
		if stranger.Name == "" {
			stranger.Name = text
		}
	}
	sum := sha256.Sum256([]byte(datasource + "\x00" + u.Email + "\x00" + u.UserID + "\x00" + u.Name))
	stranger.ObfuscatedID = hex.EncodeToString(sum[:16])
	return &stranger
}

// withoutAddresses leaves out people of whom nothing is known but an address: tokens of nobody show names, and no address book.
func withoutAddresses(d *wire.Document) {
	for _, p := range []**wire.Person{&d.Metadata.Author, &d.Metadata.Owner, &d.Metadata.UpdatedBy} {
		if *p != nil && strings.Contains((*p).Name, "@") {
			*p = nil
		}
	}
}

// customData returns custom properties by name. Clients know texts, lists of texts, numbers and
// truths; any other value is given as its JSON, and null is left out.
func customData(properties []corpus.Property) map[string]wire.CustomDataValue {
	if len(properties) == 0 {
		return nil
	}
	data := make(map[string]wire.CustomDataValue, len(properties))
	for _, p := range properties {
		if v, ok := customValue(p.Value); ok {
			data[p.Name] = v
		}
	}
	return data
}

// addMetadata adds what groups of custom metadata say of a document, under group and key together, which is also what it can
// be filtered by. The document's own properties stay.
func addMetadata(shown *wire.Document, d *corpus.Document) {
	for _, m := range d.Metadata {
		for _, value := range m.Values {
			v, ok := customValue(value.Value)
			if _, own := shown.Metadata.CustomData[m.Group+value.Name]; own || !ok {
				continue
			}
			if shown.Metadata.CustomData == nil {
				shown.Metadata.CustomData = map[string]wire.CustomDataValue{}
			}
			shown.Metadata.CustomData[m.Group+value.Name] = v
		}
	}
}

func customValue(value jsontext.Value) (v wire.CustomDataValue, ok bool) {
	switch value.Kind() {
	case 'n', 0:
		return v, false
	case '"':
		v.StringValue = text(value)
	case '0':
		v.NumberValue = decoded[float64](value)
	case 't', 'f':
		v.BooleanValue = decoded[bool](value)
	default:
		if list := decoded[[]string](value); list != nil && value.Kind() == '[' {
			v.StringList = *list
		} else {
			v.StringValue = string(value)
		}
	}
	return v, true
}

func text(v jsontext.Value) string {
	if t := decoded[string](v); t != nil {
		return *t
	}
	return ""
}

// decoded returns nil where v is no T.
func decoded[T any](v jsontext.Value) *T {
	t := new(T)
	if json.Unmarshal(v, t) != nil {
		return nil
	}
	return t
}
