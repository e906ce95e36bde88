package limit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func rules(t testing.TB, items ...string) Rules {
	t.Helper()
	r, err := Parse(items)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// model is a bucket as one would explain it: it holds tokens, gains one in each interval, and never more than its burst. Time
// comes in whole intervals' parts, so that it reckons exactly.
type model struct {
	tokens, burst, each int64 // tokens in nanoseconds' worth
	at                  int64
}

func (m *model) take(n, now int64) (wait int64) {
	m.tokens = min(m.burst*m.each, m.tokens+(now-m.at))
	m.at = now
	if short := min(n, m.burst)*m.each - m.tokens; short > 0 {
		return short
	}
	m.tokens -= n * m.each
	return 0
}

// TestBucketIsTheModel takes random amounts at random times, debts included, from a bucket and from the model.
func TestBucketIsTheModel(t *testing.T) {
	for round := range 200 {
		random := rand.New(rand.NewPCG(uint64(round), 1))
		r := rate{each: 1 + random.Int64N(int64(3*time.Second)), burst: 1 + random.Int64N(50)}
		m := &model{tokens: r.burst * r.each, burst: r.burst, each: r.each}
		var b bucket
		now := int64(0)
		for range 2000 {
			now += random.Int64N(2 * r.each)
			n := 1 + random.Int64N(3)
			if random.IntN(20) == 0 {
				n = random.Int64N(200) + 1
			}
			got, want := int64(b.take(r, n, now)), m.take(n, now)
			if got != want {
				t.Fatalf("round %d: take(%d) of %+v at %d waits %d, the model %d", round, n, r, now, got, want)
			}
			if got > 0 && random.IntN(4) == 0 { // whoever waits is served
				now += got
				if b.take(r, n, now) != 0 || m.take(n, now) != 0 {
					t.Fatalf("round %d: still refused after waiting %d", round, got)
				}
			}
		}
	}
}

// TestNoWindowHoldsMore holds, for many takers at once, that no more is taken than burst and rate allow.
func TestNoWindowHoldsMore(t *testing.T) {
	r := rate{each: int64(time.Millisecond), burst: 20}
	var b bucket
	for _, now := range []int64{0, int64(7 * time.Millisecond), int64(time.Second)} {
		var mu sync.Mutex
		taken := 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					if b.take(r, 1, now) == 0 {
						mu.Lock()
						taken++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		want := map[int64]int{0: 20, int64(7 * time.Millisecond): 7, int64(time.Second): 20}[now]
		if taken != want {
			t.Errorf("at %v %d were taken, want %d", time.Duration(now), taken, want)
		}
	}
}

func caller(kind grant.Kind, person, token string) grant.Caller {
	return grant.Mint(&grant.Facts{Kind: kind, Person: person, Token: token})
}

func address(text string) netip.Addr { return netip.MustParseAddr(text) }

// passed is how many of n calls at one moment are let through, and what the first refusal says.
func passed(n int, call func() error) (int, *fault.Fault) {
	for i := range n {
		if err := call(); err != nil {
			f, _ := errors.AsType[*fault.Fault](err)
			return i, f
		}
	}
	return n, nil
}

func TestWhomALimitCounts(t *testing.T) {
	ada, bo := caller(grant.User, "ada", "t1"), caller(grant.User, "bo", "t2")
	for _, c := range []struct {
		about string
		rules string
		calls []Call
		want  int // calls that pass, of all in turn
	}{
		{"a person with one token", "user=5/s", []Call{{Caller: ada}}, 5},
		{"two people", "user=5/s", []Call{{Caller: ada}, {Caller: bo}}, 10},
		{"one person with two tokens", "user=5/s", []Call{{Caller: ada}, {Caller: caller(grant.User, "ada", "t9")}}, 5},
		{"a GLOBAL token counts for the person", "user=5/s", []Call{{Caller: ada}, {Caller: caller(grant.Global, "ada", "g")}}, 5},
		{"and for the token", "token=5/s", []Call{{Caller: caller(grant.Global, "ada", "g")}, {Caller: caller(grant.Global, "bo", "g")}}, 5},
		{"a USER token is no token of many", "token=5/s", []Call{{Caller: ada}}, 100},
		{"an operation", "search=5/s", []Call{{Caller: ada, Name: Search}}, 5},
		{"another operation", "search=5/s", []Call{{Caller: ada, Name: Feed}}, 100},
		{"all the others together", "others=5/s", []Call{{Caller: ada}, {Caller: ada, Name: Others}}, 5},
		{"guests of one token, here and there", "search=5/s", []Call{
			{Caller: caller(grant.Anonymous, "", "a"), Name: Search, Address: address("192.0.2.1")},
			{Caller: caller(grant.Anonymous, "", "a"), Name: Search, Address: address("192.0.2.2")},
		}, 10},
		{"connectors", "indexdocument=5/s", []Call{
			{Caller: caller(grant.Indexing, "", "i"), Name: IndexDocument}, {Caller: caller(grant.Indexing, "", "j"), Name: IndexDocument},
		}, 10},
		{"one group by two connectors", "custommetadata=5/s:7", []Call{
			{Caller: caller(grant.Indexing, "", "i"), Name: CustomMetadata, Group: "risk"},
			{Caller: caller(grant.Indexing, "", "j"), Name: CustomMetadata, Group: "risk"},
		}, 7},
		{"two groups", "custommetadata=5/s:7", []Call{
			{Caller: caller(grant.Indexing, "", "i"), Name: CustomMetadata, Group: "risk"},
			{Caller: caller(grant.Indexing, "", "i"), Name: CustomMetadata, Group: "tier"},
		}, 14},
		{"the server itself", "standard", []Call{{Caller: caller(grant.Maintenance, "", "")}}, 100},
		{"off", "off", []Call{{Caller: ada}}, 100},
	} {
		l := New(rules(t, c.rules), noon, nil)
		i := 0
		got, f := passed(100, func() error {
			call := c.calls[i%len(c.calls)]
			call.At = noon
			i++
			return l.Called(call)
		})
		if got != c.want {
			t.Errorf("%s: %d calls pass, want %d", c.about, got, c.want)
		}
		if f != nil && (f.Kind != fault.TooMany || f.RetryAfter <= 0 || f.RetryAfter > time.Second) {
			t.Errorf("%s: refused with %v after %v", c.about, f.Kind, f.RetryAfter)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		about string
		from  []string
		want  int
	}{
		{"one address", []string{"192.0.2.1"}, 5},
		{"two", []string{"192.0.2.1", "192.0.2.2"}, 10},
		{"one as IPv4 and as IPv6", []string{"192.0.2.1", "::ffff:192.0.2.1"}, 5},
		{"one network of IPv6", []string{"2001:db8::1", "2001:db8::ffff:2", "2001:db8::3%eth0"}, 5},
		{"two networks", []string{"2001:db8::1", "2001:db8:0:1::1"}, 10},
	} {
		l := New(rules(t, "address=5/s"), noon, nil)
		i := 0
		got, _ := passed(100, func() error { i++; return l.Arrived(address(c.from[i%len(c.from)]), noon) })
		if got != c.want {
			t.Errorf("%s: %d requests pass, want %d", c.about, got, c.want)
		}
	}
	l := New(rules(t, "address=5/s"), noon, nil)
	if got, _ := passed(100, func() error { return l.Arrived(netip.Addr{}, noon) }); got != 5 {
		t.Errorf("%d requests without an address pass, want 5", got)
	}
	l = New(rules(t, "deployment=60/min:9"), noon, nil)
	n := byte(0)
	if got, _ := passed(100, func() error { n++; return l.Arrived(netip.AddrFrom4([4]byte{10, 0, 0, n}), noon) }); got != 9 {
		t.Errorf("%d requests to the server pass, want 9", got)
	}
}

// TestLargeBatches holds that a batch above the burst passes once, and that what it took is missed afterwards.
func TestLargeBatches(t *testing.T) {
	l := New(rules(t, "indexdocuments=600/min"), noon, nil)
	c := caller(grant.Indexing, "", "i")
	if err := l.Documents(c, 1800, noon); err != nil {
		t.Fatalf("a batch of 1800 on a full bucket: %v", err)
	}
	f, _ := errors.AsType[*fault.Fault](l.Documents(c, 1, noon))
	if f == nil || f.RetryAfter != 2*time.Minute+100*time.Millisecond {
		t.Fatalf("one more: %+v, want a wait of two minutes", f)
	}
	if err := l.Documents(c, 1, noon.Add(f.RetryAfter)); err != nil {
		t.Errorf("one more after the wait: %v", err)
	}
	if err := l.Documents(c, 0, noon); err != nil {
		t.Errorf("a batch of none: %v", err)
	}
}

// TestFlood holds that a flood of addresses takes no more memory than is meant for it, and forgets nobody who is over
// the limit while idle ones can go.
func TestFlood(t *testing.T) {
	l := New(rules(t, "address=5/s"), noon, nil)
	for i := range 5 * maxAddresses {
		_ = l.Arrived(netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}), noon)
	}
	if n := l.addresses.len(); n > maxAddresses {
		t.Errorf("%d addresses are remembered, more than %d", n, maxAddresses)
	}
	later := noon.Add(time.Hour)
	busy := address("198.51.100.7")
	for range 6 {
		_ = l.Arrived(busy, later)
	}
	for i := range maxAddresses / 4 { // idle ones make room for these
		_ = l.Arrived(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), later)
	}
	if err := l.Arrived(busy, later); err == nil {
		t.Error("an address over its limit was forgotten while idle ones were not")
	}
}

func TestNilAllowsEverything(t *testing.T) {
	l := New(Rules{}, noon, nil)
	if l != nil {
		t.Fatal("rules without a rate make limits")
	}
	if err := errors.Join(l.Arrived(address("192.0.2.1"), noon), l.Called(Call{}), l.Documents(grant.Caller{}, 9, noon)); err != nil {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	l := New(rules(t, "user=5/s"), noon, registry)
	for range 8 {
		_ = l.Called(Call{Caller: caller(grant.User, "ada", "t"), At: noon})
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	for _, m := range families[1].GetMetric() {
		want := 0.0
		if m.GetLabel()[0].GetValue() == "user" {
			want = 3
		}
		if got := m.GetCounter().GetValue(); got != want {
			t.Errorf("%s: %v refusals counted, want %v", m.GetLabel()[0].GetValue(), got, want)
		}
	}
	if got := families[0].GetMetric()[0].GetGauge().GetValue(); got != 1 {
		t.Errorf("%v keys, want 1", got)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ setting, name, want string }{
		{"off", "search", "off"},
		{"standard", "search", "5/s"},
		{"standard", "deployment", "8000/min"},
		{"standard", "custommetadata", "5/s:300"},
		{"standard", "chat", "30/min:5"},
		{"standard,search=off", "search", "off"},
		{"standard,search=20/s:40", "search", "20/s:40"},
		{"search=1/h", "search", "1/h"},
		{"search=1/h:1", "search", "1/h:1"},
		{"search=1/s,off", "search", "off"},
	} {
		r := rules(t, strings.Split(c.setting, ",")...)
		n, _ := named(c.name)
		if got := r.Rate(n).String(); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.setting, c.name, got, c.want)
		}
	}
	for n := range names {
		if Standard().Rate(n).Count == 0 || n.String() == "" {
			t.Errorf("limit %d has no name or no published rate", n)
		}
	}
	for _, bad := range []string{"", "on", "search", "search=", "search=5", "search=0/s", "search=-1/s", "search=5/day", "nothing=5/s", "search=5/s:0", "search=5/s:x", "search=9999999/s", "search=5/s:9999999", "search=NaN/s", "=5/s"} {
		if _, err := Parse([]string{bad}); err == nil {
			t.Errorf("Parse(%q) succeeded", bad)
		}
	}
}

func TestNameOf(t *testing.T) {
	for operation, want := range map[string]Name{
		"POST /rest/api/v1/search": Search, "POST /api/search": Search, "GET /api/search/filters": Others,
		"PUT /rest/api/index/document/{docId}/custom-metadata/{groupName}": CustomMetadata,
		"PUT /rest/api/index/custom-metadata/schema/{groupName}":           CustomMetadata,
		"POST /api/index/v1/indexdocuments":                                IndexDocuments, "POST /rest/api/v1/people": People,
	} {
		if got := NameOf(operation); got != want {
			t.Errorf("NameOf(%s) = %s, want %s", operation, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("standard,search=5/s:3")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(strings.Split(text, ","))
		if err != nil {
			return
		}
		var items []string
		for n := range names {
			items = append(items, fmt.Sprintf("%s=%s", n, r.Rate(n)))
		}
		if again, err := Parse(items); err != nil || again != r {
			t.Errorf("%q reads as %v, printed and read again as %v, %v", text, r, again, err)
		}
	})
}

// BenchmarkRequest is what one request costs.
func BenchmarkRequest(b *testing.B) {
	for name, setting := range map[string]string{"off": "off", "standard": "standard,deployment=1000000/s,address=1000000/s,user=1000000/s,search=1000000/s,token=1000000/s"} {
		for who, c := range map[string]grant.Caller{"user": caller(grant.User, "0193a6b1-ada", "0193a6b1-t1"), "global": caller(grant.Global, "0193a6b1-ada", "0193a6b1-g1")} {
			b.Run(name+"/"+who, func(b *testing.B) {
				l := New(rules(b, strings.Split(setting, ",")...), time.Now(), nil)
				from := address("192.0.2.1")
				b.ReportAllocs()
				at := time.Now()
				for b.Loop() {
					at = at.Add(time.Microsecond)
					if err := l.Arrived(from, at); err != nil {
						b.Fatal(err)
					}
					if err := l.Called(Call{Caller: c, Name: Search, At: at}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
