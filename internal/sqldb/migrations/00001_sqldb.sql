-- +goose Up

-- One row for each sequence of integers: ids that the contract types as integers, queue positions.
CREATE TABLE counters (
    name {{text}} PRIMARY KEY,
    n    BIGINT NOT NULL
);

-- One row for each thing that processes keep in memory and must drop when it changes.
CREATE TABLE versions (
    name {{text}} PRIMARY KEY,
    n    BIGINT NOT NULL
);

-- Facts about this database as a whole, such as its incarnation.
CREATE TABLE meta (
    name  {{text}} PRIMARY KEY,
    value TEXT NOT NULL
);
