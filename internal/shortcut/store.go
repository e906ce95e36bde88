package shortcut

import (
	"context"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

const columns = `id, source, alias, input_alias, title, description, destination, template, intermediate, edit_url, visit_score, unlisted,
	author, author_email, editor, editor_email, created_at, updated_at`

func scan(row sqldb.Scanner) (s Shortcut, err error) {
	var source string
	err = row.Scan(&s.ID, &source, &s.Alias, &s.InputAlias, &s.Title, &s.Description, &s.Destination, &s.Template, &s.Intermediate, &s.EditURL,
		&s.VisitScore, &s.Unlisted, &s.Author, &s.AuthorEmail, &s.Editor, &s.EditorEmail, &s.Created, &s.Updated)
	s.Source = Source(source)
	return s, err
}

// chunk is how many shortcuts go into one transaction: each costs some three statements.
const chunk = 100

// Upload writes a page of an upload of one source. An upload of External replaces all of them: what it leaves out is
// removed once it has ended. One of Hosted adds and replaces, and removes nothing, for people manage those here.
// Nothing is written unless every shortcut of the page holds, and no two share an alias.
func (st *Store) Upload(ctx context.Context, page upload.Page, source Source, records []Shortcut) error {
	page.Kind, page.Part, page.Items = upload.Shortcuts, string(source), len(records)
	list := slices.Clone(records)
	met := make(map[string]bool, len(list))
	for i := range list {
		list[i].Source = source
		if err := list[i].prepare(); err != nil {
			return err
		}
		if met[list[i].Alias] {
			return fault.Newf(fault.Invalid, "Two shortcuts of this page have the alias %q: case, \"-\" and \"_\" do not count.", list[i].InputAlias).WithField("inputAlias")
		}
		met[list[i].Alias] = true
	}
	return upload.Write(ctx, st.db, page, slices.Collect(slices.Chunk(list, chunk)), put, func(ctx context.Context, tx *sqldb.Tx, s upload.Session) (bool, error) {
		if source != External {
			return false, nil
		}
		left, err := sqldb.All(ctx, tx, sqldb.ScanInt, "SELECT id FROM shortcuts WHERE source = $1 AND touched < $2 LIMIT 1", string(source), s.Mark)
		return len(left) > 0, err
	})
}

func put(ctx context.Context, tx *sqldb.Tx, records []Shortcut) error {
	mark, err := upload.Touch(ctx, tx)
	if err != nil {
		return err
	}
	people := map[string]string{}
	holder := func(email string) (string, error) {
		if id, met := people[email]; met || email == "" {
			return id, nil
		}
		p, err := directory.LookupEmail(ctx, tx, email)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return "", err
		}
		if err == nil {
			people[email] = p.ID
		} else {
			people[email] = ""
		}
		return people[email], nil
	}
	for i := range records {
		s := records[i]
		if s.Author, err = holder(s.AuthorEmail); err != nil {
			return err
		}
		if s.Editor, err = holder(s.EditorEmail); err != nil {
			return err
		}
		if err = write(ctx, tx, &s, mark); err != nil {
			return err
		}
	}
	return nil
}

// write adds a shortcut, or replaces the one of the same source and alias, whose id and time of making stay.
func write(ctx context.Context, tx *sqldb.Tx, s *Shortcut, mark int64) error {
	now := time.Now().UnixMicro()
	created, updated := s.Created, s.Updated
	if updated == 0 {
		updated = now
	}
	n, err := tx.Exec(ctx, `UPDATE shortcuts SET input_alias = $3, title = $4, description = $5, destination = $6, template = $7, intermediate = $8,
		edit_url = $9, visit_score = $10, unlisted = $11, author = $12, author_email = $13, editor = $14, editor_email = $15,
		created_at = CASE WHEN CAST($16 AS BIGINT) = 0 THEN created_at ELSE CAST($16 AS BIGINT) END, updated_at = $17, touched = $18 WHERE source = $1 AND alias = $2`,
		string(s.Source), s.Alias, s.InputAlias, s.Title, s.Description, s.Destination, s.Template, s.Intermediate, s.EditURL, s.VisitScore, s.Unlisted,
		s.Author, s.AuthorEmail, s.Editor, s.EditorEmail, created, updated, mark)
	if err != nil || n > 0 {
		return err
	}
	if created == 0 {
		created = now
	}
	if s.ID, err = tx.Next(ctx, "shortcuts", 1); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO shortcuts ("+columns+`, touched) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		s.ID, string(s.Source), s.Alias, s.InputAlias, s.Title, s.Description, s.Destination, s.Template, s.Intermediate, s.EditURL, s.VisitScore, s.Unlisted,
		s.Author, s.AuthorEmail, s.Editor, s.EditorEmail, created, updated, mark)
	return err
}

// Remover says how shortcuts that an upload left behind are removed, for upload.Removals.
func Remover() upload.Remover { return upload.Remover{Count: stale, Remove: remove} }

func stale(ctx context.Context, tx *sqldb.Tx, s upload.Session) (stale, all int64, err error) {
	type counts struct{ stale, all int64 }
	scan := func(row sqldb.Scanner) (n counts, err error) { err = row.Scan(&n.stale, &n.all); return n, err }
	n, err := sqldb.One(ctx, tx, scan, "SELECT COALESCE(SUM(CASE WHEN touched < $2 THEN 1 ELSE 0 END), 0), COUNT(*) FROM shortcuts WHERE source = $1", s.Part, s.Mark)
	return n.stale, n.all, err
}

func remove(ctx context.Context, tx *sqldb.Tx, s upload.Session) (removed int64, more bool, err error) {
	removed, err = tx.Exec(ctx, `DELETE FROM shortcuts WHERE id IN (SELECT id FROM shortcuts WHERE source = $1 AND touched < $2 ORDER BY id LIMIT $3)`,
		s.Part, s.Mark, 10*chunk)
	return removed, removed == 10*chunk, err
}
