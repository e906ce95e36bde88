package contract

import (
	_ "embed"
	"strings"
)

//go:embed divergences.txt
var divergencesText string

// acceptedDivergences returns the texts that divergences.txt accepts, each false until it is met. It
// panics on a line without a reason.
func acceptedDivergences() map[string]bool {
	accepted := map[string]bool{}
	for line := range strings.Lines(divergencesText) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		text, reason, _ := strings.Cut(line, "\t")
		if strings.TrimSpace(reason) == "" {
			panic("contract: divergences.txt: a line without a tab and a reason: " + line)
		}
		if _, twice := accepted[text]; twice {
			panic("contract: divergences.txt: a line that stands there twice: " + line)
		}
		accepted[text] = false
	}
	return accepted
}
