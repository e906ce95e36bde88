-- +goose Up

-- When a job may begin; 0 is at once.
ALTER TABLE jobs ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
