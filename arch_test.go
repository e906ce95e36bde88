// Package sheaf holds no code: it is the root of the module, and this test holds its architecture.
package sheaf

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sheafsearch/sheaf/"

// levels are the lines of the import order, the highest first. A package imports from lower lines
// only, and on its own line only in the pairs below. Entries ending in "/*" stand for what is
// directly inside.
var levels = [][]string{
	{"cmd/sheaf"},
	{"internal/server"},
	{
		"internal/console", "internal/admin", "internal/scim", "internal/mcp", "internal/room/*", "internal/intake/*",
		"internal/authority", "internal/oauth", "internal/sso", "internal/contract", "internal/indexer", "internal/why",
		"internal/index/plain", "internal/index/embedded", "internal/index/opensearch", "internal/llm/openai", "internal/llm/anthropic",
		"internal/demo",
	},
	{
		"internal/rpc", "internal/corpus", "internal/directory", "internal/index", "internal/query", "internal/llm",
		"internal/job", "internal/audit", "internal/blob", "internal/extract", "internal/seal", "internal/upload", "internal/limit", "internal/activity", "internal/shortcut",
	},
	{"internal/sqldb", "internal/outbound", "internal/wire", "internal/grant", "internal/fault"},
}

// pairs are the imports allowed between packages of one line, with the reason.
var pairs = map[[2]string]string{
	{"internal/console", "internal/authority"}:  "pages are shown to a signed-in person",
	{"internal/oauth", "internal/authority"}:    "authority admits whom it verifies",
	{"internal/admin", "internal/oauth"}:        "the settings of OAuth are changed over JSON",
	{"internal/console", "internal/oauth"}:      "the settings of OAuth are changed on pages",
	{"internal/sso", "internal/authority"}:      "a sign-in through a provider ends in a session",
	{"internal/console", "internal/sso"}:        "pages lead to the provider and back",
	{"internal/admin", "internal/authority"}:    "the admin API is the console over JSON",
	{"internal/admin", "internal/why"}:          "explanations are asked for over JSON",
	{"internal/console", "internal/why"}:        "explanations are asked for on a page",
	{"internal/rpc", "internal/limit"}:          "the edge holds callers to rates",
	{"internal/corpus", "internal/directory"}:   "the readers of a document are the directory's principals",
	{"internal/corpus", "internal/job"}:         "what is declared otherwise comes into the index in the background",
	{"internal/corpus", "internal/upload"}:      "documents are replaced by bulk uploads",
	{"internal/corpus", "internal/job"}:         "going through all documents again is background work",
	{"internal/directory", "internal/upload"}:   "users, groups, memberships and employees are too",
	{"internal/shortcut", "internal/directory"}: "shortcuts have authors",
	{"internal/shortcut", "internal/upload"}:    "shortcuts of another service are replaced by bulk uploads",
	{"internal/upload", "internal/job"}:         "what an upload leaves stale is removed in the background",
	{"internal/index", "internal/query"}:        "a query is searched",
	{"internal/sqldb", "internal/fault"}:        "database errors become faults",
	{"internal/grant", "internal/fault"}:        "a caller may be refused",
}

// leaves import the standard library only.
var leaves = []string{"internal/wire", "internal/grant", "internal/fault"}

// restricted lists imports that only some packages may have, with the sentence that the test prints.
var restricted = []struct {
	imports string
	allowed []string
	rule    string
}{
	{"modernc.org/sqlite", []string{"internal/sqldb"}, "SQL drivers appear only in sqldb"},
	{"github.com/jackc/pgx", []string{"internal/sqldb"}, "SQL drivers appear only in sqldb"},
	{"database/sql", []string{"internal/sqldb"}, "SQL drivers appear only in sqldb"},
	{"github.com/pressly/goose", []string{"internal/sqldb"}, "migrations are run only by sqldb"},
	{"github.com/blevesearch", []string{"internal/index"}, "search libraries appear only under index"},
	{"encoding/json", nil, "there is one JSON library, the strict one"},
}

// minting lists the functions that make callers and accesses, and who may call them.
var minting = map[string][]string{
	"grant.Mint":           {"internal/authority"},
	"grant.MintAccess":     {"internal/directory"},
	"grant.MintFullAccess": {"internal/directory"},
}

// further lists who may make the callers that see past permissions.
var further = map[string][]string{
	"authority.Maintenance": {"internal/server", "cmd/sheaf"},
	"SearchAs":              {"internal/why"},
	"rpc.Bare":              {"internal/admin"},
}

type file struct {
	pkg, name string
	test      bool
	ast       *ast.File
}

func TestArchitecture(t *testing.T) {
	files := parseAll(t)
	for _, f := range files {
		if f.test {
			continue
		}
		for _, spec := range f.ast.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkImport(t, f, imported)
		}
		checkCalls(t, f)
	}
}

func parseAll(t *testing.T) []file {
	t.Helper()
	var files []file
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// tools is a module of its own; generators are programs that the server does not hold.
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "gen" || name == "tools" || name == "test") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{path.Dir(filepath.ToSlash(name)), name, strings.HasSuffix(name, "_test.go"), parsed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkImport(t *testing.T, f file, imported string) {
	t.Helper()
	for _, r := range restricted {
		if strings.HasPrefix(imported, r.imports) && !slices.ContainsFunc(r.allowed, func(p string) bool { return within(f.pkg, p) }) {
			t.Errorf("%s imports %s: %s", f.name, imported, r.rule)
		}
	}
	local, ok := strings.CutPrefix(imported, module)
	if !ok {
		if slices.Contains(leaves, f.pkg) && strings.Contains(imported, ".") {
			t.Errorf("%s imports %s: wire, grant and fault import only the standard library", f.name, imported)
		}
		return
	}
	from, to := unitOf(f.pkg), unitOf(local)
	if isTestSupport(f.pkg) || from == to {
		return
	}
	if isTestSupport(local) {
		t.Errorf("%s imports %s: what is made for tests stays in tests", f.name, imported)
		return
	}
	above, below := levelOf(from), levelOf(to)
	switch {
	case above < 0:
		t.Errorf("%s: package %s stands on no line of the import order; name it in arch_test.go", f.name, f.pkg)
	case below < 0:
		t.Errorf("%s imports %s, which stands on no line of the import order", f.name, imported)
	case below < above:
		t.Errorf("%s imports %s: imports point down, never up", f.name, imported)
	case below == above && pairs[[2]string{from, to}] == "":
		t.Errorf("%s imports %s: packages on one line import each other only in the pairs that arch_test.go names", f.name, imported)
	}
}

// within reports whether pkg is root or inside it.
func within(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// isTestSupport reports whether a package serves tests alone.
func isTestSupport(pkg string) bool {
	return strings.HasSuffix(path.Base(pkg), "test")
}

// unitOf is the entry of the table that pkg belongs to: itself, or the package that it was split off from, as
// index/analysis was from index.
func unitOf(pkg string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if levelOf(p) >= 0 {
			return p
		}
	}
	return pkg
}

func levelOf(unit string) int {
	for i, level := range levels {
		if slices.Contains(level, unit) || slices.Contains(level, path.Dir(unit)+"/*") {
			return i
		}
	}
	return -1
}

func checkCalls(t *testing.T, f file) {
	t.Helper()
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name := sel.Sel.Name
		if x, ok := sel.X.(*ast.Ident); ok {
			name = x.Name + "." + name
		}
		for _, table := range []map[string][]string{minting, further} {
			if allowed, listed := table[name]; listed && !isTestSupport(f.pkg) && !slices.Contains(allowed, f.pkg) {
				t.Errorf("%s calls %s: only %s may", f.name, name, strings.Join(allowed, " and "))
			}
		}
		return true
	})
}

// TestPackageComments holds that every package says what it is for.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range parseAll(t) {
		if f.test && f.pkg != "." {
			continue
		}
		documented[f.pkg] = documented[f.pkg] || f.ast.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// TestNoEmptyNames holds that no folder is called by what it is not.
func TestNoEmptyNames(t *testing.T) {
	banned := []string{"pkg", "util", "utils", "common", "helpers", "models", "types", "base", "core"}
	entries, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if slices.Contains(banned, e.Name()) {
			t.Errorf("internal/%s: a package is named for what it holds", e.Name())
		}
	}
}
