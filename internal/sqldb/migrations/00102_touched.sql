-- +goose Up

-- The mark of the transaction that wrote a row last, from the counter "touches": what a bulk upload did not touch is stale.
ALTER TABLE documents ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identities ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
ALTER TABLE realm_groups ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
CREATE INDEX documents_touched ON documents (datasource, touched);
CREATE INDEX identities_touched ON identities (datasource, touched);
CREATE INDEX realm_groups_touched ON realm_groups (datasource, touched);
CREATE INDEX memberships_touched ON memberships (datasource, group_name, touched);
DROP INDEX memberships_group; -- the one above begins with its columns

-- A digest of what a document was put with, so that one that comes again unchanged is not indexed again; '' is unknown.
ALTER TABLE documents ADD COLUMN digest TEXT NOT NULL DEFAULT '';

-- Users and groups that were deleted while memberships still name them: those touched up to the mark go too. Nobody bears
-- the name again before they are gone. kind is of member_kind; a group is "g" as a group and as a member.
CREATE TABLE departures (
    datasource {{text}} NOT NULL,
    kind       {{text}} NOT NULL,
    name       {{text}} NOT NULL,
    mark       BIGINT NOT NULL,
    PRIMARY KEY (datasource, kind, name)
);
