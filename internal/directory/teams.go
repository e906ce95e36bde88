package directory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// TeamRecord is a team as indexteam describes it: the id is the key. Its JSON is how it is stored.
type TeamRecord struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Description  string            `json:"description,omitzero"`
	BusinessUnit string            `json:"businessUnit,omitzero"`
	Department   string            `json:"department,omitzero"`
	PhotoURL     string            `json:"photoUrl,omitzero"`
	Link         string            `json:"externalLink,omitzero"`
	Emails       []TeamEmail       `json:"emails,omitzero"`
	Handles      []Handle          `json:"datasourceProfiles,omitzero"`
	Members      []TeamMember      `json:"members,omitzero"`
	Additional   []AdditionalField `json:"additionalFields,omitzero"`
	Version      int64             `json:"-"` // 0 for unchecked
}

// TeamEmail is an address of a team. Type is PRIMARY, SECONDARY, ONCALL or OTHER; another text is shown as OTHER.
type TeamEmail struct {
	Email string `json:"email"`
	Type  string `json:"type,omitzero"`
}

// TeamMember says that whoever holds an address is in a team, now or later.
type TeamMember struct {
	Email string `json:"email"` // folded
	// Relationship is one of the contract's, such as MEMBER, which "" means too, or a text of the company's own.
	Relationship string `json:"relationship,omitzero"`
	Joined       string `json:"join_date,omitzero"` // YYYY-MM-DD
}

// maxMembers bounds the members of one team.
const maxMembers = 20_000

// PutTeams makes or replaces teams. All records are checked before the first is written; they are durable when it
// returns. An older version than one seen before is a fault.Conflict.
func (d *Directory) PutTeams(ctx context.Context, records []TeamRecord) error {
	list, err := checkTeams(records)
	if err != nil {
		return err
	}
	return putParts(ctx, d.db, laneFor(len(list)), teamChunks(list), putTeams)
}

// UploadTeams is PutTeams for a page of an upload that replaces all teams.
func (d *Directory) UploadTeams(ctx context.Context, page upload.Page, records []TeamRecord) error {
	list, err := checkTeams(records)
	if err != nil {
		return err
	}
	page.Kind, page.Items = upload.Teams, len(list)
	return upload.Write(ctx, d.db, page, teamChunks(list), putTeams, leavesTeams)
}

func checkTeams(records []TeamRecord) ([]TeamRecord, error) {
	list := slices.Clone(records)
	for i := range list {
		list[i].Members = slices.Clone(list[i].Members)
		if err := list[i].check(); err != nil {
			return nil, placed(err, i, len(list))
		}
	}
	return list, nil
}

// check refuses what no team may hold, and folds the addresses of members.
func (t *TeamRecord) check() error {
	if t.ID == "" || t.Name == "" || len(t.ID) > maxName || len(t.Name) > maxName || strings.ContainsFunc(t.ID+t.Name, isControl) || !utf8.ValidString(t.ID+t.Name) {
		return errTeamID
	}
	if len(t.Description) > maxBio || strings.IndexByte(t.Description, 0) >= 0 || long(t.BusinessUnit, t.Department) {
		return fault.Newf(fault.Invalid, "A text of team %q is too long, or not one line.", t.ID).WithField("team.description")
	}
	for name, text := range map[string]string{"team.photoUrl": t.PhotoURL, "team.externalLink": t.Link} {
		if err := CheckURL(name, text); err != nil {
			return err
		}
	}
	if len(t.Emails) > maxList || len(t.Handles) > maxList || len(t.Members) > maxMembers {
		return fault.Newf(fault.Invalid, "Team %q has more than %d addresses or profiles, or %d members.", t.ID, maxList, maxMembers).WithField("team.members")
	}
	for _, e := range t.Emails {
		if long(e.Email, e.Type) {
			return errAddress.WithField("team.emails.email")
		}
	}
	for i := range t.Members {
		m := &t.Members[i]
		address, err := FoldEmail(m.Email)
		if err != nil {
			return errAddress.WithField("team.members.email")
		}
		m.Email = address
		if _, err := time.Parse(time.DateOnly, m.Joined); m.Joined != "" && err != nil || long(m.Relationship) {
			return fault.New(fault.Invalid, "A member has a join_date of the form 2006-01-31 and a relationship of one line.").WithField("team.members.join_date")
		}
	}
	if !handlesFit(t.Handles) || !extrasFit(t.Additional) {
		return errLists("team")
	}
	return nil
}

var errTeamID = fault.Newf(fault.Invalid, "A team has an id and a name, each one line of at most %d bytes.", maxName).WithField("team.id")

// teamChunks cuts teams so that no transaction has more than some thousands of members.
func teamChunks(list []TeamRecord) [][]TeamRecord {
	return partsOf(list, chunk, maxMembers, func(t *TeamRecord) int { return len(t.Members) })
}

func putTeams(ctx context.Context, tx *sqldb.Tx, records []TeamRecord) error {
	mark, err := upload.Touch(ctx, tx)
	if err != nil {
		return err
	}
	for i := range records {
		t := &records[i]
		if err := Advance(ctx, tx, "team/"+t.ID, t.Version); err != nil {
			return err
		}
		info, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode team %q: %w", t.ID, err)
		}
		n, err := tx.Exec(ctx, "UPDATE teams SET touched = $2 WHERE id = $1 AND info = $3 AND NOT gone", t.ID, mark, string(info))
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		seq, err := tx.Next(ctx, counterSeq, 1)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO teams (id, seq, info, gone, touched, created_at, updated_at) VALUES ($1, $2, $3, FALSE, $4, $5, $5)
			ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, info = excluded.info, gone = FALSE, touched = excluded.touched, updated_at = excluded.updated_at`,
			t.ID, seq, string(info), mark, now())
		if err != nil {
			return err
		}
		if _, err = tx.Raise(ctx, versionTeams); err != nil {
			return err
		}
	}
	return nil
}

// DeleteTeam removes a team. One that does not exist is no error.
func (d *Directory) DeleteTeam(ctx context.Context, id string) error {
	if id == "" || len(id) > maxName {
		return errTeamID
	}
	return d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error { return dropTeam(ctx, tx, id) })
}

func dropTeam(ctx context.Context, tx *sqldb.Tx, id string) error {
	seq, err := tx.Next(ctx, counterSeq, 1)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE teams SET seq = $2, info = '', gone = TRUE, updated_at = $3 WHERE id = $1 AND NOT gone", id, seq, now())
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Raise(ctx, versionTeams)
	return err
}

func leavesTeams(ctx context.Context, tx *sqldb.Tx, s upload.Session) (bool, error) {
	return someRow(ctx, tx, "SELECT touched FROM teams WHERE NOT gone AND touched < $1 LIMIT 1", s.Mark)
}

func staleTeams(ctx context.Context, tx *sqldb.Tx, s upload.Session) (stale, all int64, err error) {
	return countStale(ctx, tx, "SELECT COALESCE(SUM(CASE WHEN touched < $1 THEN 1 ELSE 0 END), 0), COUNT(*) FROM teams WHERE NOT gone", s.Mark)
}

func removeTeams(ctx context.Context, tx *sqldb.Tx, s upload.Session) (removed int64, more bool, err error) {
	ids, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT id FROM teams WHERE NOT gone AND touched < $1 ORDER BY touched, id LIMIT $2", s.Mark, chunk)
	if err != nil {
		return 0, false, err
	}
	for _, id := range ids {
		if err := dropTeam(ctx, tx, id); err != nil {
			return 0, false, err
		}
	}
	return int64(len(ids)), len(ids) == chunk, nil
}

// teamSet is all teams at one moment. It does not change.
type teamSet struct {
	version   int64
	seq       int64
	byID      map[string]*TeamInfo
	listed    []*TeamInfo             // by name
	byAddress map[string][]membership // who is in which, by the address that names them
}

// TeamInfo is a team that there is. Values that this package returns are shared and must not be changed.
type TeamInfo struct {
	TeamRecord
	Updated int64 // microseconds

	card *card // how words find it: by its name and id, then by department and description; of no person
	seq  int64
	gone bool
}

type membership struct {
	team   *TeamInfo
	member TeamMember
}

func scanTeam(row sqldb.Scanner) (*TeamInfo, error) {
	var t TeamInfo
	var id, info string
	if err := row.Scan(&id, &t.seq, &info, &t.gone, &t.Updated); err != nil {
		return nil, err
	}
	t.ID = id
	if t.gone {
		return &t, nil
	}
	if err := json.Unmarshal([]byte(info), &t.TeamRecord); err != nil {
		return nil, fmt.Errorf("team %q: %w", id, err)
	}
	key := fold(t.Name)
	t.card = &card{
		key: key, whole: [3]string{key, key, key},
		names: wordLine(append(nameWords(t.Name), splitWords(t.ID)...)),
		words: wordLine(append(splitWords(t.Department), splitWords(t.Description)...)),
	}
	return &t, nil
}

func (old *teamSet) renew(ctx context.Context, tx *sqldb.Tx) (*teamSet, error) {
	set := &teamSet{seq: old.seq, byID: make(map[string]*TeamInfo, len(old.byID)), byAddress: map[string][]membership{}}
	maps.Copy(set.byID, old.byID)
	for t, err := range sqldb.Each(ctx, tx, scanTeam, "SELECT id, seq, info, gone, updated_at FROM teams WHERE seq > $1 ORDER BY seq", old.seq) {
		if err != nil {
			return nil, err
		}
		set.seq = max(set.seq, t.seq)
		if set.byID[t.ID] = t; t.gone {
			delete(set.byID, t.ID)
		}
	}
	set.listed = slices.SortedFunc(maps.Values(set.byID), func(a, b *TeamInfo) int {
		return cmp.Or(cmp.Compare(a.card.key, b.card.key), cmp.Compare(a.ID, b.ID))
	})
	for _, t := range set.listed {
		for _, m := range t.Members {
			set.byAddress[m.Email] = append(set.byAddress[m.Email], membership{t, m})
		}
	}
	return set, nil
}

// TeamByID returns a team.
func (r *Roster) TeamByID(id string) (*TeamInfo, bool) {
	t, ok := r.teams.byID[id]
	return t, ok
}

// personTeam is a team as seen from somebody who belongs to it.
type personTeam struct {
	Team
	relationship, joined string
}

// teamsOf returns the teams that a person belongs to: those that name them, then those that their own record names besides.
func (r *Roster) teamsOf(p *Person) (list []personTeam) {
	for _, address := range p.Addresses {
		for _, m := range r.teams.byAddress[address] {
			if !slices.ContainsFunc(list, func(o personTeam) bool { return o.ID == m.team.ID }) {
				list = append(list, personTeam{Team{m.team.ID, m.team.Name, m.team.Link}, m.member.Relationship, m.member.Joined})
			}
		}
	}
	for _, t := range p.Profile.Teams {
		if !slices.ContainsFunc(list, func(o personTeam) bool { return o.ID == t.ID && t.ID != "" || o.Name == t.Name && t.ID == "" }) {
			list = append(list, personTeam{Team: t})
		}
	}
	return list
}

// Member is an active person in a team.
type Member struct {
	Person *Person
	TeamMember
}

// MembersOf returns the active people of a team, each once, in the order in which the team names them.
func (r *Roster) MembersOf(t *TeamInfo) []Member {
	list := make([]Member, 0, len(t.Members))
	met := make(map[*entry]bool, len(t.Members))
	for _, m := range t.Members {
		if e := r.byAddress[m.Email]; e != nil && e.Active && !met[e] {
			met[e] = true
			list = append(list, Member{e.Person, m})
		}
	}
	return list
}

// sizeOf counts the active people of a team.
func (r *Roster) sizeOf(t *TeamInfo) int { return len(r.MembersOf(t)) }
