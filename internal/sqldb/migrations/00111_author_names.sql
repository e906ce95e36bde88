-- +goose Up

-- Under which name and main address the documents of an author are indexed.
CREATE TABLE author_names (
    address {{text}} PRIMARY KEY,
    shown   TEXT NOT NULL
);
