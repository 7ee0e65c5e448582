-- Every process lists the owners of leases every 2 s, to find those that are gone.
CREATE INDEX channel_state_owners ON channel_state (lease_owner) WHERE lease_owner IS NOT NULL;
