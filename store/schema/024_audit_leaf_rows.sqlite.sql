-- On SQLite a row has one leaf: another row costs little there. The view is as on PostgreSQL.
CREATE VIEW audit_leaf AS
SELECT tree, idx AS row_idx, idx, audit_id, hash FROM audit_leaves;
