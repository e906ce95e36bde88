package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Realm is a datasource as a space of names: who may see it, and how it names people. corpus keeps
// one for each datasource.
type Realm struct {
	Datasource string
	// IdentitySource is the datasource whose users, groups and memberships this one uses. "" is itself.
	IdentitySource string
	// ByEmail says that permissions and memberships name users by address, not by the datasource's ids.
	ByEmail bool
	// Visible datasources grant what their documents say; hidden ones grant nothing to anybody, save Undecided ones to
	// their testers.
	Visible bool
	// Undecided datasources are hidden because new ones are: no administrator has shown or hidden them yet.
	Undecided bool
	// OpenToAnonymous lets anonymous tokens read what everyone may read here.
	OpenToAnonymous bool
	// Test narrows a visible datasource to its testers, once there are any.
	Test bool
}

// Audience says to whom a datasource grants anything. Its documents say what.
type Audience string

// The audiences.
const (
	NotVisible         Audience = "NOT_VISIBLE"
	VisibleToTestGroup Audience = "VISIBLE_TO_TEST_GROUP"
	VisibleToAll       Audience = "VISIBLE_TO_ALL"
)

// maxDatasourceName bounds names of datasources in bytes.
const maxDatasourceName = 64

// PutRealm makes or replaces a realm within the transaction that changes the datasource. Visible and
// OpenToAnonymous count for a new one only: they are an administrator's decision, which no
// connector changes.
//
// Whose identities a datasource borrows must have them itself: circles and chains are a fault.Invalid.
func PutRealm(ctx context.Context, tx *sqldb.Tx, r Realm) error {
	if r.Datasource == "" || len(r.Datasource) > maxDatasourceName {
		return errNoDatasource
	}
	if r.IdentitySource == "" {
		r.IdentitySource = r.Datasource
	}
	if err := r.checkLender(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO realms (datasource, identity_source, by_email, visible, open_anonymous, test, undecided)
		VALUES ($1, $2, $3, $4, $5, $6, NOT $4) ON CONFLICT (datasource) DO UPDATE SET
		identity_source = excluded.identity_source, by_email = excluded.by_email, test = excluded.test`,
		r.Datasource, r.IdentitySource, r.ByEmail, r.Visible, r.OpenToAnonymous, r.Test)
	if err != nil {
		return err
	}
	if _, _, err = intern(ctx, tx, r.Datasource, []name{{kindEveryone, ""}, {kindAllUsers, ""}}); err != nil {
		return err
	}
	return raiseRealms(ctx, tx, r.Datasource)
}

// checkLender refuses to borrow from a datasource that borrows itself, and to borrow where somebody borrows. One that does
// not exist yet lends once it does.
func (r *Realm) checkLender(ctx context.Context, tx *sqldb.Tx) error {
	if r.IdentitySource == r.Datasource {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return fault.Newf(fault.Invalid, format, args...).WithField("identityDatasourceName")
	}
	others, err := sqldb.All(ctx, tx, scanRealm, "SELECT "+realmColumns+" FROM realms WHERE datasource <> $1 ORDER BY datasource", r.Datasource)
	if err != nil {
		return err
	}
	for i := range others {
		o := &others[i]
		switch {
		case o.Datasource == r.IdentitySource && o.IdentitySource == r.Datasource:
			return refuse("%q borrows its identities from %q, so it cannot lend it any: name a datasource that has identities of its own.", o.Datasource, r.Datasource)
		case o.Datasource == r.IdentitySource && o.IdentitySource != o.Datasource:
			return refuse("%q borrows its identities from %q. Name the datasource that has them.", o.Datasource, o.IdentitySource)
		case o.IdentitySource == r.Datasource:
			return refuse("%q borrows its identities from %q, which therefore cannot borrow any itself. Change %q first.", o.Datasource, r.Datasource, o.Datasource)
		case o.Datasource != r.IdentitySource && strings.EqualFold(o.Datasource, r.IdentitySource):
			return refuse("There is a datasource %q, whose name differs from %q in case.", o.Datasource, r.IdentitySource)
		}
	}
	return nil
}

// Visibility is an administrator's decision about a datasource; nil leaves a thing as it is.
type Visibility struct {
	Visible         *bool
	OpenToAnonymous *bool
}

// SetVisibility changes who may see a datasource, within the caller's transaction. It holds from
// the next request.
func SetVisibility(ctx context.Context, tx *sqldb.Tx, datasource string, v Visibility) error {
	r, err := realm(ctx, tx, datasource)
	if err != nil {
		return err
	}
	if v.Visible != nil {
		r.Visible, r.Undecided = *v.Visible, false
	}
	if v.OpenToAnonymous != nil {
		r.OpenToAnonymous = *v.OpenToAnonymous
	}
	_, err = tx.Exec(ctx, "UPDATE realms SET visible = $2, open_anonymous = $3, undecided = $4 WHERE datasource = $1",
		datasource, r.Visible, r.OpenToAnonymous, r.Undecided)
	if err != nil {
		return err
	}
	return raiseRealms(ctx, tx, datasource)
}

// MaxTesters bounds the test group of a datasource.
const MaxTesters = 1000

// SetTesters replaces the list of people who may see a test datasource, or one that no administrator has decided about. With an
// empty list everyone may see the former, and nobody the latter.
func (d *Directory) SetTesters(ctx context.Context, datasource string, emails []string) error {
	if len(emails) > MaxTesters {
		return fault.Newf(fault.TooLarge, "A datasource has at most %d test users.", MaxTesters).WithField("emails")
	}
	addresses := make([]string, len(emails))
	for i, email := range emails {
		var err error
		if addresses[i], err = FoldEmail(email); err != nil {
			return errAddress.WithField("emails")
		}
	}
	return d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := realm(ctx, tx, datasource); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM realm_testers WHERE datasource = $1", datasource); err != nil {
			return err
		}
		seq, err := tx.Next(ctx, counterSeq, 1)
		if err != nil {
			return err
		}
		for _, address := range addresses {
			_, err := tx.Exec(ctx, "INSERT INTO realm_testers (datasource, email, seq) VALUES ($1, $2, $3) ON CONFLICT (datasource, email) DO NOTHING", datasource, address, seq)
			if err != nil {
				return err
			}
		}
		return raiseRealms(ctx, tx, datasource)
	})
}

var errNoDatasource = fault.New(fault.Invalid, "There is no datasource of this name. Add it with adddatasource first.").WithField("datasource")

const realmColumns = "datasource, identity_source, by_email, visible, open_anonymous, test, undecided"

func scanRealm(row sqldb.Scanner) (r Realm, err error) {
	err = row.Scan(&r.Datasource, &r.IdentitySource, &r.ByEmail, &r.Visible, &r.OpenToAnonymous, &r.Test, &r.Undecided)
	return r, err
}

// realm reads one realm. An unknown one is a fault.Invalid that says so.
func realm(ctx context.Context, tx *sqldb.Tx, datasource string) (Realm, error) {
	r, err := sqldb.One(ctx, tx, scanRealm, "SELECT "+realmColumns+" FROM realms WHERE datasource = $1", datasource)
	if fault.KindOf(err) == fault.NotFound {
		return r, errNoDatasource.Wrap(err)
	}
	return r, err
}

func raiseRealms(ctx context.Context, tx *sqldb.Tx, datasource string) error {
	if _, err := tx.Raise(ctx, versionRealms); err != nil {
		return err
	}
	return raiseMembers(ctx, tx, datasource)
}

// raiseMembers says that what people hold in a datasource may have changed.
func raiseMembers(ctx context.Context, tx *sqldb.Tx, datasource string) error {
	seq, err := tx.Next(ctx, counterSeq, 1)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO directory_changes (datasource, seq) VALUES ($1, $2)
		ON CONFLICT (datasource) DO UPDATE SET seq = excluded.seq`, datasource, seq)
	if err != nil {
		return err
	}
	_, err = tx.Raise(ctx, versionMembers)
	return err
}

// realmSet is every realm at one moment.
type realmSet struct {
	version   int64
	list      []realmNow
	anonymous []uint32 // what an anonymous caller holds
}

type realmNow struct {
	Realm
	everyone, allUsers uint32
	membersByEmail     bool             // the identity source's ByEmail
	testers            map[string]int64 // by address: the change that made them one
}

// Audience says who may see a datasource that has so many testers.
func (r *Realm) Audience(testers int) Audience {
	switch {
	case !r.Visible && !(r.Undecided && testers > 0):
		return NotVisible
	case r.isFor(testers):
		return VisibleToTestGroup
	}
	return VisibleToAll
}

// isFor reports whether a datasource is for its testers, if for anybody.
func (r *Realm) isFor(testers int) bool { return (r.Test || r.Undecided) && testers > 0 }

func (r *realmNow) audience() Audience { return r.Audience(len(r.testers)) }

func (r *realmNow) narrowed() bool { return r.isFor(len(r.testers)) }

// hasTester reports whether one of the addresses is a tester's. Whoever takes an address over does not become one by it.
func (r *realmNow) hasTester(addresses []held) bool {
	return slices.ContainsFunc(addresses, func(h held) bool { return r.testers[h.address] > h.from })
}

// admits reports whether someone with these addresses may see the datasource.
func (r *realmNow) admits(addresses []held) bool {
	return r.audience() != NotVisible && (!r.narrowed() || r.hasTester(addresses))
}

func (d *Directory) currentRealms(ctx context.Context) (*realmSet, error) {
	version, err := d.version(ctx, versionRealms)
	if err != nil {
		return nil, err
	}
	if set := d.realms.Load(); set != nil && set.version == version {
		return set, nil
	}
	d.realmLock.Lock()
	defer d.realmLock.Unlock()
	if version, err = d.version(ctx, versionRealms); err != nil {
		return nil, err
	}
	if set := d.realms.Load(); set != nil && set.version == version {
		return set, nil
	}
	set := &realmSet{version: version}
	if err := d.db.Read(ctx, func(tx *sqldb.Tx) error { return set.read(ctx, tx) }); err != nil {
		return nil, err
	}
	d.realms.Store(set)
	return set, nil
}

func (set *realmSet) read(ctx context.Context, tx *sqldb.Tx) error {
	list, err := sqldb.All(ctx, tx, scanRealm, "SELECT "+realmColumns+" FROM realms ORDER BY datasource")
	if err != nil {
		return err
	}
	type tester struct {
		datasource, email string
		seq               int64
	}
	scan := func(row sqldb.Scanner) (t tester, err error) {
		err = row.Scan(&t.datasource, &t.email, &t.seq)
		return t, err
	}
	testers := map[string]map[string]int64{}
	for t, err := range sqldb.Each(ctx, tx, scan, "SELECT datasource, email, seq FROM realm_testers") {
		if err != nil {
			return err
		}
		if testers[t.datasource] == nil {
			testers[t.datasource] = map[string]int64{}
		}
		testers[t.datasource][t.email] = t.seq
	}
	byEmail := make(map[string]bool, len(list))
	for _, r := range list {
		byEmail[r.Datasource] = r.ByEmail
	}
	for _, r := range list {
		now := realmNow{Realm: r, membersByEmail: byEmail[r.IdentitySource], testers: testers[r.Datasource]}
		ids, err := lookup(ctx, tx, r.Datasource, []name{{kindEveryone, ""}, {kindAllUsers, ""}})
		if err != nil {
			return err
		}
		now.everyone, now.allUsers = ids[name{kindEveryone, ""}], ids[name{kindAllUsers, ""}]
		set.list = append(set.list, now)
		if r.OpenToAnonymous && now.admits(nil) {
			set.anonymous = append(set.anonymous, now.everyone)
		}
	}
	slices.Sort(set.anonymous)
	return nil
}

// of returns the realm of a datasource.
func (set *realmSet) of(datasource string) (*realmNow, error) {
	for i := range set.list {
		if r := &set.list[i]; r.Datasource == datasource {
			return r, nil
		}
	}
	return nil, errNoDatasource
}

// Audience says who may see a datasource. An unknown one is a fault.Invalid.
func (d *Directory) Audience(ctx context.Context, datasource string) (Audience, error) {
	set, err := d.currentRealms(ctx)
	if err != nil {
		return "", err
	}
	r, err := set.of(datasource)
	if err != nil {
		return "", err
	}
	return r.audience(), nil
}

// Testers returns the addresses of a datasource's test group, sorted.
func (d *Directory) Testers(ctx context.Context, datasource string) (list []string, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT email FROM realm_testers WHERE datasource = $1 ORDER BY email", datasource)
		return err
	})
	return list, err
}

// Realms returns every datasource's realm, by name.
func (d *Directory) Realms(ctx context.Context) ([]Realm, error) {
	set, err := d.currentRealms(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Realm, len(set.list))
	for i := range set.list {
		list[i] = set.list[i].Realm
	}
	return list, nil
}

// VisibleRealms returns the names of the datasources of which the caller may see something.
func (d *Directory) VisibleRealms(ctx context.Context, c grant.Caller) (map[string]bool, error) {
	access, err := d.Access(ctx, c)
	if err != nil {
		return nil, err
	}
	set, err := d.currentRealms(ctx)
	if err != nil {
		return nil, err
	}
	visible := map[string]bool{}
	for i := range set.list {
		if r := &set.list[i]; access.Admits([]uint32{r.everyone}) {
			visible[r.Datasource] = true
		}
	}
	return visible, nil
}
