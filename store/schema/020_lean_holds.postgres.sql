-- SQLite alone needs other indexes here: on PostgreSQL all pending rows are in the index of times.
SELECT 1;
