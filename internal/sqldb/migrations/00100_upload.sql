-- +goose Up

-- Bulk uploads. datasource, kind and part name what is replaced; of all uploads of one such thing the newest alone can be
-- open. Whatever was last written before "mark" is stale once the upload has ended.
CREATE TABLE uploads (
    seq          BIGINT PRIMARY KEY,   -- from the counter "uploads", in the order of their beginnings
    datasource   {{text}} NOT NULL,    -- '' where the kind belongs to none
    kind         {{text}} NOT NULL,
    part         {{text}} NOT NULL,    -- the group, for memberships
    upload_id    {{text}} NOT NULL,
    state        {{text}} NOT NULL,    -- open, closed, dropped
    mark         BIGINT NOT NULL,      -- from the counter "touches"
    digest       TEXT NOT NULL,        -- of a page that was first and last
    pages        BIGINT NOT NULL,
    items        BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    unchecked    BOOLEAN NOT NULL,     -- removal does not pause, however much is stale
    removal      {{text}} NOT NULL,    -- '', waiting, paused, covered, done, dropped
    stale        BIGINT NOT NULL,      -- how much was found stale
    removed      BIGINT NOT NULL,      -- how much of it is gone
    paused_until BIGINT NOT NULL
);
CREATE INDEX uploads_slot ON uploads (datasource, kind, part, seq);
CREATE INDEX uploads_recent ON uploads (datasource, kind, seq);
CREATE UNIQUE INDEX uploads_open ON uploads (datasource, kind, part) WHERE state = 'open';
CREATE INDEX uploads_paused ON uploads (seq) WHERE removal = 'paused';
