-- +goose Up

-- Which documents a person opened: one row for each pair, so that a row a day cannot pile up.
CREATE TABLE views (
    person   {{text}} NOT NULL,           -- stable id
    document {{text}} NOT NULL,           -- key; the document may be gone or hidden by now
    times    BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (person, document)
);
CREATE INDEX views_recent ON views (person, last_at);
CREATE INDEX views_document ON views (document);
CREATE INDEX views_last_at ON views (last_at);

-- What a person searched for, by the text with case and space folded.
CREATE TABLE searches (
    person  {{text}} NOT NULL,
    folded  {{text}} NOT NULL,
    text    TEXT NOT NULL,                -- as last typed
    times   BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (person, folded)
);
CREATE INDEX searches_recent ON searches (person, last_at);
CREATE INDEX searches_last_at ON searches (last_at);
