DROP TABLE anchor_cards;
DROP FUNCTION anchor_cards_stay();
DROP TABLE anchor_sessions;
