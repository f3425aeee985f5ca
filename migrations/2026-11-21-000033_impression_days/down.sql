DROP TABLE impression_days;
