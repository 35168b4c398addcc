-- index action_waiting
CREATE INDEX action_waiting ON firing_action (next_us) WHERE state = 'waiting';
-- index firing_by_time
CREATE INDEX firing_by_time ON firing (fired_us);
-- index firing_of_rule
CREATE INDEX firing_of_rule ON firing (rule_id, channel_id, at_us);
-- table firing
CREATE TABLE firing ( id CHAR(32) NOT NULL, rule_id CHAR(32) NOT NULL, rule_version INTEGER NOT NULL, event_id CHAR(32) NOT NULL, channel_id CHAR(32), at_us BIGINT NOT NULL, fired_us BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (rule_id, event_id), FOREIGN KEY(rule_id) REFERENCES rule (id) );
-- table firing_action
CREATE TABLE firing_action ( firing_id CHAR(32) NOT NULL, place INTEGER NOT NULL, name VARCHAR(32) NOT NULL, state VARCHAR(16) NOT NULL, attempts INTEGER NOT NULL, next_us BIGINT, words VARCHAR(300) NOT NULL, PRIMARY KEY (firing_id, place), FOREIGN KEY(firing_id) REFERENCES firing (id) );
-- table rule
CREATE TABLE rule ( id CHAR(32) NOT NULL, version INTEGER NOT NULL, removed_us BIGINT, PRIMARY KEY (id) );
-- table rule_body
CREATE TABLE rule_body ( rule_id CHAR(32) NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, changed_us BIGINT NOT NULL, changed_by VARCHAR(200) NOT NULL, PRIMARY KEY (rule_id, version), FOREIGN KEY(rule_id) REFERENCES rule (id) );
-- table rules_version
CREATE TABLE rules_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT rules_version_pkc PRIMARY KEY (version_num) );
-- rules_version = 0001
