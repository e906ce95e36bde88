-- +goose Up

CREATE TABLE datasources (
    name       {{text}} PRIMARY KEY,
    folded     {{text}} NOT NULL UNIQUE,  -- two names never differ in case alone
    config     TEXT NOT NULL,             -- JSON as the connector sent it
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE documents (
    key         {{text}} PRIMARY KEY,     -- datasource/objectType/id with the id folded
    datasource  {{text}} NOT NULL,
    object_type {{text}} NOT NULL,
    doc_id      {{text}} NOT NULL,        -- as sent
    pos         BIGINT NOT NULL,          -- of its latest change in the queue
    title       TEXT NOT NULL,
    view_url    TEXT NOT NULL,
    body        TEXT NOT NULL,            -- extracted text
    meta        TEXT NOT NULL,            -- JSON: the further fields
    acl         TEXT NOT NULL,            -- JSON: the permissions as sent
    readers     TEXT NOT NULL,            -- JSON: the permissions as sorted principal ids
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL
);
CREATE INDEX documents_datasource ON documents (datasource, object_type);

CREATE TABLE document_urls (
    url {{text}} NOT NULL,
    key {{text}} NOT NULL,
    PRIMARY KEY (url, key)
);
CREATE INDEX document_urls_key ON document_urls (key);

-- What the search index still has to learn. Positions commit in order.
CREATE TABLE changes (
    pos BIGINT PRIMARY KEY,
    key {{text}} NOT NULL,
    op  {{text}} NOT NULL                 -- put, access or delete
);

-- One row: which history the positions belong to, and up to where it was cut.
CREATE TABLE queue (
    one         BIGINT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    trimmed     BIGINT NOT NULL
);

CREATE TABLE queue_readers (
    name    {{text}} PRIMARY KEY,
    pos     BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
