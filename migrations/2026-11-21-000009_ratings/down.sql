ALTER TABLE decisions DROP COLUMN by_assessment_id;
DROP TABLE assessment_appeals;
DROP TABLE assessment_outcomes;
DROP TABLE integrity_concerns;
DROP TABLE rating_readers;
DROP TABLE rating_cards;
DROP FUNCTION rating_cards_stay();
DROP TABLE rubrics;
