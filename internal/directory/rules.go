package directory

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Rules lists what holds of the rows of people and principals.
func Rules() []sqldb.Rule {
	return []sqldb.Rule{
		{
			Broken: "address of nobody",
			Query:  "SELECT a.address FROM addresses a LEFT JOIN people p ON p.id = a.person_id WHERE p.id IS NULL ORDER BY a.address",
		},
		{
			Broken: "assertion about nobody",
			Query:  "SELECT a.person_id FROM assertions a LEFT JOIN people p ON p.id = a.person_id WHERE p.id IS NULL ORDER BY a.person_id",
		},
		{
			Broken: "photo of nobody",
			Query:  "SELECT f.person_id FROM photos f LEFT JOIN people p ON p.id = f.person_id WHERE p.id IS NULL OR p.retired ORDER BY f.person_id",
		},
		{
			Broken: "provisioned person of whom SCIM says nothing",
			Query: `SELECT n.person_id FROM provisioned_people n LEFT JOIN assertions a ON a.person_id = n.person_id AND a.source = '` + string(SCIM) + `'
				WHERE a.person_id IS NULL ORDER BY n.person_id`,
		},
		{
			Broken: "member of a provisioned group who is nobody, or in no group",
			Query: `SELECT m.person_id FROM provisioned_members m LEFT JOIN provisioned_people n ON n.person_id = m.person_id
				LEFT JOIN provisioned_groups g ON g.id = m.group_id WHERE n.person_id IS NULL OR g.id IS NULL ORDER BY m.person_id`,
		},
		{
			Broken: "role that groups give to nobody, or to somebody without a role of their own on record",
			Query: `SELECT r.person_id FROM given_roles r LEFT JOIN people p ON p.id = r.person_id LEFT JOIN given_roles o ON o.person_id = r.person_id AND o.giver = ''
				WHERE p.id IS NULL OR p.retired OR o.person_id IS NULL ORDER BY r.person_id`,
		},
		{
			Broken: "group or user that is there though memberships of a former one are still to go",
			Query: `SELECT d.name FROM departures d WHERE d.kind = '` + kindGroup + `' AND EXISTS (SELECT 1 FROM realm_groups g WHERE g.datasource = d.datasource AND g.name = d.name)
				OR d.kind = '` + kindMail + `' AND EXISTS (SELECT 1 FROM identities i WHERE i.datasource = d.datasource AND i.email = d.name)
				OR d.kind = '` + kindUser + `' AND EXISTS (SELECT 1 FROM identities i WHERE i.datasource = d.datasource AND i.user_id = d.name) ORDER BY d.name`,
		},
		{
			Broken: "part of an intersection that is no principal",
			Query: `SELECT i.group_name FROM intersection_parts i LEFT JOIN principals p ON p.id = i.principal_id AND p.kind = '` + kindIntersection + `'
				WHERE p.id IS NULL ORDER BY i.group_name`,
		},
		{
			Broken: "principal with an id that the counter has still to give",
			Query: `SELECT name FROM principals WHERE id > (SELECT COALESCE(MAX(n), 0) FROM counters WHERE name = '` + counterPrincipal + `')
				ORDER BY name`,
		},
	}
}

// Principals maps every principal to its datasource, to check documents against.
func (d *Directory) Principals(ctx context.Context) (map[uint32]string, error) {
	type row struct {
		id         uint32
		datasource string
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.id, &r.datasource); return r, err }
	list := map[uint32]string{}
	names := map[string]string{} // one text for each datasource, not for each principal
	err := d.db.Read(ctx, func(tx *sqldb.Tx) error {
		for r, err := range sqldb.Each(ctx, tx, scan, "SELECT id, datasource FROM principals") {
			if err != nil {
				return err
			}
			if _, met := names[r.datasource]; !met {
				names[r.datasource] = r.datasource
			}
			list[r.id] = names[r.datasource]
		}
		return nil
	})
	return list, err
}
