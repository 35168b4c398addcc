-- index binding_open
CREATE UNIQUE INDEX binding_open ON binding (channel_id) WHERE to_us IS NULL;
-- index stream_of_channel
CREATE INDEX stream_of_channel ON stream (channel_id);
-- table binding
CREATE TABLE binding ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, device_id CHAR(32) NOT NULL, input INTEGER NOT NULL, from_us BIGINT NOT NULL, to_us BIGINT, PRIMARY KEY (id), FOREIGN KEY(channel_id) REFERENCES channel (id), FOREIGN KEY(device_id) REFERENCES device (id) );
-- table channel
CREATE TABLE channel ( id CHAR(32) NOT NULL, name VARCHAR(120) NOT NULL, added_us BIGINT NOT NULL, removed_us BIGINT, PRIMARY KEY (id) );
-- table device
CREATE TABLE device ( id CHAR(32) NOT NULL, driver VARCHAR(32) NOT NULL, credentials_sealed BLOB NOT NULL, tls_fingerprint VARCHAR(64), added_us BIGINT NOT NULL, removed_us BIGINT, PRIMARY KEY (id) );
-- table devices_version
CREATE TABLE devices_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT devices_version_pkc PRIMARY KEY (version_num) );
-- table stream
CREATE TABLE stream ( id CHAR(32) NOT NULL, channel_id CHAR(32) NOT NULL, device_id CHAR(32) NOT NULL, profile VARCHAR(16) NOT NULL, address VARCHAR NOT NULL, url_sealed BLOB, transport VARCHAR(8) NOT NULL, audio BOOLEAN NOT NULL, PRIMARY KEY (id), FOREIGN KEY(channel_id) REFERENCES channel (id), FOREIGN KEY(device_id) REFERENCES device (id) );
-- devices_version = 0001
