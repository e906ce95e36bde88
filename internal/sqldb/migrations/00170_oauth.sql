-- +goose Up

-- The settings of OAuth, one row at most. body is JSON, without the providers of configuration files and without secrets.
CREATE TABLE oauth_settings (
    id         BIGINT PRIMARY KEY,
    version    BIGINT NOT NULL,
    body       TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by {{text}} NOT NULL
);

-- The client secrets of providers, sealed under a key that is not in the database and not in backups.
CREATE TABLE oauth_secrets (
    provider   {{text}} PRIMARY KEY,
    sealed     TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
