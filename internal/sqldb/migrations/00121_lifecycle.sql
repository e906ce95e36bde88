-- +goose Up

-- What happened to a document lately, its end kept past the document's own: records of 21 characters, the oldest first.
-- A record is what happened (U uploaded, P permissions replaced, D deleted), the microseconds and the position in the
-- queue in base 36, 11 and 9 digits.
CREATE TABLE document_events (
    key  {{text}} PRIMARY KEY,
    tail TEXT NOT NULL
);

-- How many documents of a datasource were uploaded, given other permissions or deleted on a day, counted from 1970-01-01
-- UTC, and when the last of it was; 0 where all was refused.
CREATE TABLE datasource_days (
    datasource  {{text}} NOT NULL,
    day         BIGINT NOT NULL,
    uploads     BIGINT NOT NULL,
    permissions BIGINT NOT NULL,
    deletes     BIGINT NOT NULL,
    refused     BIGINT NOT NULL,  -- requests
    last_at     BIGINT NOT NULL,
    PRIMARY KEY (datasource, day)
);

-- When the index showed everything up to a position of the queue. Old ones are thinned out to one an hour.
CREATE TABLE index_marks (
    pos BIGINT PRIMARY KEY,
    at  BIGINT NOT NULL
);

-- Requests of connectors that were refused: never what they held, only what was wrong, and how often within a moment.
CREATE TABLE refusals (
    id         {{text}} PRIMARY KEY,
    datasource {{text}} NOT NULL,
    at         BIGINT NOT NULL,
    operation  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    status     BIGINT NOT NULL,
    message    TEXT NOT NULL,
    times      BIGINT NOT NULL
);
CREATE INDEX refusals_datasource ON refusals (datasource, at);

-- Requests to go through everything again. datasource is '' for all of them; times are 0 where it has not come to that.
CREATE TABLE process_runs (
    id         {{text}} PRIMARY KEY,
    kind       {{text}} NOT NULL,
    datasource {{text}} NOT NULL,
    asked_at   BIGINT NOT NULL,
    begun_at   BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX process_runs_kind ON process_runs (kind, datasource, asked_at);
