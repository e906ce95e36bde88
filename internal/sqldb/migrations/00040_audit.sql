-- +goose Up

-- The audit log. Rows are only ever added, and removed by age. seq comes from the counter "audit", so it grows in the
-- order of commits; day is the day of "at", counted from 1970-01-01 UTC, by which old rows go.
CREATE TABLE audit_log (
    seq           BIGINT PRIMARY KEY,
    day           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    actor         {{text}} NOT NULL,
    actor_name    TEXT NOT NULL,
    acted_as      {{text}} NOT NULL,
    acted_as_name TEXT NOT NULL,
    token         {{text}} NOT NULL,
    action        {{text}} NOT NULL,
    subject       {{text}} NOT NULL,
    subject_name  TEXT NOT NULL,
    address       TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    detail        TEXT NOT NULL
);
CREATE INDEX audit_log_day ON audit_log (day, seq);
CREATE INDEX audit_log_actor ON audit_log (actor, seq);
CREATE INDEX audit_log_acted_as ON audit_log (acted_as, seq);
CREATE INDEX audit_log_token ON audit_log (token, seq);
CREATE INDEX audit_log_subject ON audit_log (subject, seq);
CREATE INDEX audit_log_action ON audit_log (action, seq);
