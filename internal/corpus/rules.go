package corpus

import (
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Rules lists what holds of the rows of datasources, documents and the queue.
func Rules() []sqldb.Rule {
	return []sqldb.Rule{
		{
			Broken: "document of no datasource",
			Query:  "SELECT d.key FROM documents d LEFT JOIN datasources s ON s.name = d.datasource WHERE s.name IS NULL ORDER BY d.key",
		},
		{
			Broken: "document whose latest change lies past the end of the queue",
			Query: `SELECT key FROM documents WHERE pos > (SELECT MAX(m) FROM (SELECT COALESCE(MAX(pos), 0) AS m FROM changes
				UNION ALL SELECT trimmed FROM queue) AS ends) ORDER BY key`,
		},
		{
			Broken: "address of no document",
			Query:  "SELECT u.url FROM document_urls u LEFT JOIN documents d ON d.key = u.key WHERE d.key IS NULL ORDER BY u.url",
		},
		{
			Broken: "metadata of no document",
			Query:  "SELECT m.key FROM document_metadata m LEFT JOIN documents d ON d.key = m.key WHERE d.key IS NULL ORDER BY m.key",
		},
		{
			Broken: "submission that waits, and that no job will work on",
			Query: `SELECT s.id FROM submissions s WHERE s.state = '` + submissionQueued + `' AND NOT EXISTS (SELECT 1 FROM jobs j
				WHERE j.kind = '` + string(WorkSubmission) + `' AND j.args = s.id AND j.state IN ('` + string(job.Queued) + `', '` + string(job.Running) + `')) ORDER BY s.id`,
		},
		{
			Broken: "datasource that nobody can see, for it has no realm",
			Query:  "SELECT s.name FROM datasources s LEFT JOIN realms r ON r.datasource = s.name WHERE r.datasource IS NULL ORDER BY s.name",
		},
		{
			Broken: "change at a position that the counter has still to give",
			Query: `SELECT key FROM changes WHERE pos > (SELECT COALESCE(MAX(n), 0) FROM counters WHERE name = '` + counterChanges + `')
				ORDER BY key`,
		},
	}
}
