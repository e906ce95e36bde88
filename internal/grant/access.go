package grant

import "slices"

// Access is what a caller may read, as the index and the corpus filter by it: a set of principals,
// or everything. The zero Access reads nothing.
type Access struct{ set *accessSet }

type accessSet struct {
	everything bool
	principals []uint32
	key        string
}

// MintAccess makes the Access of a caller who holds principals. Only directory and tests may call
// it. The list is kept, must be sorted without repeats, and must not change afterwards. Equal keys promise equal
// lists, so that an engine can keep a prepared filter by key; an empty key promises nothing.
func MintAccess(principals []uint32, key string) Access {
	return Access{&accessSet{principals: principals, key: key}}
}

// MintFullAccess makes the Access that reads everything, for maintenance and admin search. Only
// directory and tests may call it.
func MintFullAccess() Access { return Access{&accessSet{everything: true, key: "*"}} }

// Everything reports whether there is no filter at all.
func (a Access) Everything() bool { return a.set != nil && a.set.everything }

// Principals returns the sorted principal ids. It must not be changed.
func (a Access) Principals() []uint32 {
	if a.set == nil {
		return nil
	}
	return a.set.principals
}

// Key identifies the list of principals for caches: equal non-empty keys mean equal lists.
func (a Access) Key() string {
	if a.set == nil {
		return ""
	}
	return a.set.key
}

// Admits reports whether one of readers is held. It is the obviously right form of the filter.
func (a Access) Admits(readers []uint32) bool {
	if a.Everything() {
		return true
	}
	for _, r := range readers {
		if _, held := slices.BinarySearch(a.Principals(), r); held {
			return true
		}
	}
	return false
}
