-- index bus_handled_fact
CREATE UNIQUE INDEX bus_handled_fact ON bus_handled (subscription, fact_id);
-- index bus_outbox_name
CREATE INDEX bus_outbox_name ON bus_outbox (name, sequence);
-- table bus_cursor
CREATE TABLE bus_cursor ( subscription VARCHAR NOT NULL, producer VARCHAR NOT NULL, epoch CHAR(32) NOT NULL, sequence BIGINT NOT NULL, PRIMARY KEY (subscription, producer) );
-- table bus_epoch
CREATE TABLE bus_epoch ( epoch CHAR(32) NOT NULL, PRIMARY KEY (epoch) );
-- table bus_handled
CREATE TABLE bus_handled ( number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, subscription VARCHAR NOT NULL, fact_id CHAR(32) NOT NULL );
-- table bus_outbox
CREATE TABLE bus_outbox ( sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, fact_id CHAR(32) NOT NULL, name VARCHAR NOT NULL, schema_version INTEGER NOT NULL, at_us BIGINT NOT NULL, causation_id CHAR(32), trace_id CHAR(32) NOT NULL, principal_id CHAR(32), body BLOB NOT NULL );
-- table bus_parked
CREATE TABLE bus_parked ( number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, subscription VARCHAR NOT NULL, producer VARCHAR NOT NULL, fact_id CHAR(32) NOT NULL, name VARCHAR NOT NULL, parked_us BIGINT NOT NULL, why TEXT NOT NULL, envelope BLOB NOT NULL, body BLOB NOT NULL );
-- table bus_version
CREATE TABLE bus_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT bus_version_pkc PRIMARY KEY (version_num) );
-- bus_version = bus_0001
