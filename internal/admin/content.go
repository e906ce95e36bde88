package admin

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Datasource is a place that documents come from, and who may see it.
type Datasource struct {
	Name                  string `json:"name"`
	DisplayName           string `json:"displayName"`
	Documents             int64  `json:"documents"`
	Visible               bool   `json:"visible"`
	Visibility            string `json:"visibility"` // NOT_VISIBLE, VISIBLE_TO_TEST_GROUP or VISIBLE_TO_ALL: what all settings come to
	OpenToAnonymousTokens bool   `json:"openToAnonymousTokens"`
	IsTestDatasource      bool   `json:"isTestDatasource"`
}

// Datasources is the list of them, by name.
type Datasources struct {
	Datasources []Datasource `json:"datasources"`
}

func datasourceOf(d *corpus.Datasource, count int64) Datasource {
	return Datasource{d.Name, d.DisplayName, count, d.Realm.Visible, string(d.Audience), d.Realm.OpenToAnonymous, d.Realm.Test}
}

func (s *Service) listDatasources(ctx context.Context, c grant.Caller, _ rpc.None) (Datasources, error) {
	list, err := s.corpus.Datasources(ctx, c)
	if err != nil {
		return Datasources{}, err
	}
	counts, err := s.corpus.Counts(ctx, c)
	if err != nil {
		return Datasources{}, err
	}
	answer := Datasources{make([]Datasource, 0, len(list))}
	for i := range list {
		answer.Datasources = append(answer.Datasources, datasourceOf(&list[i], counts[list[i].Name]))
	}
	return answer, nil
}

// ChangeDatasourceRequest changes what it names.
type ChangeDatasourceRequest struct {
	Name                  string `path:"name" json:"-"`
	OpenToAnonymousTokens *bool  `json:"openToAnonymousTokens,omitzero"`
	Visible               *bool  `json:"visible,omitzero"`
}

// AuditSubject names the datasource in the audit log.
func (r ChangeDatasourceRequest) AuditSubject() string { return r.Name }

func (s *Service) changeDatasource(ctx context.Context, c grant.Caller, req ChangeDatasourceRequest) (Datasource, error) {
	d, err := s.corpus.SetVisibility(ctx, c, req.Name, directory.Visibility{Visible: req.Visible, OpenToAnonymous: req.OpenToAnonymousTokens})
	if err != nil {
		return Datasource{}, err
	}
	counts, err := s.corpus.Counts(ctx, c)
	if err != nil {
		return Datasource{}, err
	}
	return datasourceOf(d, counts[d.Name]), nil
}

// ListAuditRequest chooses entries. From and To are Unix seconds, To excluded.
type ListAuditRequest struct {
	Actor   string `query:"actor" json:"-"` // an id or an address
	Subject string `query:"subject" json:"-"`
	Action  string `query:"action" json:"-"`
	From    int64  `query:"from" json:"-"`
	To      int64  `query:"to" json:"-"`
	Cursor  string `query:"cursor" json:"-"`
	Limit   int    `query:"limit" json:"-"`
}

// Entry is one line of the audit log.
type Entry struct {
	At          int64  `json:"at"` // Unix seconds
	Actor       string `json:"actor"`
	ActorName   string `json:"actorName,omitzero"`
	ActedAs     string `json:"actedAs,omitzero"`
	ActedAsName string `json:"actedAsName,omitzero"`
	Token       string `json:"token,omitzero"`
	Action      string `json:"action"`
	Subject     string `json:"subject,omitzero"`
	SubjectName string `json:"subjectName,omitzero"`
	Address     string `json:"address,omitzero"`
	RequestID   string `json:"requestId,omitzero"`
	Outcome     string `json:"outcome"`
	Detail      string `json:"detail,omitzero"`
}

// Audit is a page of the audit log. Cursor leads to the next one, and is absent on the last.
type Audit struct {
	Entries []Entry `json:"entries"`
	Cursor  string  `json:"cursor,omitzero"`
}

func (s *Service) listAudit(ctx context.Context, c grant.Caller, req ListAuditRequest) (Audit, error) {
	if c.Role() < grant.RoleAdmin {
		return Audit{}, fault.New(fault.Forbidden, "The audit log is for Super Admins and Admins.")
	}
	filter := audit.Filter{
		Actor: req.Actor, Subject: req.Subject, Action: req.Action, From: moment(req.From), To: moment(req.To), Cursor: req.Cursor, Limit: req.Limit,
	}
	if strings.Contains(req.Actor, "@") {
		p, err := s.authority.Person(ctx, c, req.Actor)
		if fault.KindOf(err) == fault.NotFound {
			return Audit{Entries: []Entry{}}, nil
		}
		if err != nil {
			return Audit{}, err
		}
		filter.Actor = p.ID
	}
	// Who looks after a change wants to see it.
	if err := s.audit.Flush(ctx); err != nil {
		return Audit{}, err
	}
	page, err := s.audit.List(ctx, filter)
	if err != nil {
		return Audit{}, err
	}
	answer := Audit{make([]Entry, 0, len(page.Entries)), page.Cursor}
	for _, e := range page.Entries {
		answer.Entries = append(answer.Entries, Entry{
			e.At.Unix(), e.Actor, e.ActorName, e.ActedAs, e.ActedAsName, e.Token, e.Action, e.Subject, e.SubjectName,
			e.Address, e.RequestID, e.Outcome, e.Detail,
		})
	}
	return answer, nil
}
