package documents_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// chat is a server with conversations as a connector would send them: messages of a channel and of a thread in it, several in one
// second.
func chat(t *testing.T) (s *sheaftest.Server, ann string) {
	t.Helper()
	s = sheaftest.Open(t)
	key := s.Indexing()
	s.Must("POST", "/api/index/v1/adddatasource", key, `{"name":"talk","displayName":"Talk","datasourceCategory":"MESSAGING",
		"urlRegex":"https://talk.example.com/.*","isUserReferencedByEmail":true,
		"objectDefinitions":[{"name":"Message","docCategory":"MESSAGING"},{"name":"Thread","docCategory":"MESSAGING"},{"name":"File","docCategory":"COLLABORATIVE_CONTENT"}]}`)
	for _, email := range []string{"ann@example.com", "bob@example.com"} {
		s.Must("POST", "/api/index/v1/indexemployee", key, fmt.Sprintf(`{"employee":{"email":%q,"firstName":"A","lastName":"B","department":"d"}}`, email))
		s.Must("POST", "/api/index/v1/indexuser", key, fmt.Sprintf(`{"datasource":"talk","user":{"email":%q,"name":"A B"}}`, email))
	}
	send := func(kind, id, container, containerID string, at int64, who string) {
		s.Must("POST", "/api/index/v1/indexdocument", key, fmt.Sprintf(`{"document":{"datasource":"talk","objectType":%q,"id":%q,"title":%q,
			"viewURL":"https://talk.example.com/%s","container":%q,"containerDatasourceId":%q,"createdAt":%d,
			"body":{"mimeType":"text/plain","textContent":"said %s"},"permissions":{"allowedUsers":[{"email":%q}]}}}`,
			kind, id, id, id, container, containerID, at, id, who))
	}
	for i := range int64(120) {
		send("Message", fmt.Sprintf("m%03d", i), "#deck", "C1", 1_700_000_000+i/3, "ann@example.com") // three a second
	}
	send("Message", "hidden", "#deck", "C1", 1_700_000_010, "bob@example.com")
	send("Thread", "T1", "#deck", "C1", 1_700_001_000, "ann@example.com")
	for i := range int64(3) {
		send("Message", fmt.Sprintf("r%d", i), "a thread", "T1", 1_700_001_001+i, "ann@example.com")
	}
	send("File", "f1", "#deck", "C1", 1_700_000_001, "ann@example.com")
	s.CatchUp()
	return s, s.As("ann@example.com")
}

// page is an answer of messages.
type page struct {
	HasMore bool `json:"hasMore"`
	Found   struct {
		Results []struct {
			FullText string `json:"fullText"`
			Document struct {
				Metadata struct {
					DatasourceID string `json:"datasourceId"`
				} `json:"metadata"`
			} `json:"document"`
		} `json:"results"`
	} `json:"searchResponse"`
	Root *struct {
		Title string `json:"title"`
	} `json:"rootMessage"`
}

func (p page) ids() []string {
	list := []string{}
	for _, r := range p.Found.Results {
		list = append(list, r.Document.Metadata.DatasourceID)
	}
	return list
}

// TestPagesOfMessages goes through a channel in both directions by time alone, as clients do, and must meet every message once.
func TestPagesOfMessages(t *testing.T) {
	s, ann := chat(t)
	for direction, begin := range map[string]int64{"OLDER": 0, "NEWER": 1} {
		var met []string
		at := begin
		for range 10 {
			var p page
			s.Must("POST", "/rest/api/v1/messages", ann, map[string]any{
				"idType": "CONVERSATION_ID", "id": "C1", "datasource": "SLACK", "direction": direction, "timestampMillis": at,
			}).Decode(&p)
			ids := p.ids()
			met = append(met, ids...)
			if !p.HasMore {
				break
			}
			if len(ids) < 48 || len(ids) > 53 {
				t.Errorf("%s: a page of %d messages, want about fifty", direction, len(ids))
			}
			last := ids[len(ids)-1]
			var n int64
			if _, err := fmt.Sscanf(last, "m%d", &n); err != nil {
				n = 3000 // the thread, which came a thousand seconds later
			}
			at = (1_700_000_000 + n/3) * 1000
		}
		slices.Sort(met)
		if len(met) != 121 || len(slices.Compact(met)) != 121 || slices.Contains(met, "hidden") || slices.Contains(met, "f1") {
			t.Errorf("%s: %d messages were met, want 120 and the thread, each once, and neither the hidden one nor the file", direction, len(met))
		}
	}
}

// TestThreads holds that a thread is its own document and what lies in it, in any case of the id.
func TestThreads(t *testing.T) {
	s, ann := chat(t)
	ask := func(body map[string]any) page {
		var p page
		s.Must("POST", "/rest/api/v1/messages", ann, body).Decode(&p)
		return p
	}
	p := ask(map[string]any{"idType": "THREAD_ID", "id": "t1", "datasource": "talk", "includeRootMessage": true})
	if got := p.ids(); !slices.Equal(got, []string{"r2", "r1", "r0", "T1"}) || p.Root == nil || p.Root.Title != "T1" {
		t.Errorf("the thread is %q with the root %+v, want its replies, itself and T1", got, p.Root)
	}
	if p.Found.Results[0].FullText != "said r2" {
		t.Errorf("text = %q, want what was said", p.Found.Results[0].FullText)
	}
	if p := ask(map[string]any{"idType": "THREAD_ID", "id": "T1", "datasource": "GCHAT"}); p.Root != nil || len(p.ids()) != 4 {
		t.Errorf("without the root: %q and %+v, want four messages", p.ids(), p.Root)
	}
	for _, body := range []map[string]any{
		{"idType": "THREAD_ID", "id": "T1", "datasource": "another"},
		{"idType": "CHANNEL_NAME", "id": "C1", "datasource": "talk"},
		{"idType": "CONVERSATION_ID", "id": "#deck", "datasource": "talk"},
	} {
		if got := ask(body).ids(); len(got) != 0 {
			t.Errorf("%v gives %q, want nothing", body, got)
		}
	}
}
