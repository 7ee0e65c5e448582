-- Rows of the trail that are dropped: docs/notes/audit-keeping.md. Rows before drop_to may go; the
-- file that has to be written first ends before archive_to.
ALTER TABLE audit_trees ADD COLUMN drop_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_trees ADD COLUMN archive_to INTEGER NOT NULL DEFAULT 0;
