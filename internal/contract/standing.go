package contract

import (
	_ "embed"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/rpc"
)

//go:embed deprecations.tsv
var deprecationsText string

// Standing says, by method and path, which operations of the outside API are experimental or deprecated, and when others
// remove them. The days are those of the published clients, which are later than those of the descriptions. It
// panics on a line that cannot be read, which the package's tests rule out.
func Standing() map[string]rpc.Standing {
	all := map[string]rpc.Standing{}
	for _, op := range Operations() {
		if op.Experimental || op.Deprecated {
			all[op.Name()] = rpc.Standing{Experimental: op.Experimental, Deprecated: op.Deprecated}
		}
	}
	for line := range strings.Lines(deprecationsText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, day, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		s := all[name]
		s.Deprecated = true
		if day != "-" {
			var err error
			if s.Removal, err = time.Parse(time.DateOnly, day); err != nil {
				panic("contract: deprecations.tsv: " + line)
			}
		}
		all[name] = s
	}
	return all
}
