package console

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// example is a piece of program to paste, in coloured runs.
type example struct {
	Name, ID string
	Code     []codeRun
}

type codeRun struct{ Text, Class string }

// code reads a text in which “…” quotes a string and ‹…› a keyword. The two signs never occur in
// our examples themselves, and what comes from outside is put in by the caller of quoted alone.
func code(name, id, text string) example {
	e := example{Name: name, ID: id}
	for text != "" {
		i := strings.IndexAny(text, "“‹")
		if i < 0 {
			e.Code = append(e.Code, codeRun{text, ""})
			break
		}
		open, class, end := "“", "tok-s", "”"
		if strings.HasPrefix(text[i:], "‹") {
			open, class, end = "‹", "tok-k", "›"
		}
		inside, rest, _ := strings.Cut(text[i+len(open):], end)
		if i > 0 {
			e.Code = append(e.Code, codeRun{text[:i], ""})
		}
		e.Code = append(e.Code, codeRun{inside, class})
		text = rest
	}
	return e
}

// clientExamples are the first call of a new client token in three languages. They search where the
// token may, and else only show how the client is made.
func clientExamples(url string, global bool, scopes grant.Scopes, actAs string) []example {
	fill := strings.NewReplacer("{url}", url, "{who}", actAs).Replace
	pick := func(when bool, text string) string {
		if when {
			return text
		}
		return ""
	}
	if !scopes.Has(grant.Search) {
		return []example{
			code("Python", "c2", fill(pythonOpen+pythonClient+"    ...")),
			code("TypeScript", "c3", fill(typescriptOpen+typescriptClient)),
		}
	}
	return []example{
		code("curl", "c1", fill("curl {url}/rest/api/v1/search \\\n"+
			"  -H “\"Authorization: Bearer $SHEAF_TOKEN\"” \\\n"+
			pick(global, "  -H “\"X-Glean-ActAs: {who}\"” \\\n")+
			"  -H “\"Content-Type: application/json\"” \\\n"+
			"  -d “'{\"query\": \"onboarding\", \"pageSize\": 5}'”")),
		code("Python", "c2", fill(pythonOpen+pythonClient+
			"    found = sheaf.client.search.query(\n        query=“\"onboarding\"”,\n        page_size=5,\n"+
			pick(global, "        http_headers={“\"X-Glean-ActAs\"”: “\"{who}\"”},\n")+
			"    )\n    ‹for› hit ‹in› found.results ‹or› []:\n        print(hit.title, hit.url)")),
		code("TypeScript", "c3", fill(typescriptOpen+typescriptClient+
			"\n‹const› found = ‹await› sheaf.client.search.query(\n  { query: “\"onboarding\"”, pageSize: 5 },\n"+
			pick(global, "  undefined,\n  { headers: { “\"X-Glean-ActAs\"”: “\"{who}\"” } },\n")+
			");\n‹for› (‹const› hit ‹of› found.results ?? []) console.log(hit.title, hit.url);")),
	}
}

const (
	pythonOpen   = "‹import› os\n‹from› glean.api_client ‹import› Glean\n\n"
	pythonClient = "‹with› Glean(\n    server_url=“\"{url}\"”,\n    api_token=os.environ[“\"SHEAF_TOKEN\"”],\n) ‹as› sheaf:\n"

	typescriptOpen   = "‹import› { Glean } ‹from› “\"@gleanwork/api-client\"”;\n\n"
	typescriptClient = "‹const› sheaf = ‹new› Glean({\n  serverURL: “\"{url}\"”,\n  apiToken: process.env.SHEAF_TOKEN,\n});\n"
)

// indexingExamples read a datasource's configuration back, which changes nothing.
func indexingExamples(url, datasource string) []example {
	fill := strings.NewReplacer("{url}", url, "{ds}", datasource).Replace
	python := strings.ReplaceAll(pythonOpen+pythonClient, "SHEAF_TOKEN", "SHEAF_INDEXING_TOKEN")
	typescript := strings.ReplaceAll(typescriptOpen+typescriptClient, "SHEAF_TOKEN", "SHEAF_INDEXING_TOKEN")
	return []example{
		code("curl", "c1", fill("curl {url}/api/index/v1/getdatasourceconfig \\\n"+
			"  -H “\"Authorization: Bearer $SHEAF_INDEXING_TOKEN\"” \\\n"+
			"  -H “\"Content-Type: application/json\"” \\\n"+
			"  -d “'{\"datasource\": \"{ds}\"}'”")),
		code("Python", "c2", fill(python+"    print(sheaf.indexing.datasources.retrieve_config(datasource=“\"{ds}\"”))")),
		code("TypeScript", "c3", fill(typescript+"\nconsole.log(‹await› sheaf.indexing.datasources.retrieveConfig({ datasource: “\"{ds}\"” }));")),
	}
}
