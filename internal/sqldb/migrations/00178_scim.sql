-- +goose Up

-- SCIM tokens, with which an identity provider says who works here. Columns are as those of client_tokens.
CREATE TABLE scim_tokens (
    id           {{text}} PRIMARY KEY,
    hash         {{text}} NOT NULL UNIQUE,
    mask         TEXT NOT NULL,
    description  TEXT NOT NULL,
    made_by      {{text}} NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    revoked_by   {{text}} NOT NULL
);

-- What an identity provider says of the people whom it provisions. Whether they are active stands in assertions. A row
-- goes when the provider deletes the person.
CREATE TABLE provisioned_people (
    person_id   {{text}} PRIMARY KEY,
    user_name   TEXT NOT NULL,             -- as the provider writes it
    user_key    {{text}} NOT NULL UNIQUE,  -- the same in lower case
    external_id {{text}} NOT NULL,
    address     {{text}} NOT NULL,         -- the address that the person holds by it
    name        TEXT NOT NULL,
    profile     TEXT NOT NULL,             -- JSON, as in people; for those of whom no employee record speaks
    attributes  TEXT NOT NULL,             -- JSON, all that was sent
    own_role    BIGINT NOT NULL,           -- the role without that of groups
    group_role  BIGINT NOT NULL,           -- the role that groups gave
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX provisioned_people_external ON provisioned_people (external_id);

CREATE TABLE provisioned_groups (
    id          {{text}} PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    {{text}} NOT NULL,         -- the same in lower case
    external_id {{text}} NOT NULL,
    role        BIGINT NOT NULL,           -- that its members get; 0 for none
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX provisioned_groups_name ON provisioned_groups (name_key);
CREATE INDEX provisioned_groups_external ON provisioned_groups (external_id);

CREATE TABLE provisioned_members (
    group_id  {{text}} NOT NULL,
    person_id {{text}} NOT NULL,
    PRIMARY KEY (group_id, person_id)
);
CREATE INDEX provisioned_members_person ON provisioned_members (person_id);
