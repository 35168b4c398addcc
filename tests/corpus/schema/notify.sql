-- index notify_delivery_by_state
CREATE INDEX notify_delivery_by_state ON notify_delivery (state, rank, sequence);
-- index notify_delivery_of_target
CREATE INDEX notify_delivery_of_target ON notify_delivery (target_id, state, sequence);
-- table notify_delivery
CREATE TABLE notify_delivery ( sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id CHAR(32) NOT NULL, target_id CHAR(32) NOT NULL, at_us BIGINT NOT NULL, state VARCHAR(8) NOT NULL, rank INTEGER NOT NULL, attempts INTEGER NOT NULL, next_us BIGINT, ended_us BIGINT, why VARCHAR(300) NOT NULL, message JSON NOT NULL, UNIQUE (id) );
-- table notify_target
CREATE TABLE notify_target ( id CHAR(32) NOT NULL, name VARCHAR(80) NOT NULL, notifier VARCHAR(32) NOT NULL, settings JSON NOT NULL, secrets_sealed BLOB, is_escalation BOOLEAN NOT NULL, is_on BOOLEAN NOT NULL, made_us BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (name) );
-- table notify_version
CREATE TABLE notify_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT notify_version_pkc PRIMARY KEY (version_num) );
-- notify_version = 0001
