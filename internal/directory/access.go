package directory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Access returns what a caller may read. A person's set holds, for every datasource that they may
// see: everyone, and where they are an active user of it, themselves, all users, their groups and
// the intersections they satisfy. It is at most a second old on other nodes, and on this one holds
// every change that was acknowledged before the call. Anonymous callers hold everyone of the opened
// datasources; maintenance and admin search read everything; all others nothing.
func (d *Directory) Access(ctx context.Context, c grant.Caller) (grant.Access, error) {
	switch {
	case c.Is(grant.AdminSearch | grant.Maintenance):
		return grant.MintFullAccess(), nil
	case c.Is(grant.Anonymous):
		set, err := d.currentRealms(ctx)
		if err != nil {
			return grant.Access{}, err
		}
		return grant.MintAccess(set.anonymous, accessKey(set.anonymous)), nil
	case c.Is(grant.User|grant.Global|grant.Session) && c.Person() != "":
		return d.accessOf(ctx, c.Person())
	}
	return grant.Access{}, nil
}

// AccessOf returns what the person who holds an address may read, as Access does for themselves, to those who may ask it of
// others: connectors, of documents that they index; signed-in administrators; and the server itself. Of an address
// that no active person holds it is nothing.
func (d *Directory) AccessOf(ctx context.Context, c grant.Caller, email string) (grant.Access, error) {
	if !c.Is(grant.Indexing|grant.Maintenance) && !c.Administers() {
		return grant.Access{}, fault.New(fault.Forbidden, "Only connectors and administrators ask what somebody else may read.")
	}
	p, err := d.ByEmail(ctx, email)
	if fault.KindOf(err) == fault.NotFound {
		return grant.Access{}, nil
	}
	if err != nil {
		return grant.Access{}, err
	}
	return d.accessOf(ctx, p.ID)
}

// accessKey is equal for equal lists only: a digest of 128 bits.
func accessKey(principals []uint32) string {
	buf := make([]byte, 0, 4*len(principals))
	for _, p := range principals {
		buf = binary.BigEndian.AppendUint32(buf, p)
	}
	sum := sha256.Sum256(buf)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// callerCache holds what people were found to hold, with the versions it was made from.
type callerCache struct {
	lock   sync.Mutex // guards people
	people map[string]*holder
}

// maxHolders bounds the cache. A holder has a few kilobytes.
const maxHolders = 10_000

func newCallerCache() callerCache { return callerCache{people: map[string]*holder{}} }

func (c *callerCache) get(id string) *holder {
	c.lock.Lock()
	defer c.lock.Unlock()
	h := c.people[id]
	if h == nil {
		if len(c.people) >= maxHolders {
			for old := range c.people {
				delete(c.people, old)
				break
			}
		}
		h = &holder{}
		c.people[id] = h
	}
	return h
}

// holder is what one person holds.
type holder struct {
	lock    sync.Mutex // guards the rest, and is held while the set is made
	made    bool
	basis   basis
	access  grant.Access
	active  bool
	held    []held
	sources map[string]sourceHold
}

// basis is the versions that a set was made from.
type basis struct{ people, realms, members int64 }

// held is an address, with the change after which datasources speak of this holder.
type held struct {
	address string
	from    int64
}

// heldBy returns the addresses of a person, sorted.
func heldBy(ctx context.Context, tx *sqldb.Tx, person string) ([]held, error) {
	scan := func(row sqldb.Scanner) (a held, err error) { err = row.Scan(&a.address, &a.from); return a, err }
	return sqldb.All(ctx, tx, scan, "SELECT address, held_from FROM addresses WHERE person_id = $1 ORDER BY address", person)
}

// sourceHold is what a person holds in one datasource, and all that this follows from: the settings, and the last
// changes of the datasource and of its identity source.
type sourceHold struct {
	made       holdBasis
	principals []uint32
}

type holdBasis struct {
	identitySource          string
	byEmail, membersByEmail bool
	own, identities         int64
}

func (d *Directory) accessOf(ctx context.Context, id string) (grant.Access, error) {
	h := d.callers.get(id)
	h.lock.Lock()
	defer h.lock.Unlock()
	// The versions are read before the data, so that what is read may be newer than its label but
	// never older.
	b, err := d.basis(ctx)
	if err != nil {
		return grant.Access{}, err
	}
	if h.made && h.basis == b {
		return h.access, nil
	}
	realms, err := d.currentRealms(ctx)
	if err != nil {
		return grant.Access{}, err
	}
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error { return h.renew(ctx, tx, id, realms) })
	if err != nil {
		h.made = false
		return grant.Access{}, err
	}
	h.made, h.basis = true, b
	return h.access, nil
}

func (d *Directory) basis(ctx context.Context) (b basis, err error) {
	if b.people, err = d.version(ctx, versionPeople); err != nil {
		return b, err
	}
	if b.realms, err = d.version(ctx, versionRealms); err != nil {
		return b, err
	}
	b.members, err = d.version(ctx, versionMembers)
	return b, err
}

// renew makes the set from one snapshot, keeping what it has of datasources that did not change.
func (h *holder) renew(ctx context.Context, tx *sqldb.Tx, id string, realms *realmSet) error {
	if err := h.readPerson(ctx, tx, id); err != nil {
		return err
	}
	if !h.active {
		h.access, h.sources = grant.Access{}, nil
		return nil
	}
	changed, err := lastChanges(ctx, tx)
	if err != nil {
		return err
	}
	users, err := identitiesOf(ctx, tx, id)
	if err != nil {
		return err
	}
	sources := make(map[string]sourceHold, len(realms.list))
	var all []uint32
	for i := range realms.list {
		r := &realms.list[i]
		if !r.admits(h.held) {
			continue
		}
		s := sourceHold{made: holdBasis{r.IdentitySource, r.ByEmail, r.membersByEmail, changed[r.Datasource], changed[r.IdentitySource]}}
		if old, ok := h.sources[r.Datasource]; ok && old.made == s.made {
			s.principals = old.principals
		} else if s.principals, err = expand(ctx, tx, r, users[r.IdentitySource]); err != nil {
			return err
		}
		sources[r.Datasource] = s
		all = append(all, s.principals...)
	}
	slices.Sort(all)
	h.access, h.sources = grant.MintAccess(all, accessKey(all)), sources
	return nil
}

// readPerson learns whether the person is active, and the addresses. Other addresses than before
// void what is known of every datasource.
func (h *holder) readPerson(ctx context.Context, tx *sqldb.Tx, id string) error {
	active, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT id FROM people WHERE id = $1 AND active", id)
	if err != nil {
		return err
	}
	addresses, err := heldBy(ctx, tx, id)
	if err != nil {
		return err
	}
	h.active = len(active) > 0
	if !slices.Equal(addresses, h.held) {
		h.held, h.sources = addresses, nil
	}
	return nil
}

func lastChanges(ctx context.Context, tx *sqldb.Tx) (map[string]int64, error) {
	type change struct {
		datasource string
		seq        int64
	}
	scan := func(row sqldb.Scanner) (c change, err error) { err = row.Scan(&c.datasource, &c.seq); return c, err }
	last := map[string]int64{}
	for c, err := range sqldb.Each(ctx, tx, scan, "SELECT datasource, seq FROM directory_changes") {
		if err != nil {
			return nil, err
		}
		last[c.datasource] = c.seq
	}
	return last, nil
}
