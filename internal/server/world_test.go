package server_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// world is a random company: the model of who sees what, and the server that is told the same through the Indexing API.
type world struct {
	t       testing.TB
	s       *sheaftest.Server
	rng     *rand.Rand
	token   string
	people  []*worldPerson
	sources []*worldSource
	docs    map[string]*worldDoc // by token
	taken   map[string]bool
	made    int
}

type worldPerson struct {
	id        string
	addresses []string // the first is the main one
	active    bool
}

type worldSource struct {
	name    string
	byEmail bool
	lender  *worldSource // whose users and groups count here; itself unless they are borrowed
	testers []string     // addresses; none means everybody
	// Its documents are messages where the category is MESSAGING, and things of the company where it has entities.
	category string
	entities bool
	users    map[string]*worldUser
	members  map[string]map[worldMember]bool // by group
}

type worldUser struct {
	email  string
	active bool
}

// worldMember is a user or a group in a group.
type worldMember struct{ user, group string }

// worldDoc is a document. All that is particular to it begins with its token, so that whatever tells of it shows the token.
type worldDoc struct {
	token         string
	source        *worldSource
	everyone, all bool
	users, groups []string
	intersections [][]string
	updated       int64
	round         int // drawn anew with each change, for facets to move
}

// sees is the whole of the permissions.
func (w *world) sees(p *worldPerson, d *worldDoc) bool {
	if !p.active || len(d.source.testers) > 0 && !slices.ContainsFunc(p.addresses, func(a string) bool { return slices.Contains(d.source.testers, a) }) {
		return false
	}
	ids := d.source.lender.usersOf(p)
	groups := d.source.lender.groupsOf(ids)
	in := func(g string) bool { return groups[g] }
	return d.everyone || d.all && len(ids) > 0 ||
		slices.ContainsFunc(d.users, func(u string) bool { return slices.Contains(ids, u) }) || slices.ContainsFunc(d.groups, in) ||
		slices.ContainsFunc(d.intersections, func(all []string) bool { return !slices.ContainsFunc(all, func(g string) bool { return !in(g) }) })
}

// usersOf lists the active users that are this person.
func (s *worldSource) usersOf(p *worldPerson) (ids []string) {
	for id, u := range s.users {
		if u.active && slices.Contains(p.addresses, u.email) {
			ids = append(ids, id)
		}
	}
	return ids
}

// groupsOf goes upward from users until nothing is added.
func (s *worldSource) groupsOf(ids []string) map[string]bool {
	in := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for g, members := range s.members {
			for m := range members {
				if !in[g] && (m.user != "" && slices.Contains(ids, m.user) || m.group != "" && in[m.group]) {
					in[g], grown = true, true
				}
			}
		}
	}
	return in
}

// newWorld makes people, sources, users, groups and documents. Sources are few and groups small, so that chance meets often.
func newWorld(t testing.TB, s *sheaftest.Server, seed uint64) *world {
	w := &world{t: t, s: s, rng: rand.New(rand.NewPCG(seed, 1)), token: s.Indexing(), docs: map[string]*worldDoc{}, taken: map[string]bool{}}
	for i := range 8 {
		p := &worldPerson{addresses: []string{fmt.Sprintf("p%d@world.example", i)}, active: true}
		p.id = s.Person(p.addresses[0], grant.RoleMember).ID
		if i%3 == 0 {
			second := fmt.Sprintf("also%d@world.example", i)
			if _, err := s.People.AddAddress(t.Context(), p.id, second); err != nil {
				t.Fatal(err)
			}
			p.addresses = append(p.addresses, second)
		}
		w.people = append(w.people, p)
	}
	for i, name := range []string{"alder", "birch", "cedar"} {
		src := &worldSource{name: name, byEmail: i == 0, category: "KNOWLEDGE_HUB", entities: i == 2, users: map[string]*worldUser{}, members: map[string]map[worldMember]bool{}}
		src.lender = src
		w.sources = append(w.sources, src)
	}
	w.sources[0].category = "MESSAGING"
	w.sources[2].lender = w.sources[1]
	for _, src := range w.sources {
		w.configure(src)
	}
	for range 24 {
		w.putUser()
	}
	for range 60 {
		w.changeMembership()
	}
	for range 40 {
		w.putDocument(nil)
	}
	return w
}

func (w *world) post(operation string, body any) {
	w.t.Helper()
	w.s.Must("POST", "/api/index/v1/"+operation, w.token, body)
}

func (w *world) configure(src *worldSource) {
	body := map[string]any{
		"name": src.name, "displayName": src.name, "datasourceCategory": src.category, "isEntityDatasource": src.entities, "urlRegex": "https://" + src.name + `\.example/.*`,
		"isUserReferencedByEmail": src.byEmail, "isTestDatasource": true, // so that testers count
	}
	if src.lender != src {
		body["identityDatasourceName"] = src.lender.name
	}
	w.post("adddatasource", body)
}

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

// word draws a word that no other part of the world has: "zq" and eight letters.
func (w *world) word() string {
	for {
		b := []byte("zq________")
		for i := 2; i < len(b); i++ {
			b[i] = byte('a' + w.rng.IntN(26))
		}
		if !w.taken[string(b)] {
			w.taken[string(b)] = true
			return string(b)
		}
	}
}

func (w *world) groupName() string { return fmt.Sprintf("zg-%d", w.rng.IntN(7)) }

// owner draws a source that has users of its own.
func (w *world) owner() *worldSource { return pick(w, w.sources[:2]) }

// key is what a source calls its users by: the address, or an id of its own.
func (w *world) key(src *worldSource, i int) (id, email string) {
	p := w.people[i%len(w.people)]
	email = p.addresses[i/len(w.people)%len(p.addresses)]
	if src.byEmail {
		return email, email
	}
	return fmt.Sprintf("u%d", i), email
}

// putUser adds a user, or makes one active or not.
func (w *world) putUser() {
	src := w.owner()
	id, email := w.key(src, w.rng.IntN(2*len(w.people)))
	u := &worldUser{email, w.rng.IntN(6) > 0}
	// One address is one user of a source: a user of another id with this address gives way.
	for other, had := range src.users {
		if other != id && had.email == email {
			w.deleteUser(src, other)
		}
	}
	src.users[id] = u
	user := map[string]any{"email": email, "name": "somebody", "isActive": u.active}
	if !src.byEmail {
		user["userId"] = id
	}
	w.post("indexuser", map[string]any{"datasource": src.name, "user": user})
}

func (w *world) deleteUser(src *worldSource, id string) {
	w.post("deleteuser", map[string]any{"datasource": src.name, "email": src.users[id].email})
	delete(src.users, id)
	for _, members := range src.members {
		delete(members, worldMember{user: id})
	}
}

func (w *world) deleteSomeUser() {
	src := w.owner()
	if ids := slices.Sorted(maps.Keys(src.users)); len(ids) > 4 {
		w.deleteUser(src, pick(w, ids))
	}
}

// changeMembership puts a user or a group into a group, or takes one out. Cycles happen.
func (w *world) changeMembership() {
	src := w.owner()
	g := w.groupName()
	if len(src.members[g]) > 0 && w.rng.IntN(3) == 0 {
		m := pick(w, slices.SortedFunc(maps.Keys(src.members[g]), func(a, b worldMember) int { return cmpText(a.user+a.group, b.user+b.group) }))
		delete(src.members[g], m)
		w.post("deletemembership", map[string]any{"datasource": src.name, "membership": membership(g, m)})
		return
	}
	var m worldMember
	if ids := slices.Sorted(maps.Keys(src.users)); w.rng.IntN(2) == 0 && len(ids) > 0 {
		m.user = pick(w, ids)
	} else if m.group = w.groupName(); m.group == g {
		return
	}
	for _, name := range []string{g, m.group} {
		if name != "" && src.members[name] == nil {
			src.members[name] = map[worldMember]bool{}
			w.post("indexgroup", map[string]any{"datasource": src.name, "group": map[string]any{"name": name}})
		}
	}
	src.members[g][m] = true
	w.post("indexmembership", map[string]any{"datasource": src.name, "membership": membership(g, m)})
}

func membership(g string, m worldMember) map[string]any {
	body := map[string]any{"groupName": g}
	if m.user != "" {
		body["memberUserId"] = m.user
	} else {
		body["memberGroupName"] = m.group
	}
	return body
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func (w *world) deleteGroup() {
	src := w.owner()
	g := w.groupName()
	if src.members[g] == nil {
		return
	}
	delete(src.members, g)
	for _, members := range src.members {
		delete(members, worldMember{group: g})
	}
	w.post("deletegroup", map[string]any{"datasource": src.name, "groupName": g})
}

// draw gives a document new readers and a new round.
func (w *world) draw(d *worldDoc) {
	w.made++
	d.round, d.updated = w.made, 1_780_000_000+int64(w.made)*3600
	d.everyone, d.all = w.rng.IntN(14) == 0, w.rng.IntN(12) == 0
	d.users, d.groups, d.intersections = nil, nil, nil
	for range w.rng.IntN(3) {
		id, _ := w.key(d.source.lender, w.rng.IntN(2*len(w.people)))
		d.users = append(d.users, id)
	}
	for range w.rng.IntN(3) {
		d.groups = append(d.groups, w.groupName())
	}
	for range w.rng.IntN(2) {
		d.intersections = append(d.intersections, []string{w.groupName(), w.groupName(), w.groupName()}[:1+w.rng.IntN(3)])
	}
}

func (d *worldDoc) permissions() map[string]any {
	users := []any{}
	for _, id := range d.users {
		if d.source.lender.byEmail {
			users = append(users, map[string]any{"email": id})
		} else {
			users = append(users, map[string]any{"datasourceUserId": id})
		}
	}
	both := []any{}
	for _, groups := range d.intersections {
		both = append(both, map[string]any{"requiredGroups": groups})
	}
	return map[string]any{
		"allowAnonymousAccess": d.everyone, "allowAllDatasourceUsersAccess": d.all, "allowedUsers": users, "allowedGroups": d.groups,
		"allowedGroupIntersections": both,
	}
}

func (d *worldDoc) url() string { return "https://" + d.source.name + ".example/" + d.token }

func (d *worldDoc) key() string { return d.source.name + "/paper/" + d.token }

func (d *worldDoc) shelf() string { return fmt.Sprintf("shelf%d", d.round%5) }

func (d *worldDoc) box() string { return fmt.Sprintf("box%d", d.round%4) }

func (d *worldDoc) body() map[string]any {
	return map[string]any{
		"datasource": d.source.name, "objectType": "paper", "id": d.token, "viewURL": d.url(),
		"title": d.token + " harbour ledger", "updatedAt": d.updated, "permissions": d.permissions(), "container": d.token + " " + d.shelf(),
		"body": map[string]any{"mimeType": "text/plain", "textContent": "The ledger of the harbour says " + d.token + " and nothing more about berth " + d.shelf()},
		"tags": []string{d.token, d.shelf()}, "status": d.shelf(), "containerDatasourceId": d.box(), "containerObjectType": "box",
		"customProperties": []any{map[string]any{"name": "berth", "value": d.token + " " + d.shelf()}},
		"comments":         []any{map[string]any{"id": "1", "content": map[string]any{"mimeType": "text/plain", "textContent": d.token + " was here"}}},
	}
}

// putDocument adds a document, or changes d.
func (w *world) putDocument(d *worldDoc) {
	if d == nil {
		d = &worldDoc{token: w.word(), source: pick(w, w.sources)}
		w.docs[d.token] = d
	}
	w.draw(d)
	w.post("indexdocuments", map[string]any{"datasource": d.source.name, "documents": []any{d.body()}})
}

func (w *world) anyDoc() *worldDoc { return w.docs[pick(w, slices.Sorted(maps.Keys(w.docs)))] }

func (w *world) setPermissions() {
	d := w.anyDoc()
	round, updated := d.round, d.updated
	w.draw(d)
	d.round, d.updated = round, updated // the document itself stays as it was
	w.post("updatepermissions", map[string]any{"datasource": d.source.name, "objectType": "paper", "id": d.token, "permissions": d.permissions()})
}

func (w *world) deleteDocument() {
	d := w.anyDoc()
	delete(w.docs, d.token)
	w.post("deletedocument", map[string]any{"datasource": d.source.name, "objectType": "paper", "id": d.token})
}

// borrow gives the third source another lender, and users and groups with it.
func (w *world) borrow() {
	w.sources[2].lender = pick(w, w.sources[:2])
	// A source says itself how it names users; its documents follow the lender's words only where both agree.
	w.sources[2].byEmail = w.sources[2].lender.byEmail
	w.configure(w.sources[2])
	for _, token := range slices.Sorted(maps.Keys(w.docs)) {
		if d := w.docs[token]; d.source == w.sources[2] {
			w.putDocument(d)
		}
	}
}

func (w *world) setTesters() {
	src := pick(w, w.sources)
	src.testers = nil
	for i := range w.rng.IntN(4) {
		src.testers = append(src.testers, w.people[(i*3+w.rng.IntN(3))%len(w.people)].addresses[0])
	}
	slices.Sort(src.testers)
	src.testers = slices.Compact(src.testers)
	emails := src.testers
	if emails == nil {
		emails = []string{}
	}
	w.post("betausers", map[string]any{"datasource": src.name, "emails": emails})
}

// turn changes the world in a few random ways and waits until the index shows it.
func (w *world) turn() {
	for range 4 + w.rng.IntN(8) {
		switch n := w.rng.IntN(100); {
		case n < 30:
			w.changeMembership()
		case n < 50:
			w.setPermissions()
		case n < 65:
			w.putDocument(w.anyDoc())
		case n < 75:
			w.putUser()
		case n < 80:
			w.deleteSomeUser()
		case n < 84:
			w.deleteGroup()
		case n < 90 && len(w.docs) > 30:
			w.deleteDocument()
		case n < 96 && len(w.docs) < 60:
			w.putDocument(nil)
		case n < 98:
			w.setTesters()
		default:
			w.borrow()
		}
	}
	w.s.CatchUp()
}
