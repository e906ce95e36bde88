package directory

// teamsOf returns the teams that a person belongs to.
func (r *Roster) teamsOf(e *entry) []Team { return e.Profile.Teams }
