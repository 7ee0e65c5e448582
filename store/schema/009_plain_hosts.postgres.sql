-- A host that imitates a vendor refused the vendor's rich form and took plain text.
ALTER TABLE wrenn_events.channel_state ADD COLUMN plain_only integer NOT NULL DEFAULT 0;
