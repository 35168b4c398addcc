-- index alarm_by_channel
CREATE INDEX alarm_by_channel ON alarm (channel_id, id);
-- index alarm_by_state
CREATE INDEX alarm_by_state ON alarm (state, id);
-- index alarm_by_time
CREATE INDEX alarm_by_time ON alarm (raised_us);
-- index alarm_open
CREATE INDEX alarm_open ON alarm (rule_id, channel_id, zone) WHERE state <> 'closed';
-- index history_of_alarm
CREATE INDEX history_of_alarm ON alarm_history (alarm_id, sequence);
-- table alarm
CREATE TABLE alarm ( id CHAR(32) NOT NULL, rule_id CHAR(32) NOT NULL, rule_name VARCHAR(200) NOT NULL, title VARCHAR(200) NOT NULL, channel_id CHAR(32), event_id CHAR(32) NOT NULL, kind VARCHAR(64) NOT NULL, object_class VARCHAR(32), zone VARCHAR(120) NOT NULL, priority VARCHAR(16) NOT NULL, state VARCHAR(16) NOT NULL, owner_id CHAR(32), owner_name VARCHAR(64), raised_us BIGINT NOT NULL, last_us BIGINT NOT NULL, happened INTEGER NOT NULL, parked_until_us BIGINT, close_reason VARCHAR(200) NOT NULL, procedure TEXT NOT NULL, escalations INTEGER NOT NULL, has_picture BOOLEAN NOT NULL, version INTEGER NOT NULL, waits_since_us BIGINT NOT NULL, PRIMARY KEY (id) );
-- table alarm_event
CREATE TABLE alarm_event ( alarm_id CHAR(32) NOT NULL, rule_id CHAR(32) NOT NULL, event_id CHAR(32) NOT NULL, UNIQUE (rule_id, event_id), FOREIGN KEY(alarm_id) REFERENCES alarm (id) );
-- table alarm_history
CREATE TABLE alarm_history ( sequence INTEGER NOT NULL, alarm_id CHAR(32) NOT NULL, at_us BIGINT NOT NULL, who_id CHAR(32), who VARCHAR(200) NOT NULL, what VARCHAR(32) NOT NULL, note TEXT NOT NULL, "before" TEXT NOT NULL, "after" TEXT NOT NULL, link BLOB NOT NULL, PRIMARY KEY (sequence), FOREIGN KEY(alarm_id) REFERENCES alarm (id) );
-- table alarms_version
CREATE TABLE alarms_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT alarms_version_pkc PRIMARY KEY (version_num) );
-- trigger alarm_history_no_delete
CREATE TRIGGER alarm_history_no_delete BEFORE DELETE ON alarm_history BEGIN SELECT RAISE(ABORT, 'the history of alarms is never changed or deleted'); END;
-- trigger alarm_history_no_update
CREATE TRIGGER alarm_history_no_update BEFORE UPDATE ON alarm_history BEGIN SELECT RAISE(ABORT, 'the history of alarms is never changed or deleted'); END;
-- alarms_version = 0001
