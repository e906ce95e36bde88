-- +goose Up

-- People. A row is never deleted: tokens, sessions and content hold the id. A retired person holds no address.
CREATE TABLE people (
    id          {{text}} PRIMARY KEY,
    seq         BIGINT NOT NULL,      -- from the counter "directory"; grows with every change of the row
    email       {{text}} NOT NULL,    -- the main address, folded
    name        TEXT NOT NULL,
    role        BIGINT NOT NULL,
    active      BOOLEAN NOT NULL,     -- follows from assertions
    retired     BOOLEAN NOT NULL,
    profile     TEXT NOT NULL,        -- JSON
    employee_id {{text}} NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    spell       BIGINT NOT NULL       -- grows when the person becomes active again or gets a greater role
);
CREATE INDEX people_seq ON people (seq);
CREATE INDEX people_role ON people (role);

-- Who holds an address now. Identities indexed before held_from speak of an earlier holder.
CREATE TABLE addresses (
    address   {{text}} PRIMARY KEY,
    person_id {{text}} NOT NULL,
    held_from BIGINT NOT NULL
);
CREATE INDEX addresses_person ON addresses (person_id);

CREATE TABLE former_addresses (
    address   {{text}} NOT NULL,
    person_id {{text}} NOT NULL,
    PRIMARY KEY (address, person_id)
);

-- Which sources say that a person is here: console, scim, employee, sso.
CREATE TABLE assertions (
    person_id {{text}} NOT NULL,
    source    {{text}} NOT NULL,
    active    BOOLEAN NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (person_id, source)
);

-- A datasource as a space of names: who may see it, and how it names people.
CREATE TABLE realms (
    datasource      {{text}} PRIMARY KEY,
    identity_source {{text}} NOT NULL,  -- whose users and groups it uses; itself unless it borrows
    by_email        BOOLEAN NOT NULL,
    visible         BOOLEAN NOT NULL,
    open_anonymous  BOOLEAN NOT NULL,
    test            BOOLEAN NOT NULL
);

CREATE TABLE realm_testers (
    datasource {{text}} NOT NULL,
    email      {{text}} NOT NULL,
    PRIMARY KEY (datasource, email)
);

CREATE TABLE identities (
    datasource {{text}} NOT NULL,
    email      {{text}} NOT NULL,
    user_id    {{text}} NOT NULL,
    name       TEXT NOT NULL,
    active     BOOLEAN NOT NULL,
    seq        BIGINT NOT NULL,
    PRIMARY KEY (datasource, email)
);
CREATE UNIQUE INDEX identities_user ON identities (datasource, user_id);
CREATE INDEX identities_email ON identities (email);

CREATE TABLE realm_groups (
    datasource {{text}} NOT NULL,
    name       {{text}} NOT NULL,
    PRIMARY KEY (datasource, name)
);

-- member_kind: "m" names a user by address, "u" by the datasource's own id, "g" names a group.
CREATE TABLE memberships (
    datasource  {{text}} NOT NULL,
    member_kind {{text}} NOT NULL,
    member      {{text}} NOT NULL,
    group_name  {{text}} NOT NULL,
    PRIMARY KEY (datasource, member_kind, member, group_name)
);
CREATE INDEX memberships_group ON memberships (datasource, group_name);

-- Which datasource's users, groups, memberships or principals changed last when, by the counter
-- "directory": what is known of the others stays good.
CREATE TABLE directory_changes (
    datasource {{text}} PRIMARY KEY,
    seq        BIGINT NOT NULL
);

-- Names that documents grant access to, interned. Rows are never deleted, and ids never re-used.
-- kind: "m", "u" and "g" as above, "i" an intersection of groups, "a" all users, "e" everyone.
CREATE TABLE principals (
    id         BIGINT PRIMARY KEY,
    datasource {{text}} NOT NULL,
    kind       {{text}} NOT NULL,
    name       {{text}} NOT NULL,
    UNIQUE (datasource, kind, name)
);

CREATE TABLE intersection_parts (
    datasource   {{text}} NOT NULL,
    group_name   {{text}} NOT NULL,
    principal_id BIGINT NOT NULL,
    parts        BIGINT NOT NULL,       -- how many groups the intersection has
    PRIMARY KEY (datasource, group_name, principal_id)
);

-- The greatest version that a connector sent for a thing, kept past the thing's deletion.
CREATE TABLE stamps (
    subject {{text}} PRIMARY KEY,
    version BIGINT NOT NULL
);
