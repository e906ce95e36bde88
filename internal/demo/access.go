package demo

import "slices"

// Sees reports whether the person with that email may read the document with that id. It follows the
// permissions in the plainest way there is, so that a test can hold the server against it. Nobody
// outside the company, no former employee and no unknown document gives true.
func (s *Sample) Sees(email, id string) bool {
	i, ok := s.byID[id]
	if !ok || !s.active[email] {
		return false
	}
	d := s.Documents[i]
	if d.Permissions.Anonymous {
		return true
	}
	user, ok := s.users[d.Datasource][email]
	if !ok || !user.Active {
		return false
	}
	if d.Permissions.AllDatasourceUsers || slices.Contains(d.Permissions.Users, email) {
		return true
	}
	in := s.groupsOf(email)
	if slices.ContainsFunc(d.Permissions.Groups, func(g string) bool { return in[g] }) {
		return true
	}
	return slices.ContainsFunc(d.Permissions.Intersections, func(all []string) bool {
		return !slices.ContainsFunc(all, func(g string) bool { return !in[g] })
	})
}

// Document returns the document with that id, and whether there is one.
func (s *Sample) Document(id string) (Document, bool) {
	i, ok := s.byID[id]
	if !ok {
		return Document{}, false
	}
	return s.Documents[i], true
}

// UserID returns what a datasource knows a person by: an email, or its own id. It reports false when
// the person has no account there.
func (s *Sample) UserID(datasource, email string) (string, bool) {
	u, ok := s.users[datasource][email]
	if !ok {
		return "", false
	}
	if u.ID != "" {
		return u.ID, true
	}
	return u.Email, true
}

// groupsOf is every group that the person belongs to, through nesting.
func (s *Sample) groupsOf(email string) map[string]bool {
	in := map[string]bool{}
	queue := slices.Clone(s.direct[email])
	for len(queue) > 0 {
		g := queue[0]
		queue = queue[1:]
		if !in[g] {
			in[g] = true
			queue = append(queue, s.parents[g]...)
		}
	}
	return in
}
