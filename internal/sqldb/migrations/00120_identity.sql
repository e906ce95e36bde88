-- +goose Up

-- A user whom a document names by address and by id at once: kind "b", whose name is both with a space between. Which of
-- the two counts is the datasource's present setting, so that a change of it holds for every document in the same moment.
-- One row for each of the two names.
CREATE TABLE principal_users (
    datasource   {{text}} NOT NULL,
    kind         {{text}} NOT NULL,       -- "m" or "u"
    name         {{text}} NOT NULL,
    principal_id BIGINT NOT NULL,
    PRIMARY KEY (datasource, kind, name, principal_id)
);

-- Whose principals a datasource borrows is asked whenever another one changes its setting.
CREATE INDEX realms_identity_source ON realms (identity_source);

-- Hidden because new datasources are: no administrator has decided yet.
ALTER TABLE realms ADD COLUMN undecided BOOLEAN NOT NULL DEFAULT FALSE;

-- From the counter "directory": who takes an address over later is no tester by it.
ALTER TABLE realm_testers ADD COLUMN seq BIGINT NOT NULL DEFAULT 1;

-- When a connector last sent a user, in microseconds; 0 for before this was kept.
ALTER TABLE identities ADD COLUMN uploaded_at BIGINT NOT NULL DEFAULT 0;
