package authority

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// refuser refuses every token, with words of its own.
type refuser struct{ kind fault.Kind }

func (r refuser) Verify(context.Context, string) (Identity, error) {
	return Identity{}, fault.New(r.kind, "Because of the moon.").Wrap(&Refusal{Provider: "okta", Reason: "moon", Email: "mira@example.com", Err: errors.New("full")})
}

func (n *node) refusals(t *testing.T) []audit.Entry {
	t.Helper()
	if err := n.audit.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := n.audit.List(t.Context(), audit.Filter{Action: "oauth.refuse"})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

// TestRefusedTokensAreCounted holds that the words are always the same, that each refusal is counted by reason, and that many of them
// are two entries of the audit log.
func TestRefusedTokensAreCounted(t *testing.T) {
	clock := newClock()
	n := openNode(t, database(t), clock, func(c *Config) { c.OAuth = refuser{fault.Unauthenticated} })
	metrics := prometheus.NewRegistry()
	n.Register(metrics)
	for range 7 {
		_, err := n.Admit(request("eyJ.secret.x", "X-Glean-Auth-Type", "OAUTH"), rpc.ClientAPI)
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok || f.Kind != fault.Unauthenticated || f.Message != unauthenticated().Message {
			t.Fatalf("Admit = %v, want the words of every token that does not hold", err)
		}
		if !strings.Contains(err.Error(), "refused: moon, provider okta: full") {
			t.Errorf("the log does not learn why: %v", err)
		}
	}
	if list := n.refusals(t); len(list) != 1 || list[0].Detail != "moon: mira@example.com" || list[0].Subject != "okta" || list[0].Outcome != audit.Refused {
		t.Fatalf("entries at once: %+v, want one", list)
	}
	clock.advance(59 * time.Second)
	if err := n.writeRefusals(t.Context(), clock.now()); err != nil || len(n.refusals(t)) != 1 {
		t.Errorf("entries before the minute is over: %d, %v, want one", len(n.refusals(t)), err)
	}
	clock.advance(time.Second)
	if err := n.writeRefusals(t.Context(), clock.now()); err != nil {
		t.Fatal(err)
	}
	if list := n.refusals(t); len(list) != 2 || list[0].Detail != "moon: mira@example.com; 6 more within 1m0s" {
		t.Errorf("entries after a minute: %+v", list)
	}
	families, err := metrics.Gather()
	if err != nil || len(families) != 1 || families[0].GetMetric()[0].GetCounter().GetValue() != 7 {
		t.Errorf("metrics: %v, %v, want 7 refusals", families, err)
	}
}

func TestRefusalsOfOtherKindsKeepTheirWords(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Forbidden, fault.Unavailable} {
		n := openNode(t, database(t), newClock(), func(c *Config) { c.OAuth = refuser{kind} })
		_, err := n.Admit(request("eyJ.secret.x", "X-Glean-Auth-Type", "OAUTH"), rpc.ClientAPI)
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != kind || f.Message != "Because of the moon." {
			t.Errorf("Admit = %v, want %v", err, kind)
		}
		if len(n.refusals(t)) != 1 {
			t.Errorf("a refusal as %v is not on record", kind)
		}
	}
}

func TestRequire(t *testing.T) {
	n := newNode(t)
	n.person(t, "root@example.com", grant.RoleSuperAdmin)
	admin := n.person(t, "admin@example.com", grant.RoleAdmin)
	session := grant.Mint(&grant.Facts{Kind: grant.Session, Person: admin.ID, Role: grant.RoleAdmin})
	stale := grant.Mint(&grant.Facts{Kind: grant.Session, Person: admin.ID, Role: grant.RoleSuperAdmin}) // what a session said that was raised meanwhile
	for name, c := range map[string]struct {
		caller grant.Caller
		role   grant.Role
		want   fault.Kind
		fine   bool
	}{
		"the host": {n.Maintenance(), grant.RoleSuperAdmin, 0, true}, "an admin, for what admins may": {session, grant.RoleAdmin, 0, true},
		"an admin, for more": {session, grant.RoleSuperAdmin, fault.Forbidden, false}, "a role of before": {stale, grant.RoleSuperAdmin, fault.Forbidden, false},
		"nobody":  {grant.Caller{}, grant.RoleMember, fault.Forbidden, false},
		"a token": {grant.Mint(&grant.Facts{Kind: grant.User, Person: admin.ID, Role: grant.RoleSuperAdmin}), grant.RoleMember, fault.Forbidden, false},
	} {
		err := n.db.Read(t.Context(), func(tx *sqldb.Tx) error { return Require(t.Context(), tx, c.caller, c.role, "No.") })
		if c.fine != (err == nil) || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
