-- +goose Up

-- What groups give people as roles, by who says so: 'scim' for the groups that are provisioned, 'sso …' for the groups claim of a
-- provider. Nobody's word is another's to take back. The row of giver '' is the person's role without any of them, and is there as
-- long as one of the others is.
CREATE TABLE given_roles (
    person_id {{text}} NOT NULL,
    giver     {{text}} NOT NULL,
    role      BIGINT NOT NULL,
    PRIMARY KEY (person_id, giver)
);

INSERT INTO given_roles (person_id, giver, role) SELECT person_id, 'scim', group_role FROM provisioned_people WHERE group_role > 0;
INSERT INTO given_roles (person_id, giver, role) SELECT person_id, '', own_role FROM provisioned_people WHERE group_role > 0;
INSERT INTO given_roles (person_id, giver, role) SELECT person, 'sso ' || issuer || ' ' || client, role FROM sso_accounts WHERE role > 0;
INSERT INTO given_roles (person_id, giver, role)
    SELECT p.id, '', CASE WHEN p.role = (SELECT MAX(g.role) FROM given_roles g WHERE g.person_id = p.id) THEN 0 ELSE p.role END
    FROM people p WHERE EXISTS (SELECT 1 FROM given_roles g WHERE g.person_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM given_roles g WHERE g.person_id = p.id AND g.giver = '');

ALTER TABLE provisioned_people DROP COLUMN own_role;
ALTER TABLE provisioned_people DROP COLUMN group_role;
ALTER TABLE sso_accounts DROP COLUMN role;

-- Providers read everybody page by page.
CREATE INDEX provisioned_people_order ON provisioned_people (created_at, person_id);
CREATE INDEX provisioned_groups_order ON provisioned_groups (created_at, id);
