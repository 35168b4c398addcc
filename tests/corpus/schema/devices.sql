-- index binding_input_open
CREATE UNIQUE INDEX binding_input_open ON binding (device_id, input) WHERE to_us IS NULL;
-- index binding_open
CREATE UNIQUE INDEX binding_open ON binding (channel_id) WHERE to_us IS NULL;
-- index group_name
CREATE UNIQUE INDEX group_name ON channel_group (coalesce(parent_id, ''), name);
-- index notification_of_device
CREATE INDEX notification_of_device ON notification (device_id, id);
-- index stream_address
CREATE INDEX stream_address ON stream (address);
-- index stream_of_channel
CREATE INDEX stream_of_channel ON stream (channel_id);
-- table binding
CREATE TABLE binding ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, device_id CHAR(32) NOT NULL, input INTEGER NOT NULL, from_us BIGINT NOT NULL, to_us BIGINT, PRIMARY KEY (id), FOREIGN KEY(channel_id) REFERENCES channel (id), FOREIGN KEY(device_id) REFERENCES device (id) );
-- table channel
CREATE TABLE channel ( id CHAR(32) NOT NULL, name VARCHAR(120) NOT NULL, added_us BIGINT NOT NULL, removed_us BIGINT, place VARCHAR(200) DEFAULT '' NOT NULL, latitude FLOAT, longitude FLOAT, purpose VARCHAR(64), group_id CHAR(32) REFERENCES channel_group (id), keep_hours FLOAT, recording TEXT, PRIMARY KEY (id) );
-- table channel_group
CREATE TABLE channel_group ( id CHAR(32) NOT NULL, name VARCHAR(120) NOT NULL, parent_id CHAR(32), PRIMARY KEY (id), FOREIGN KEY(parent_id) REFERENCES channel_group (id) );
-- table device
CREATE TABLE device ( id CHAR(32) NOT NULL, driver VARCHAR(32) NOT NULL, credentials_sealed BLOB NOT NULL, tls_fingerprint VARCHAR(64), added_us BIGINT NOT NULL, removed_us BIGINT, address VARCHAR DEFAULT '' NOT NULL, address_sealed BLOB, transport VARCHAR(8) DEFAULT 'auto' NOT NULL, identity TEXT DEFAULT '{}' NOT NULL, abilities TEXT DEFAULT '[]' NOT NULL, inputs TEXT DEFAULT '[]' NOT NULL, desired TEXT, drift TEXT DEFAULT '[]' NOT NULL, checked_us BIGINT, clock_offset_ms BIGINT, trouble TEXT, PRIMARY KEY (id) );
-- table devices_version
CREATE TABLE devices_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT devices_version_pkc PRIMARY KEY (version_num) );
-- table notification
CREATE TABLE notification ( id CHAR(32) NOT NULL, device_id CHAR(32) NOT NULL, at_us BIGINT NOT NULL, topic VARCHAR(255) NOT NULL, operation VARCHAR(32) NOT NULL, source TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (id), FOREIGN KEY(device_id) REFERENCES device (id) );
-- table stream
CREATE TABLE stream ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, device_id CHAR(32) NOT NULL, profile VARCHAR(16) NOT NULL, address VARCHAR NOT NULL, url_sealed BLOB, transport VARCHAR(8) NOT NULL, audio BOOLEAN NOT NULL, token VARCHAR(255) DEFAULT '' NOT NULL, PRIMARY KEY (id), FOREIGN KEY(channel_id) REFERENCES channel (id), FOREIGN KEY(device_id) REFERENCES device (id) );
-- devices_version = 0004
