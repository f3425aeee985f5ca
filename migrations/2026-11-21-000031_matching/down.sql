DROP TABLE market_metrics;
DROP TABLE match_exclusions;
DROP TABLE match_invitations;
DROP TABLE impressions;
DROP TABLE rankings;
DROP TABLE match_parameters;
DROP TABLE match_preferences;
DROP FUNCTION match_level(boolean, integer, integer, integer);
