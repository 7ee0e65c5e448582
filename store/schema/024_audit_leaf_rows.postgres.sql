-- A row has the leaves of one transaction that lie in one aligned range of 32, from idx on: 16 bytes in audit_ids and 32 in
-- hash for each. So a leaf costs a third. A row of one leaf has audit_id, as before.
ALTER TABLE wrenn_events.audit_leaves
	ALTER COLUMN audit_id DROP NOT NULL,
	ADD COLUMN audit_ids bytea;
-- Each leaf, and in row_idx its row's idx. A condition on row_idx finds it by the index.
CREATE VIEW wrenn_events.audit_leaf AS
SELECT tree, l.idx AS row_idx, l.idx + at AS idx,
	CASE WHEN audit_ids IS NULL THEN audit_id
		WHEN length(audit_ids) >= 16 * at + 16 THEN encode(substring(audit_ids FROM 16 * at + 1 FOR 16), 'hex')::uuid
	END AS audit_id,
	substring(hash FROM 32 * at + 1 FOR 32) AS hash
FROM wrenn_events.audit_leaves AS l, generate_series(0, greatest(length(hash) / 32, 1) - 1) AS at;
