-- +goose Up

-- Which account at an identity provider signs in as whom. account is the provider's own id for it, bound to the client that
-- it was told to, since some providers give each client another. role is what the account's groups gave the person, so that
-- the groups can take it back and nothing else; 0, a Member's, where they gave none.
CREATE TABLE sso_accounts (
    issuer   {{text}} NOT NULL,
    client   {{text}} NOT NULL,
    account  {{text}} NOT NULL,
    person   {{text}} NOT NULL,
    role     BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (issuer, client, account),
    UNIQUE (issuer, client, person)
);
CREATE INDEX sso_accounts_person ON sso_accounts (person);

-- States of sign-ins that have ended, until no browser holds their cookie any more.
CREATE TABLE sso_spent (
    state {{text}} PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX sso_spent_until ON sso_spent (until);
