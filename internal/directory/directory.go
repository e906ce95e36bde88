// Package directory says who someone is and what they belong to: people with their addresses,
// roles and profiles, and the users, groups and memberships of every datasource.
//
// Its one idea is the principal: a name that a document can grant access to, scoped to the
// document's datasource and interned as an integer. What a caller may read is the set of principals
// that they hold (Access), so that hiding a datasource, opening it to anonymous tokens or removing
// someone from a group changes that set and nothing else. Memberships are walked upward on demand;
// there is no stored closure that could be stale.
//
// Access is for corpus, index and authority. The rooms of people and entities, the console, the
// admin API and intake call the rest. Only this package calls grant.MintAccess.
package directory

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Names of versions (sqldb) that this package raises, each in the transaction of the change.
const (
	versionAuthority = "authority"  // what admission depends on; authority watches it
	versionPeople    = "people"     // any change of a person
	versionTeams     = "teams"      // any change of a team
	versionRealms    = "realms"     // which datasources there are, and who may see them
	versionMembers   = "members"    // any change of users, groups, memberships or principals
	counterSeq       = "directory"  // orders changes of people and identities
	counterPrincipal = "principals" // ids of principals
)

// A cached answer may be used while the versions it was made from were read within this time.
const maxVersionAge = time.Second

// Directory is the people and groups of one server. It is safe for concurrent use.
type Directory struct {
	db     *sqldb.DB
	photos string // see NewAt

	rosterLock sync.Mutex // held while a newer roster is read
	roster     atomic.Pointer[Roster]
	realmLock  sync.Mutex // held while newer realms are read
	realms     atomic.Pointer[realmSet]
	callers    callerCache
	interned   internCache
}

// New returns the directory kept in db.
func New(db *sqldb.DB) *Directory {
	return &Directory{db: db, callers: newCallerCache(), interned: newInternCache()}
}

// NewAt is New for a server with a public address: people whose photos are kept here are shown with the address of
// theirs under it.
func NewAt(db *sqldb.DB, publicURL string) *Directory {
	d := New(db)
	d.photos = strings.TrimRight(publicURL, "/") + "/rest/api/v1/people/"
	return d
}

// version returns the number of a named version that is at most a second old, asking SQL where the
// number in memory is older.
func (d *Directory) version(ctx context.Context, name string) (int64, error) {
	n, readAt := d.db.Version(name)
	if time.Since(readAt) < maxVersionAge {
		return n, nil
	}
	return d.db.ReadVersion(ctx, name)
}

// now is the time as SQL keeps it.
func now() int64 { return time.Now().UnixMicro() }
