package directory

import (
	"context"
	"slices"

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
	// Visible datasources grant what their documents say; hidden ones grant nothing to anybody.
	Visible bool
	// OpenToAnonymous lets anonymous tokens read what everyone may read here.
	OpenToAnonymous bool
	// Test narrows a visible datasource to its testers, once there are any.
	Test bool
}

// maxDatasourceName bounds names of datasources in bytes.
const maxDatasourceName = 64

// PutRealm makes or replaces a realm within the transaction that changes the datasource. Visible and
// OpenToAnonymous count for a new one only: they are an administrator's decision, which no
// connector changes.
func PutRealm(ctx context.Context, tx *sqldb.Tx, r Realm) error {
	if r.Datasource == "" || len(r.Datasource) > maxDatasourceName {
		return errNoDatasource
	}
	if r.IdentitySource == "" {
		r.IdentitySource = r.Datasource
	}
	_, err := tx.Exec(ctx, `INSERT INTO realms (datasource, identity_source, by_email, visible, open_anonymous, test)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (datasource) DO UPDATE SET
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
		r.Visible = *v.Visible
	}
	if v.OpenToAnonymous != nil {
		r.OpenToAnonymous = *v.OpenToAnonymous
	}
	_, err = tx.Exec(ctx, "UPDATE realms SET visible = $2, open_anonymous = $3 WHERE datasource = $1", datasource, r.Visible, r.OpenToAnonymous)
	if err != nil {
		return err
	}
	return raiseRealms(ctx, tx, datasource)
}

// SetTesters replaces the list of people who may see a test datasource. With an empty list everyone may.
func (d *Directory) SetTesters(ctx context.Context, datasource string, emails []string) error {
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
		for _, address := range addresses {
			_, err := tx.Exec(ctx, "INSERT INTO realm_testers (datasource, email) VALUES ($1, $2) ON CONFLICT (datasource, email) DO NOTHING", datasource, address)
			if err != nil {
				return err
			}
		}
		return raiseRealms(ctx, tx, datasource)
	})
}

var errNoDatasource = fault.New(fault.Invalid, "There is no datasource of this name. Add it with adddatasource first.").WithField("datasource")

const realmColumns = "datasource, identity_source, by_email, visible, open_anonymous, test"

func scanRealm(row sqldb.Scanner) (r Realm, err error) {
	err = row.Scan(&r.Datasource, &r.IdentitySource, &r.ByEmail, &r.Visible, &r.OpenToAnonymous, &r.Test)
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
	testers            map[string]bool // nil where the datasource is not narrowed
}

// admits reports whether someone with these addresses may see the datasource.
func (r *realmNow) admits(addresses []held) bool {
	if !r.Visible {
		return false
	}
	return r.testers == nil || slices.ContainsFunc(addresses, func(h held) bool { return r.testers[h.address] })
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
	type pair struct{ datasource, text string }
	scan := func(row sqldb.Scanner) (p pair, err error) { err = row.Scan(&p.datasource, &p.text); return p, err }
	testers := map[string]map[string]bool{}
	for p, err := range sqldb.Each(ctx, tx, scan, "SELECT datasource, email FROM realm_testers") {
		if err != nil {
			return err
		}
		if testers[p.datasource] == nil {
			testers[p.datasource] = map[string]bool{}
		}
		testers[p.datasource][p.text] = true
	}
	for _, r := range list {
		now := realmNow{Realm: r}
		ids, err := lookup(ctx, tx, r.Datasource, []name{{kindEveryone, ""}, {kindAllUsers, ""}})
		if err != nil {
			return err
		}
		now.everyone, now.allUsers = ids[name{kindEveryone, ""}], ids[name{kindAllUsers, ""}]
		if r.Test {
			now.testers = testers[r.Datasource]
		}
		set.list = append(set.list, now)
		if r.OpenToAnonymous && now.admits(nil) {
			set.anonymous = append(set.anonymous, now.everyone)
		}
	}
	slices.Sort(set.anonymous)
	return nil
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
