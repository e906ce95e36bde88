package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Kinds of principals, as SQL keeps them. A user is named by address, by the datasource's own id, or by both; these are
// different names, so that none can be taken for another. Of both, the datasource's setting says which counts.
const (
	kindMail         = "m"
	kindUser         = "u"
	kindBoth         = "b" // the address, a space, the id
	kindGroup        = "g"
	kindIntersection = "i"
	kindAllUsers     = "a"
	kindEveryone     = "e"
)

// name is a principal within its datasource.
type name struct{ kind, text string }

// Permissions says who may read a document, as its connector names them. All parts are OR-ed. Its
// JSON is how corpus stores it.
type Permissions struct {
	Users         []UserRef  `json:"users,omitzero"`
	Groups        []string   `json:"groups,omitzero"`
	Intersections [][]string `json:"intersections,omitzero"` // each holds for those who are in all of its groups
	AllUsers      bool       `json:"allUsers,omitzero"`      // every active user of the datasource
	Everyone      bool       `json:"everyone,omitzero"`      // everyone who may see the datasource
}

// UserRef names a user of a datasource. Where both are given, the datasource's present setting says which counts.
type UserRef struct {
	Email  string `json:"email,omitzero"`
	UserID string `json:"userId,omitzero"`
}

// name returns the principal of a reference, and false for one that can name nobody.
func (u UserRef) name() (name, bool) {
	if u.Email == "" {
		return name{kindUser, u.UserID}, u.UserID != ""
	}
	address, err := FoldEmail(u.Email)
	if u.UserID == "" {
		return name{kindMail, address}, err == nil
	}
	return name{kindBoth, address + " " + u.UserID}, true // what is no address names nobody, while addresses count
}

// alone returns the two names of a kindBoth, by address and by id. The address can be "".
func (n name) alone() (mail, id name) {
	address, user, _ := strings.Cut(n.text, " ")
	return name{kindMail, address}, name{kindUser, user}
}

// counting returns the one of a kindBoth that counts under a setting of the datasource, and other names as they are.
func (n name) counting(byEmail bool) name {
	if n.kind != kindBoth {
		return n
	}
	mail, id := n.alone()
	if byEmail {
		return mail
	}
	return id
}

// groupsName is the name of an intersection. Names of groups may be long and many, and an index
// entry may not, so it is a digest; intersection_parts holds the groups.
func groupsName(groups []string) string {
	sum := sha256.Sum256([]byte(strings.Join(groups, "\x00")))
	return hex.EncodeToString(sum[:])
}

// names lists the principals of p, and the groups of the intersections among them.
func (p *Permissions) names() (list []name, parts map[name][]string) {
	for _, u := range p.Users {
		if n, ok := u.name(); ok {
			list = append(list, n)
		}
	}
	for _, g := range p.Groups {
		list = append(list, name{kindGroup, g})
	}
	for _, groups := range p.Intersections {
		sorted := slices.Compact(slices.Sorted(slices.Values(groups)))
		switch len(sorted) {
		case 0: // nobody is meant
		case 1:
			list = append(list, name{kindGroup, sorted[0]})
		default:
			n := name{kindIntersection, groupsName(sorted)}
			if parts == nil {
				parts = map[name][]string{}
			}
			parts[n] = sorted
			list = append(list, n)
		}
	}
	if p.AllUsers {
		list = append(list, name{kindAllUsers, ""})
	}
	if p.Everyone {
		list = append(list, name{kindEveryone, ""})
	}
	return list, parts
}

// internStep bounds what one transaction of Prepare writes, in rows: some 15 ms on the slower engine.
const internStep = 250

// Prepare interns the names in permissions that nobody has met, a few in a transaction, so that Intern finds them and
// one document for fifty thousand groups does not keep the writer for seconds. Names without a document grant nothing.
func (d *Directory) Prepare(ctx context.Context, lane sqldb.Lane, datasource string, permissions []Permissions) error {
	most := 0
	for i := range permissions {
		p := &permissions[i]
		most += len(p.Users) + len(p.Groups)
		for _, groups := range p.Intersections {
			most += 1 + len(groups)
		}
	}
	if most <= internStep {
		return nil
	}
	err := d.db.Read(ctx, func(tx *sqldb.Tx) error {
		_, err := realm(ctx, tx, datasource)
		return err
	})
	if err != nil {
		return err
	}
	_, parts, _, unknown := d.named(datasource, permissions)
	for len(unknown) > 0 {
		n, rows := 0, 0
		for n < len(unknown) && (n == 0 || rows+weight(unknown[n], parts) <= internStep) {
			rows += weight(unknown[n], parts)
			n++
		}
		step := unknown[:n]
		if err := d.db.Write(ctx, lane, func(tx *sqldb.Tx) error {
			_, err := d.learn(ctx, tx, datasource, step, parts)
			return err
		}); err != nil {
			return err
		}
		unknown = unknown[n:]
	}
	return nil
}

// weight is how many rows a new name takes.
func weight(n name, parts map[name][]string) int {
	if n.kind == kindBoth {
		return 3
	}
	return 1 + len(parts[n])
}

// named lists the principals of each of permissions, the groups of the intersections among them, the ids that are at
// hand, and the names without.
func (d *Directory) named(datasource string, permissions []Permissions) (lists [][]name, parts map[name][]string, ids map[name]uint32, unknown []name) {
	lists, parts, ids = make([][]name, len(permissions)), map[name][]string{}, map[name]uint32{}
	for i := range permissions {
		var own map[name][]string
		lists[i], own = permissions[i].names()
		maps.Copy(parts, own)
		for _, n := range lists[i] {
			if _, met := ids[n]; met {
				continue
			}
			id, known := d.interned.get(datasource, n)
			ids[n] = id
			if !known {
				unknown = append(unknown, n)
			}
		}
	}
	return lists, parts, ids, unknown
}

// learn finds or makes the ids of names, and keeps them at hand once they are durable.
func (d *Directory) learn(ctx context.Context, tx *sqldb.Tx, datasource string, names []name, parts map[name][]string) (map[name]uint32, error) {
	learnt, fresh, err := intern(ctx, tx, datasource, names)
	if err != nil {
		return nil, err
	}
	if err = addParts(ctx, tx, datasource, fresh, learnt, parts); err != nil {
		return nil, err
	}
	tx.OnCommit(func() { d.interned.put(datasource, learnt) })
	return learnt, nil
}

// Intern turns the permissions of documents of one datasource into sorted lists of principals,
// within the transaction that writes the documents. Names that nobody has met yet are interned too:
// they grant something as soon as somebody bears them.
func (d *Directory) Intern(ctx context.Context, tx *sqldb.Tx, datasource string, permissions []Permissions) ([][]uint32, error) {
	if _, err := realm(ctx, tx, datasource); err != nil {
		return nil, err
	}
	lists, parts, ids, unknown := d.named(datasource, permissions)
	if len(unknown) > 0 {
		learnt, err := d.learn(ctx, tx, datasource, unknown, parts)
		if err != nil {
			return nil, err
		}
		maps.Copy(ids, learnt)
	}
	readers := make([][]uint32, len(lists))
	for i, list := range lists {
		readers[i] = make([]uint32, len(list))
		for j, n := range list {
			readers[i][j] = ids[n]
		}
		slices.Sort(readers[i])
		readers[i] = slices.Compact(readers[i])
	}
	return readers, nil
}

// intern finds or makes the ids of names, and tells which are fresh.
func intern(ctx context.Context, tx *sqldb.Tx, datasource string, names []name) (ids map[name]uint32, fresh []name, err error) {
	if ids, err = lookup(ctx, tx, datasource, names); err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		if _, known := ids[n]; !known {
			ids[n] = 0
			fresh = append(fresh, n)
		}
	}
	if len(fresh) == 0 {
		return ids, nil, nil
	}
	first, err := tx.Next(ctx, counterPrincipal, int64(len(fresh)))
	if err != nil {
		return nil, nil, err
	}
	if first+int64(len(fresh)) > math.MaxUint32 {
		return nil, nil, fault.New(fault.Unprocessable, "There are too many different names in permissions: four thousand million is the limit.")
	}
	for i, n := range fresh {
		id := first + int64(i)
		ids[n] = uint32(id) //nolint:gosec // bounded above
		_, err = tx.Exec(ctx, "INSERT INTO principals (id, datasource, kind, name) VALUES ($1, $2, $3, $4)", id, datasource, n.kind, n.text)
		if err != nil {
			return nil, nil, err
		}
	}
	// Whoever bears one of these names holds a principal that their cached set lacks.
	return ids, fresh, raiseMembers(ctx, tx, datasource)
}

// addParts writes down the groups of new intersections, and the two names of new users with both.
func addParts(ctx context.Context, tx *sqldb.Tx, datasource string, fresh []name, ids map[name]uint32, parts map[name][]string) error {
	for _, n := range fresh {
		if n.kind == kindBoth {
			mail, id := n.alone()
			_, err := tx.Exec(ctx, "INSERT INTO principal_users (datasource, kind, name, principal_id) VALUES ($1, $2, $3, $6), ($1, $4, $5, $6)",
				datasource, mail.kind, mail.text, id.kind, id.text, int64(ids[n]))
			if err != nil {
				return err
			}
		}
		for _, group := range parts[n] {
			_, err := tx.Exec(ctx, "INSERT INTO intersection_parts (datasource, group_name, principal_id, parts) VALUES ($1, $2, $3, $4)",
				datasource, group, int64(ids[n]), len(parts[n]))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// lookup finds the ids of those names that are interned.
func lookup(ctx context.Context, tx *sqldb.Tx, datasource string, names []name) (map[name]uint32, error) {
	ids := make(map[name]uint32, len(names))
	byKind := map[string][]any{}
	for _, n := range names {
		byKind[n.kind] = append(byKind[n.kind], n.text)
	}
	type row struct {
		text string
		id   uint32
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.text, &r.id); return r, err }
	for kind, texts := range byKind {
		for part := range slices.Chunk(texts, listParameters) {
			args := append([]any{datasource, kind}, part...)
			for r, err := range sqldb.Each(ctx, tx, scan, "SELECT name, id FROM principals WHERE datasource = $1 AND kind = $2 AND name IN "+sqldb.In(3, len(part)), args...) {
				if err != nil {
					return nil, err
				}
				ids[name{kind, r.text}] = r.id
			}
		}
	}
	return ids, nil
}

// internCache keeps ids of principals. They never change, so it is never wrong; when it is full it
// starts again.
type internCache struct {
	lock sync.Mutex // guards ids
	ids  map[internKey]uint32
}

type internKey struct {
	datasource string
	name
}

// maxInterned bounds the cache to some ten megabytes.
const maxInterned = 100_000

func newInternCache() internCache { return internCache{ids: map[internKey]uint32{}} }

func (c *internCache) get(datasource string, n name) (uint32, bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	id, ok := c.ids[internKey{datasource, n}]
	return id, ok
}

func (c *internCache) put(datasource string, ids map[name]uint32) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.ids)+len(ids) > maxInterned {
		clear(c.ids)
	}
	for n, id := range ids {
		c.ids[internKey{datasource, n}] = id
	}
}
