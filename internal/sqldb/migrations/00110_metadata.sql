-- +goose Up

-- Groups of custom metadata. What documents have of a group refers to its id: a group that is made again begins empty.
CREATE TABLE metadata_schemas (
    id         {{text}} PRIMARY KEY,
    folded     {{text}} NOT NULL UNIQUE,  -- the name in lower case
    name       TEXT NOT NULL,             -- as sent
    fields     TEXT NOT NULL,             -- JSON: the keys and their types
    updated_at BIGINT NOT NULL
);

CREATE TABLE document_metadata (
    key        {{text}} NOT NULL,         -- of the document
    schema_id  {{text}} NOT NULL,
    fields     TEXT NOT NULL,             -- JSON: names and values
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (key, schema_id)
);
CREATE INDEX document_metadata_schema ON document_metadata (schema_id, key);

-- The groups of custom metadata that a token may write, as JSON.
ALTER TABLE indexing_tokens ADD COLUMN metadata TEXT NOT NULL DEFAULT '[]';

-- What was submitted and is to be worked on.
CREATE TABLE submissions (
    id         {{text}} PRIMARY KEY,
    datasource {{text}} NOT NULL,
    type       {{text}} NOT NULL,
    body       TEXT NOT NULL,             -- the JSON object as sent, empty once it was worked on
    state      {{text}} NOT NULL,         -- queued, done or failed
    message    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX submissions_state ON submissions (state, created_at);
