-- +goose Up

-- How many bytes a submission holds while it waits: to add up those that wait must not read them.
ALTER TABLE submissions ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
UPDATE submissions SET size = LENGTH(body);
CREATE INDEX submissions_waiting ON submissions (state, size);
