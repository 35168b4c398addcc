-- table kept_setting
CREATE TABLE kept_setting ( name VARCHAR(64) NOT NULL, schema_version INTEGER NOT NULL, value JSON NOT NULL, changed_us BIGINT NOT NULL, changed_by VARCHAR(128) NOT NULL, PRIMARY KEY (name) );
-- table kept_settings_version
CREATE TABLE kept_settings_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT kept_settings_version_pkc PRIMARY KEY (version_num) );
-- kept_settings_version = 0001
