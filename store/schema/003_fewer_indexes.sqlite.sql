-- Nothing reads the deliveries of a whole team in order; every delivery paid for it.
DROP INDEX deliveries_team;
