-- A ranking asks what has happened that the columns have not heard of, other rankings aside. Those are most of what has:
-- without an index of the rest each ranking looks at the rankings of the last moments.
CREATE INDEX events_but_rankings ON events (seq) WHERE kind <> 'match.ranked';
