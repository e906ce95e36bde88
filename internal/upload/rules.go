package upload

import "github.com/sheafsearch/sheaf/internal/sqldb"

// Rules lists what holds of the rows of bulk uploads.
func Rules() []sqldb.Rule {
	return []sqldb.Rule{
		{
			Broken: "bulk upload that is open though a later one of the same began",
			Query: `SELECT u.upload_id FROM uploads u WHERE u.state = '` + string(Open) + `' AND EXISTS (SELECT 1 FROM uploads v
				WHERE v.datasource = u.datasource AND v.kind = u.kind AND v.part = u.part AND v.seq > u.seq) ORDER BY u.seq`,
		},
		{
			Broken: "bulk upload with a mark that the counter has still to give",
			Query:  "SELECT upload_id FROM uploads WHERE mark > (SELECT COALESCE(MAX(n), 0) FROM counters WHERE name = '" + counterTouches + "') ORDER BY seq",
		},
		{
			Broken: "removal that is to come, and that no job will do",
			Query: `SELECT u.upload_id FROM uploads u WHERE u.removal IN ('` + string(Waiting) + `', '` + string(Paused) + `') AND NOT EXISTS
				(SELECT 1 FROM jobs j WHERE j.kind = '` + string(RemoveStale) + `' AND j.args = CAST(u.seq AS TEXT) AND j.state IN ('queued', 'running'))
				ORDER BY u.seq`,
		},
	}
}
