-- +goose Up
CREATE TABLE jobs (
    id       {{text}} PRIMARY KEY,
    kind     {{text}} NOT NULL,
    args     TEXT NOT NULL,
    state    {{text}} NOT NULL, -- queued, running, done, failed
    done     BIGINT NOT NULL,
    total    BIGINT NOT NULL,
    message  TEXT NOT NULL,
    owner    {{text}} NOT NULL,
    lease    BIGINT NOT NULL, -- when another node may take a running job over
    created  BIGINT NOT NULL,
    changed  BIGINT NOT NULL
);
CREATE INDEX jobs_open ON jobs (state, created);
