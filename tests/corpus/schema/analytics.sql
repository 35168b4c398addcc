-- index analytic_of_channel
CREATE INDEX analytic_of_channel ON analytic (channel_id);
-- table analytic
CREATE TABLE analytic ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, plugin VARCHAR(64) NOT NULL, name VARCHAR(120) NOT NULL, settings JSON NOT NULL, schedule JSON, is_on BOOLEAN NOT NULL, changed_us BIGINT NOT NULL, changed_by VARCHAR(120) NOT NULL, PRIMARY KEY (id) );
-- table analytics_version
CREATE TABLE analytics_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT analytics_version_pkc PRIMARY KEY (version_num) );
-- analytics_version = 0001
