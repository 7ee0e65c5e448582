-- A host that imitates a vendor refused the vendor's rich form and took plain text.
ALTER TABLE channel_state ADD COLUMN plain_only INTEGER NOT NULL DEFAULT 0;
