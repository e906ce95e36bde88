package authority

import (
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// The promises of these: kept under 2 µs with at most 2 allocations, cold under 50 µs on SQLite.

func BenchmarkAdmitKept(b *testing.B) {
	n := newNode(b)
	n.person(b, "mira@example.com", grant.RoleMember)
	_, secret := n.token(b, User, "mira@example.com", grant.Search)
	benchmark(b, n, secret, rpc.ClientAPI)
}

func BenchmarkAdmitKeptGlobal(b *testing.B) {
	n := newNode(b)
	n.person(b, "mira@example.com", grant.RoleMember)
	_, secret := n.token(b, Global, "", grant.Search)
	benchmark(b, n, secret, rpc.ClientAPI, "X-Glean-ActAs", "mira@example.com")
}

func BenchmarkAdmitKeptIndexing(b *testing.B) {
	n := newNode(b)
	_, secret := n.indexingToken(b, NewIndexingToken{Addresses: []string{"192.0.2.0/24"}})
	benchmark(b, n, secret, rpc.IndexingAPI)
}

func BenchmarkAdmitKeptParallel(b *testing.B) {
	n := newNode(b)
	n.person(b, "mira@example.com", grant.RoleMember)
	_, secret := n.token(b, User, "mira@example.com", grant.Search)
	r := request(secret)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.Admit(r, rpc.ClientAPI); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAdmitCold(b *testing.B) {
	n := newNode(b)
	n.person(b, "mira@example.com", grant.RoleMember)
	_, secret := n.token(b, User, "mira@example.com", grant.Search)
	benchmarkCold(b, n, secret, "")
}

func benchmarkCold(b *testing.B, n *node, secret, actAs string) {
	r := request(secret, actAsName, actAs)
	_, fp, _ := readSecret(secret)
	k := key{fp, actAs}
	b.ReportAllocs()
	for b.Loop() {
		delete(n.cache.shard(k).kept, k)
		if _, err := n.Admit(r, rpc.ClientAPI); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmitColdGlobal(b *testing.B) {
	n := newNode(b)
	n.person(b, "mira@example.com", grant.RoleMember)
	_, secret := n.token(b, Global, "", grant.Search)
	benchmarkCold(b, n, secret, "mira@example.com")
}

func benchmark(b *testing.B, n *node, secret string, family rpc.Family, headers ...string) {
	r := request(secret, headers...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Admit(r, family); err != nil {
			b.Fatal(err)
		}
	}
}
