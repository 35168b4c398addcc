-- index event_by_id
CREATE UNIQUE INDEX event_by_id ON event (id);
-- index event_by_time
CREATE INDEX event_by_time ON event (began_us, id);
-- index event_going_on
CREATE INDEX event_going_on ON event (began_us) WHERE lasts AND ended_us IS NULL;
-- table coverage
CREATE TABLE coverage ( channel BLOB NOT NULL, from_us BIGINT NOT NULL, reason VARCHAR(32) NOT NULL, detail VARCHAR(300) NOT NULL, PRIMARY KEY (channel, from_us) ) WITHOUT ROWID;
-- table event
CREATE TABLE event ( channel BLOB NOT NULL, began_us BIGINT NOT NULL, id BLOB NOT NULL, source VARCHAR(16) NOT NULL, source_id BLOB, plugin VARCHAR(64) NOT NULL, kind VARCHAR(64) NOT NULL, ended_us BIGINT, lasts BOOLEAN NOT NULL, has_begun BOOLEAN NOT NULL, object_class VARCHAR(32), track_id BIGINT, box_n VARCHAR, place_n VARCHAR, zone VARCHAR(120) NOT NULL, direction VARCHAR(32) NOT NULL, score FLOAT, more TEXT NOT NULL, detector VARCHAR(64) NOT NULL, has_picture BOOLEAN NOT NULL, PRIMARY KEY (channel, began_us, id) ) WITHOUT ROWID;
-- table event_picture
CREATE TABLE event_picture ( event_id BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (event_id) );
-- table events_version
CREATE TABLE events_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT events_version_pkc PRIMARY KEY (version_num) );
-- events_version = 0001
