-- Half of a ranking's places are zeros: LZ4 makes 3 kB of 24, in less time than the server takes to write and log them.
-- A server built without it keeps them as they are.
DO $$
BEGIN
    ALTER TABLE rankings ALTER COLUMN places SET COMPRESSION lz4, ALTER COLUMN places SET STORAGE EXTENDED;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no LZ4: rankings are stored as they are';
END
$$;
