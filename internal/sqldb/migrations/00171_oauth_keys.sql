-- +goose Up

-- The keys that each issuer published last, as JWKs, for a server that starts while the issuer is away. fetched_at is when the fetch
-- began that brought them.
CREATE TABLE oauth_keys (
    issuer     {{text}} PRIMARY KEY,
    keys       TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
);
