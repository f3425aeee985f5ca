DROP TABLE identity_chain;
