-- +goose Up

-- The mark of the transaction that wrote an employee record last, from the counter "touches": what a bulk upload did not
-- touch is stale. It is 0 on what other sources assert.
ALTER TABLE assertions ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
CREATE INDEX assertions_touched ON assertions (source, touched);

-- Photos that came within an employee record. Those hosted elsewhere have an address in the profile instead.
CREATE TABLE photos (
    person_id {{text}} PRIMARY KEY,
    media     TEXT NOT NULL,
    content   {{bytes}} NOT NULL
);

-- Teams as the personnel system has them. A row stays after the team is gone, so that every node sees that it went.
CREATE TABLE teams (
    id         {{text}} PRIMARY KEY,
    seq        BIGINT NOT NULL,      -- from the counter "directory"; grows with every change of the row
    info       TEXT NOT NULL,        -- JSON, members and all
    gone       BOOLEAN NOT NULL,
    touched    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX teams_seq ON teams (seq);
CREATE INDEX teams_touched ON teams (gone, touched);
