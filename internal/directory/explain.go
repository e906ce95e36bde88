package directory

import (
	"cmp"
	"context"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Explanation says why somebody may or may not read a document. It tells of other people's groups and addresses, so it is for
// administrators alone; whoever calls Explain holds that.
type Explanation struct {
	// Sees is what Access says: the person holds one of the document's readers.
	Sees bool
	// Inactive, Hidden and NotTester each keep everything in the datasource from the person, whatever its documents say.
	Inactive, Hidden, NotTester bool
	// IdentitySource is the datasource that says who is a user and in which group: the document's own unless it borrows.
	IdentitySource string
	// ByEmail says that memberships of IdentitySource name users by address.
	ByEmail bool
	// Addresses are those the person holds now.
	Addresses []string
	// Identities are the users of IdentitySource who have one of Addresses.
	Identities []KnownUser
	// Ways are how the person holds readers of the document, were it not for what stands above: the shortest first, at most
	// maxWays. WaysInAll counts them.
	Ways      []Way
	WaysInAll int
	// Near are ways with something broken in them, the least broken first, at most maxWays. Only where there are no Ways.
	Near []Way
	// Names counts what the document names; Groups and Users are the first of those that the person is not, where there are no Ways.
	Names  Names
	Groups []NamedGroup
	Users  []NamedUser
}

// KnownUser is a user of a datasource, with how it stands to the person asked about.
type KnownUser struct {
	Email, UserID, Name string
	State               Flaw // Sound, Inactive or EarlierHolder
}

// Flaw says what is broken at a place.
type Flaw string

// The flaws.
const (
	Sound         Flaw = ""
	Inactive      Flaw = "inactive"       // the datasource says that the user is not active
	EarlierHolder Flaw = "earlier-holder" // sent while somebody else held the address
	UnknownGroup  Flaw = "unknown-group"  // memberships name it, and the datasource has no such group
)

// ReaderKind is what sort of reader a document names.
type ReaderKind string

// The kinds of reader.
const (
	ReaderEveryone     ReaderKind = "everyone"
	ReaderAllUsers     ReaderKind = "all-users"
	ReaderUser         ReaderKind = "user"
	ReaderGroup        ReaderKind = "group"
	ReaderIntersection ReaderKind = "intersection"
)

// Way leads from a person to a reader of a document.
type Way struct {
	Reader ReaderKind
	// Name is the address, id or group that the document names.
	Name string
	// Chain begins with the person's identity and goes on from group to group, the one named last. It is empty for everyone.
	Chain []Step
	// Parts are the groups of an intersection, each with its own chain; one without a chain is lacking.
	Parts []Part
	flaws int
}

// Part is one group of an intersection.
type Part struct {
	Group string
	Known bool // whether the datasource has such a group
	Chain []Step
}

// Step is one place of a chain: an identity, or a group.
type Step struct {
	Group string // "" for the identity
	User  KnownUser
	Flaw  Flaw
}

// Names counts what a document names.
type Names struct {
	Users, Groups, Intersections int
	AllUsers, Everyone           bool
}

// NamedGroup is a group that a document names.
type NamedGroup struct {
	Name  string
	Known bool
}

// NamedUser is a user whom a document names.
type NamedUser struct {
	Name  string // as the document names the user
	Known bool
	User  KnownUser
	// Own says that the document names one of the person's addresses; Alike that the user has the person's name or mailbox.
	Own, Alike bool
}

// maxWays bounds each list of an Explanation, so that it stays readable.
const maxWays = 8

// Explain says why a person may or may not read a document with these readers, from one snapshot. It agrees with Access.
func (d *Directory) Explain(ctx context.Context, person, datasource string, readers []uint32) (e Explanation, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		x := explainer{ctx: ctx, tx: tx, datasource: datasource}
		e, err = x.explain(person, readers)
		return err
	})
	return e, err
}

// explainer works within one snapshot.
type explainer struct {
	ctx        context.Context //nolint:containedctx // lives as long as one call
	tx         *sqldb.Tx
	datasource string
	byEmail    bool
	person     *Person
	walk       walk
}

func (x *explainer) explain(person string, readers []uint32) (e Explanation, err error) {
	if x.person, err = personByID(x.ctx, x.tx, person); err != nil {
		return e, err
	}
	r, err := x.realm()
	if err != nil {
		return e, err
	}
	addresses, err := heldBy(x.ctx, x.tx, person)
	if err != nil {
		return e, err
	}
	for _, a := range addresses {
		e.Addresses = append(e.Addresses, a.address)
	}
	x.byEmail, e.ByEmail, e.IdentitySource = r.ByEmail, r.membersByEmail, r.IdentitySource
	e.Inactive, e.Hidden = !x.person.Active, r.audience() == NotVisible
	e.NotTester = r.narrowed() && !r.hasTester(addresses)
	if e.Identities, err = x.identities(r.IdentitySource, addresses); err != nil {
		return e, err
	}
	x.walk = newWalk(r.IdentitySource, r.membersByEmail)
	if err = x.walk.run(x.ctx, x.tx, e.Identities); err != nil {
		return e, err
	}
	named, err := x.named(readers)
	if err != nil {
		return e, err
	}
	if err = x.ways(&e, named); err != nil {
		return e, err
	}
	e.Sees = !e.Inactive && !e.Hidden && !e.NotTester && len(e.Ways) > 0
	if len(e.Ways) == 0 {
		err = x.strangers(&e, named)
	}
	return e, err
}

// realm reads the realm of the document's datasource within the snapshot.
func (x *explainer) realm() (*realmNow, error) {
	var set realmSet
	if err := set.read(x.ctx, x.tx); err != nil {
		return nil, err
	}
	return set.of(x.datasource)
}

// identities returns the users of a datasource with these addresses, whatever their state.
func (x *explainer) identities(source string, addresses []held) (list []KnownUser, err error) {
	for part := range slices.Chunk(addresses, listParameters) {
		from, args := map[string]int64{}, []any{source}
		for _, a := range part {
			from[a.address], args = a.from, append(args, a.address)
		}
		scan := func(row sqldb.Scanner) (u KnownUser, err error) {
			var active bool
			var seq int64
			err = row.Scan(&u.Email, &u.UserID, &u.Name, &active, &seq)
			switch {
			case !active:
				u.State = Inactive
			case seq <= from[u.Email]:
				u.State = EarlierHolder
			}
			return u, err
		}
		found, err := sqldb.All(x.ctx, x.tx, scan, "SELECT email, user_id, name, active, seq FROM identities WHERE datasource = $1 AND email IN "+
			sqldb.In(2, len(part))+" ORDER BY email", args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// namedReader is one principal that a document names.
type namedReader struct {
	id   uint32
	name name
}

// named reads what the principals are called: by address or by id where the document names both, as the setting says.
func (x *explainer) named(readers []uint32) (list []namedReader, err error) {
	args := make([]any, len(readers))
	for i, id := range readers {
		args[i] = int64(id)
	}
	scan := func(row sqldb.Scanner) (n namedReader, err error) {
		err = row.Scan(&n.id, &n.name.kind, &n.name.text)
		return n, err
	}
	for part := range slices.Chunk(args, listParameters) {
		found, err := sqldb.All(x.ctx, x.tx, scan, "SELECT id, kind, name FROM principals WHERE datasource = $1 AND id IN "+sqldb.In(2, len(part)),
			sqldb.Args(part, x.datasource)...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	for i := range list {
		list[i].name = list[i].name.counting(x.byEmail)
	}
	return list, nil
}

// ways finds for each reader whether and how the person holds it.
func (x *explainer) ways(e *Explanation, named []namedReader) error {
	parts, err := groupsMet(x.ctx, x.tx, e.IdentitySource, named)
	if err != nil {
		return err
	}
	var good, near []Way
	for _, n := range named {
		e.Names.add(n.name.kind)
		w, reached := x.way(n, e.Identities, parts)
		switch {
		case !reached:
		case w.flaws == 0:
			good = append(good, w)
		default:
			near = append(near, w)
		}
	}
	e.WaysInAll = len(good)
	e.Ways = shortest(good)
	if len(good) == 0 {
		e.Near = shortest(near)
	}
	return nil
}

func (n *Names) add(kind string) {
	switch kind {
	case kindMail, kindUser:
		n.Users++
	case kindGroup:
		n.Groups++
	case kindIntersection:
		n.Intersections++
	case kindAllUsers:
		n.AllUsers = true
	case kindEveryone:
		n.Everyone = true
	}
}

// shortest sorts ways and keeps the first few.
func shortest(list []Way) []Way {
	slices.SortFunc(list, func(a, b Way) int {
		return cmp.Or(cmp.Compare(a.flaws, b.flaws), cmp.Compare(a.length(), b.length()), cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxWays)]
}

func (w *Way) length() int {
	n := len(w.Chain)
	for _, p := range w.Parts {
		n += len(p.Chain)
	}
	return n
}

// way leads to one reader; false where nothing leads near it.
func (x *explainer) way(n namedReader, own []KnownUser, parts map[uint32][]Part) (Way, bool) {
	switch n.name.kind {
	case kindEveryone:
		return Way{Reader: ReaderEveryone}, true
	case kindAllUsers:
		return throughIdentity(ReaderAllUsers, "", own, func(KnownUser) bool { return true })
	case kindMail:
		return throughIdentity(ReaderUser, n.name.text, own, func(u KnownUser) bool { return u.Email == n.name.text })
	case kindUser:
		return throughIdentity(ReaderUser, n.name.text, own, func(u KnownUser) bool { return u.UserID == n.name.text })
	case kindGroup:
		chain, flaws := x.walk.to(n.name.text)
		return Way{Reader: ReaderGroup, Name: n.name.text, Chain: chain, flaws: flaws}, chain != nil
	}
	w := Way{Reader: ReaderIntersection}
	met := false
	for _, p := range parts[n.id] {
		var flaws int
		p.Chain, flaws = x.walk.to(p.Group)
		if p.Chain == nil {
			flaws = lacking
		}
		met = met || p.Chain != nil
		w.flaws += flaws
		w.Parts = append(w.Parts, p)
	}
	return w, met
}

// lacking is how broken a way is that misses a whole group, against one flaw on a chain.
const lacking = 100

func throughIdentity(kind ReaderKind, text string, own []KnownUser, fits func(KnownUser) bool) (Way, bool) {
	for _, sound := range []bool{true, false} {
		for _, u := range own {
			if (u.State == Sound) == sound && fits(u) {
				w := Way{Reader: kind, Name: text, Chain: []Step{{User: u, Flaw: u.State}}}
				if !sound {
					w.flaws = 1
				}
				return w, true
			}
		}
	}
	return Way{}, false
}

// groupsMet reads the groups of the intersections among the readers. The source of identities says which groups there are.
func groupsMet(ctx context.Context, tx *sqldb.Tx, source string, named []namedReader) (map[uint32][]Part, error) {
	var args []any
	for _, n := range named {
		if n.name.kind == kindIntersection {
			args = append(args, int64(n.id))
		}
	}
	type row struct {
		id   uint32
		part Part
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		var known int
		err = s.Scan(&r.id, &r.part.Group, &known)
		r.part.Known = known == 1
		return r, err
	}
	parts := map[uint32][]Part{}
	for chunk := range slices.Chunk(args, listParameters) {
		for r, err := range sqldb.Each(ctx, tx, scan, `SELECT i.principal_id, i.group_name, CASE WHEN g.name IS NULL THEN 0 ELSE 1 END
			FROM intersection_parts i LEFT JOIN realm_groups g ON g.datasource = $1 AND g.name = i.group_name
			WHERE i.principal_id IN `+sqldb.In(2, len(chunk))+" ORDER BY i.group_name", sqldb.Args(chunk, source)...) {
			if err != nil {
				return nil, err
			}
			parts[r.id] = append(parts[r.id], r.part)
		}
	}
	return parts, nil
}
