package authority

import "fmt"

// Refusal is in the chain of the faults by which OAuth access tokens are refused. It says why, for metrics and the audit log; whoever
// sent the token does not learn it.
type Refusal struct {
	Provider string // "" where it is not known
	Reason   string // one of a small number of words
	Email    string // of the person in the token, where its signature holds
	Err      error  // more for the log, or nil
}

// Error says why.
func (r *Refusal) Error() string {
	text := "refused: " + r.Reason
	if r.Provider != "" {
		text += ", provider " + r.Provider
	}
	if r.Err != nil {
		text = fmt.Sprintf("%s: %v", text, r.Err)
	}
	return text
}

// Unwrap returns what more there is.
func (r *Refusal) Unwrap() error { return r.Err }
