-- +goose Up

-- Client tokens. hash is the SHA-256 of the secret in hex; the secret itself is nowhere. Only revoked_*, and
-- last_used_at, ever change. Times are 0 where there is none; person is '' unless the permission is USER; made_by and
-- revoked_by name a person, or are 'host' for whoever commands the machine.
CREATE TABLE client_tokens (
    id           {{text}} PRIMARY KEY,
    hash         {{text}} NOT NULL UNIQUE,
    mask         TEXT NOT NULL,
    description  TEXT NOT NULL,
    permission   {{text}} NOT NULL,
    scopes       TEXT NOT NULL,
    person       {{text}} NOT NULL,
    made_by      {{text}} NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    revoked_by   {{text}} NOT NULL
);
CREATE INDEX client_tokens_person ON client_tokens (person);

-- Indexing tokens. datasources and cidrs are JSON lists; datasources is 'null' for all of them. period is in minutes, 0
-- where the token does not rotate.
CREATE TABLE indexing_tokens (
    id           {{text}} PRIMARY KEY,
    mask         TEXT NOT NULL,
    description  TEXT NOT NULL,
    datasources  TEXT NOT NULL,
    cidrs        TEXT NOT NULL,
    period       BIGINT NOT NULL,
    made_by      {{text}} NOT NULL,
    created_at   BIGINT NOT NULL,
    rotated_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    revoked_by   {{text}} NOT NULL
);

-- The secrets of an indexing token: the current one, whose until is 0, and those that a rotation replaced lately.
CREATE TABLE indexing_secrets (
    hash  {{text}} PRIMARY KEY,
    token {{text}} NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX indexing_secrets_token ON indexing_secrets (token);

-- Console sessions.
CREATE TABLE sessions (
    id           {{text}} PRIMARY KEY,
    hash         {{text}} NOT NULL UNIQUE,
    person       {{text}} NOT NULL,
    spell        BIGINT NOT NULL, -- the person's, at sign-in
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL
);
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_created ON sessions (created_at);

-- Single-use sign-in links. ended_at is when the link was used or replaced by a newer one.
CREATE TABLE signin_links (
    id         {{text}} PRIMARY KEY,
    hash       {{text}} NOT NULL UNIQUE,
    person     {{text}} NOT NULL,
    spell      BIGINT NOT NULL, -- the person's, when it was made
    made_by    {{text}} NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX signin_links_person ON signin_links (person);
CREATE INDEX signin_links_expires ON signin_links (expires_at);

-- Who has ever signed in, and when they were last seen in the console or on the search page.
CREATE TABLE signins (
    person   {{text}} PRIMARY KEY,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

-- Keys of this server, one line of versions for each purpose; the greatest version seals. Shared by all nodes.
CREATE TABLE server_keys (
    purpose {{text}} NOT NULL,
    version BIGINT NOT NULL,
    secret  TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, version)
);
