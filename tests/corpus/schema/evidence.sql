-- index bookmark_of_channel
CREATE INDEX bookmark_of_channel ON bookmark (channel_id, at_us);
-- index export_by_state
CREATE INDEX export_by_state ON export_job (state, made_us);
-- index export_of_asker
CREATE INDEX export_of_asker ON export_job (asker_id, made_us);
-- index hold_of_channel
CREATE INDEX hold_of_channel ON hold (channel_id, from_us);
-- table bookmark
CREATE TABLE bookmark ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, at_us BIGINT NOT NULL, text VARCHAR(500) NOT NULL, made_by VARCHAR(200) NOT NULL, made_us BIGINT NOT NULL, event_id CHAR(32), words BLOB, PRIMARY KEY (id) );
-- table evidence_case
CREATE TABLE evidence_case ( id CHAR(32) NOT NULL, name VARCHAR(200) NOT NULL, reference VARCHAR(200) NOT NULL, opened_by VARCHAR(200) NOT NULL, opened_us BIGINT NOT NULL, sealed_key BLOB, words BLOB, PRIMARY KEY (id) );
-- table evidence_version
CREATE TABLE evidence_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT evidence_version_pkc PRIMARY KEY (version_num) );
-- table export_job
CREATE TABLE export_job ( id CHAR(32) NOT NULL, asker_id CHAR(32) NOT NULL, asker_kind VARCHAR(20) NOT NULL, asker_name VARCHAR(200) NOT NULL, from_where VARCHAR(100) NOT NULL, "order" JSON NOT NULL, state VARCHAR(20) NOT NULL, made_us BIGINT NOT NULL, items JSON NOT NULL, words VARCHAR(500) NOT NULL, finished_us BIGINT, expires_us BIGINT, size_bytes BIGINT NOT NULL, fetches INTEGER NOT NULL, sealed_key BLOB, PRIMARY KEY (id) );
-- table hold
CREATE TABLE hold ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, from_us BIGINT NOT NULL, to_us BIGINT NOT NULL, reason VARCHAR(500) NOT NULL, until_us BIGINT, streams JSON NOT NULL, made_by VARCHAR(200) NOT NULL, made_us BIGINT NOT NULL, ended_us BIGINT, case_id CHAR(32), words BLOB, PRIMARY KEY (id) );
-- evidence_version = 0004
