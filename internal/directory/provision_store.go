package directory

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// FoldKey is the form by which names of SCIM that differ in case alone are one.
func FoldKey(text string) string { return strings.ToLower(text) }

const provisionedColumns = `n.person_id, n.user_name, n.external_id, n.address, n.name, a.active, n.profile, n.attributes, n.created_at, n.updated_at
	FROM provisioned_people n JOIN assertions a ON a.person_id = n.person_id AND a.source = 'scim'`

func scanProvisioned(row sqldb.Scanner) (n Provisioned, err error) {
	var profile string
	if err = row.Scan(&n.ID, &n.UserName, &n.ExternalID, &n.Address, &n.Name, &n.Active, &profile, &n.Attributes, &n.Created, &n.Updated); err != nil {
		return n, err
	}
	if err = json.Unmarshal([]byte(profile), &n.Profile); err != nil {
		return n, fmt.Errorf("profile of provisioned person %s: %w", n.ID, err)
	}
	return n, nil
}

func profileText(p *Profile) string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts alone, which were checked
	}
	return string(text)
}

func provisionedByID(ctx context.Context, tx *sqldb.Tx, id string) (Provisioned, error) {
	n, err := sqldb.One(ctx, tx, scanProvisioned, "SELECT "+provisionedColumns+" WHERE n.person_id = $1", id)
	if fault.KindOf(err) == fault.NotFound {
		err = errNoProvision.Wrap(err)
	}
	return n, err
}

// Provisioned returns what SCIM says of a person, or fault.NotFound where it says nothing.
func (d *Directory) Provisioned(ctx context.Context, id string) (n Provisioned, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		n, err = provisionedByID(ctx, tx, id)
		return err
	})
	return n, err
}

// ProvisionKey narrows a list to what has exactly this; "" narrows nothing.
type ProvisionKey struct {
	ID, ExternalID string
	Name           string // the userName of a person or the name of a group, in any case
	Member         string // of a group: the id of a person in it
}

func (k ProvisionKey) where(table, name string) (string, []any) {
	var terms []string
	var args []any
	add := func(column, value string) {
		if value != "" {
			args = append(args, value)
			terms = append(terms, fmt.Sprintf("%s.%s = $%d", table, column, len(args)))
		}
	}
	id := "person_id"
	if name == "name_key" {
		id = "id"
	}
	add(id, k.ID)
	add("external_id", k.ExternalID)
	if k.Name != "" {
		add(name, FoldKey(k.Name))
	}
	if k.Member != "" {
		args = append(args, k.Member)
		terms = append(terms, fmt.Sprintf("EXISTS (SELECT 1 FROM provisioned_members m WHERE m.group_id = %s.id AND m.person_id = $%d)", table, len(args)))
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(terms, " AND "), args
}

// Provisions lists whom SCIM asserts, in a lasting order, and counts them: those whom keep keeps, past the first offset of them and at
// most limit. A nil keep keeps all.
func (d *Directory) Provisions(ctx context.Context, k ProvisionKey, keep func(*Provisioned) (bool, error), offset, limit int) (list []Provisioned, total int, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		where, args := k.where("n", "user_key")
		list, total, err = listed[Provisioned]{
			scan: scanProvisioned, columns: provisionedColumns, table: "provisioned_people n", id: "n.person_id", order: "n.created_at, n.person_id", where: where, args: args,
		}.page(ctx, tx, keep, offset, limit)
		return err
	})
	return list, total, err
}

// listed is a list that is read page by page.
type listed[T any] struct {
	scan                             func(sqldb.Scanner) (T, error)
	columns, table, id, order, where string
	args                             []any
}

// page reads a page. Without keep SQL counts and cuts, by an index that has the order: what comes before the page is skipped without being read.
func (l listed[T]) page(ctx context.Context, tx *sqldb.Tx, keep func(*T) (bool, error), offset, limit int) (list []T, total int, err error) {
	if keep == nil {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM "+l.table+l.where, l.args...)
		if err != nil || limit == 0 {
			return []T{}, int(n), err
		}
		list, err = sqldb.All(ctx, tx, l.scan, fmt.Sprintf("SELECT %s WHERE %s IN (SELECT %s FROM %s%s ORDER BY %s LIMIT %d OFFSET %d) ORDER BY %s",
			l.columns, l.id, l.id, l.table, l.where, l.order, limit, offset, l.order), l.args...)
		return list, int(n), err
	}
	list = []T{}
	for v, err := range sqldb.Each(ctx, tx, l.scan, "SELECT "+l.columns+l.where+" ORDER BY "+l.order, l.args...) {
		if err != nil {
			return nil, 0, err
		}
		kept, err := keep(&v)
		if err != nil {
			return nil, 0, err
		}
		if !kept {
			continue
		}
		if total >= offset && len(list) < limit {
			list = append(list, v)
		}
		total++
	}
	return list, total, nil
}
