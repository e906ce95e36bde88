package authority

import "github.com/sheafsearch/sheaf/internal/sqldb"

// Rules lists what holds of the rows of tokens, sessions and sign-in links.
func Rules() []sqldb.Rule {
	return []sqldb.Rule{
		{
			Broken: "client token of nobody",
			Query: `SELECT t.id FROM client_tokens t LEFT JOIN people p ON p.id = t.person
				WHERE (t.permission = '` + string(User) + `') <> (p.id IS NOT NULL) ORDER BY t.id`,
		},
		{
			Broken: "secret of no indexing token",
			Query:  "SELECT s.token FROM indexing_secrets s LEFT JOIN indexing_tokens t ON t.id = s.token WHERE t.id IS NULL ORDER BY s.token",
		},
		{
			Broken: "session of nobody",
			Query:  "SELECT s.id FROM sessions s LEFT JOIN people p ON p.id = s.person WHERE p.id IS NULL ORDER BY s.id",
		},
		{
			Broken: "sign-in link for nobody",
			Query:  "SELECT l.id FROM signin_links l LEFT JOIN people p ON p.id = l.person WHERE p.id IS NULL ORDER BY l.id",
		},
	}
}
