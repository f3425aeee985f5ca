-- The places of a ranking are 25 kB that nobody asks the database about: as jsonb they were two thirds of what storing a
-- ranking cost, and larger. They stay JSON. In place, since no released version knows the table.
ALTER TABLE rankings ALTER COLUMN places TYPE text USING places::text;
-- Mostly numbers in base64: trying to compress them is in vain.
ALTER TABLE rankings ALTER COLUMN places SET STORAGE EXTERNAL;
