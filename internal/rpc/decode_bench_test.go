package rpc

import (
	stdjson "encoding/json"
	"testing"

	"github.com/go-json-experiment/json"
)

type benchRequest struct {
	Query    string `json:"query"`
	PageSize int    `json:"pageSize"`
	Options  struct {
		Filters []struct {
			Field  string `json:"fieldName"`
			Values []struct {
				Value    string `json:"value"`
				Relation string `json:"relationType"`
			} `json:"values"`
		} `json:"facetFilters"`
		Buckets int `json:"facetBucketSize"`
	} `json:"requestOptions"`
}

const benchBody = `{"query":"anemometer calibration drift in cold","pageSize":20,"trackingToken":"abcdefghijklmnopqrstuvwxyz","requestOptions":{` +
	`"facetFilters":[{"fieldName":"type","values":[{"value":"article","relationType":"EQUALS"},{"value":"document","relationType":"EQUALS"}]},` +
	`{"fieldName":"from","values":[{"value":"mira.okafor@quillmere.example","relationType":"EQUALS"}]}],"facetBucketSize":20}}`

// BenchmarkDecode compares the strict library that the edge uses with the standard one, which takes keys in any case
// and the last of two duplicates.
func BenchmarkDecode(b *testing.B) {
	body := []byte(benchBody)
	b.Run("strict", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var req benchRequest
			if err := json.Unmarshal(body, &req, lenient); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var req benchRequest
			if err := stdjson.Unmarshal(body, &req); err != nil {
				b.Fatal(err)
			}
		}
	})
}
