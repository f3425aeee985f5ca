-- A project gives exposure once a day: by the ranking that comes first. Only the places that count as shown are noted
-- then, ten instead of fifty.
CREATE TABLE impression_days (
    project  uuid NOT NULL REFERENCES projects (id),
    day      integer NOT NULL,
    PRIMARY KEY (project, day)
);
INSERT INTO impression_days (project, day) SELECT DISTINCT project, day FROM impressions;
DELETE FROM impressions WHERE given = 0;
