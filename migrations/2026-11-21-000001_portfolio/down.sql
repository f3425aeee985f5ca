DROP TABLE portfolio_skills;
DROP TABLE portfolio_challenges;
DROP TABLE portfolio_etags;
DROP TABLE portfolio_contributions;
DROP TABLE portfolio_items;
DROP TABLE portfolio_imports;
DROP TABLE portfolios;
