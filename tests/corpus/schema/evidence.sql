-- index bookmark_of_channel
CREATE INDEX bookmark_of_channel ON bookmark (channel_id, at_us);
-- index hold_of_channel
CREATE INDEX hold_of_channel ON hold (channel_id, from_us);
-- table bookmark
CREATE TABLE bookmark ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, at_us BIGINT NOT NULL, text VARCHAR(500) NOT NULL, made_by VARCHAR(200) NOT NULL, made_us BIGINT NOT NULL, event_id CHAR(32), PRIMARY KEY (id) );
-- table evidence_case
CREATE TABLE evidence_case ( id CHAR(32) NOT NULL, name VARCHAR(200) NOT NULL, reference VARCHAR(200) NOT NULL, opened_by VARCHAR(200) NOT NULL, opened_us BIGINT NOT NULL, sealed_key BLOB, PRIMARY KEY (id) );
-- table evidence_version
CREATE TABLE evidence_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT evidence_version_pkc PRIMARY KEY (version_num) );
-- table hold
CREATE TABLE hold ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, from_us BIGINT NOT NULL, to_us BIGINT NOT NULL, reason VARCHAR(500) NOT NULL, until_us BIGINT, streams JSON NOT NULL, made_by VARCHAR(200) NOT NULL, made_us BIGINT NOT NULL, ended_us BIGINT, case_id CHAR(32), PRIMARY KEY (id) );
-- evidence_version = 0002
