package console

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/oauth"
)

// reportOf puts the steps of a trial into the signs of a page.
func reportOf(v *visit, t oauth.Trial) *reportView {
	view := &reportView{Taken: t.Accepted, Provider: t.Provider, Email: t.Email, At: at(v.now, v.now)}
	if len(t.Scopes) > 0 {
		view.Scopes = count(len(t.Scopes), "scope")
	}
	for _, s := range t.Steps {
		step := reportStep{Icon: "tick", Name: strings.ToUpper(s.Name[:1]) + s.Name[1:], Detail: s.Says}
		if !s.OK {
			step.Icon, step.Class, view.Why = "close", "no", step.Name
		}
		view.Steps = append(view.Steps, step)
	}
	return view
}
