-- Skills: the taxonomy, seeded at start from src/domains/skills/taxonomy.json.

CREATE TABLE skill_families (
    slug  text PRIMARY KEY CHECK (slug ~ '^[a-z0-9_-]{1,40}$'),
    name  text NOT NULL
);

CREATE TABLE skills (
    slug                text PRIMARY KEY CHECK (slug ~ '^[a-z0-9-]{1,40}$'),
    name                text NOT NULL,
    family              text NOT NULL REFERENCES skill_families (slug),
    floor_usd_per_hour  integer NOT NULL CHECK (floor_usd_per_hour > 0),
    version             text NOT NULL
);
CREATE UNIQUE INDEX skills_name ON skills (lower(name));
CREATE INDEX skills_of_family ON skills (family, slug);
COMMENT ON TABLE skills IS 'A slug once given stays: projects and listings refer to it.';
COMMENT ON COLUMN skills.version IS 'Version of the taxonomy that last wrote the row.';

CREATE TABLE skill_aliases (
    alias  text PRIMARY KEY CHECK (alias = lower(alias)),
    skill  text NOT NULL REFERENCES skills (slug)
);
CREATE INDEX skill_aliases_skill ON skill_aliases (skill);
COMMENT ON TABLE skill_aliases IS 'Other spellings, in lower case.';

CREATE TABLE skill_neighbours (
    skill      text NOT NULL REFERENCES skills (slug),
    neighbour  text NOT NULL REFERENCES skills (slug),
    weight     integer NOT NULL CHECK (weight BETWEEN 1 AND 100),
    PRIMARY KEY (skill, neighbour),
    CHECK (skill <> neighbour)
);
CREATE INDEX skill_neighbours_neighbour ON skill_neighbours (neighbour);
COMMENT ON TABLE skill_neighbours IS 'How much of a skill carries over to another, in percent; both directions are stored.';
