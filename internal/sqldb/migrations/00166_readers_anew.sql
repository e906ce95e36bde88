-- +goose Up

-- Documents of before name a user whom they gave by address and by id at once by the one that counted then. Their permissions are
-- resolved once more in the background, so that a change of that setting holds at once for them too.
INSERT INTO process_runs (id, kind, datasource, asked_at, begun_at, ended_at)
    SELECT 'upgrade-00166', 'settings', '', MAX(uploaded_at), 0, 0 FROM documents HAVING COUNT(*) > 0;
INSERT INTO jobs (id, kind, args, state, done, total, message, owner, lease, created, changed, not_before)
    SELECT id, 'process', id, 'queued', 0, 0, '', '', 0, asked_at, asked_at, 0 FROM process_runs WHERE id = 'upgrade-00166';
