-- +goose Up

-- Short names of addresses. source is "hosted" for those that are managed here and "external" for those of another
-- service, which an upload replaces. alias is the canonical form, by which a shortcut is found.
CREATE TABLE shortcuts (
    id           BIGINT PRIMARY KEY,   -- from the counter "shortcuts"
    source       {{text}} NOT NULL,
    alias        {{text}} NOT NULL,
    input_alias  TEXT NOT NULL,        -- as it was typed
    title        TEXT NOT NULL,
    description  TEXT NOT NULL,
    destination  TEXT NOT NULL,
    template     TEXT NOT NULL,        -- for addresses with arguments; '' where there are none
    intermediate TEXT NOT NULL,        -- the short address at the other service
    edit_url     TEXT NOT NULL,        -- where the other service lets it be changed
    visit_score  DOUBLE PRECISION NOT NULL,
    unlisted     BOOLEAN NOT NULL,
    author       {{text}} NOT NULL,    -- the id of who held author_email then; '' for nobody
    author_email {{text}} NOT NULL,    -- folded
    editor       {{text}} NOT NULL,
    editor_email {{text}} NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    touched      BIGINT NOT NULL,      -- the mark of the transaction that wrote the row last, from the counter "touches"
    UNIQUE (source, alias)
);
CREATE INDEX shortcuts_alias ON shortcuts (alias);
CREATE INDEX shortcuts_author ON shortcuts (author);
CREATE INDEX shortcuts_touched ON shortcuts (source, touched);
