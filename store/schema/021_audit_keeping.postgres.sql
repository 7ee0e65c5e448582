-- Rows of the trail that are dropped: docs/notes/audit-keeping.md. Rows before drop_to may go; the
-- file that has to be written first ends before archive_to.
ALTER TABLE wrenn_events.audit_trees
	ADD COLUMN drop_to bigint NOT NULL DEFAULT 0,
	ADD COLUMN archive_to bigint NOT NULL DEFAULT 0;
