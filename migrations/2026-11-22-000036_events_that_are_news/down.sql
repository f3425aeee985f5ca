DROP INDEX events_but_rankings;
