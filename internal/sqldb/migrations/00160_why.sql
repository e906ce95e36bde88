-- +goose Up

-- The groups of an intersection that a document names, for the explanation of who sees it.
CREATE INDEX intersection_parts_principal ON intersection_parts (principal_id);
