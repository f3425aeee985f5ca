DROP TABLE skill_neighbours;
DROP TABLE skill_aliases;
DROP TABLE skills;
DROP TABLE skill_families;
