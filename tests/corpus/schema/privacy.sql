-- index permit_of_purpose
CREATE INDEX permit_of_purpose ON permit (purpose_id);
-- table permit
CREATE TABLE permit ( id CHAR(32) NOT NULL, purpose_id VARCHAR(64) NOT NULL, role VARCHAR(64), principal_id CHAR(32), channels JSON, functions JSON NOT NULL, from_us BIGINT NOT NULL, until_us BIGINT, revoked_us BIGINT, PRIMARY KEY (id), CONSTRAINT permit_holder CHECK ((role IS NULL) <> (principal_id IS NULL)), FOREIGN KEY(purpose_id) REFERENCES purpose (id) );
-- table privacy_version
CREATE TABLE privacy_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT privacy_version_pkc PRIMARY KEY (version_num) );
-- table purpose
CREATE TABLE purpose ( id VARCHAR(64) NOT NULL, title VARCHAR(200) NOT NULL, legal_basis VARCHAR(2000) NOT NULL, functions JSON NOT NULL, declared_us BIGINT NOT NULL, PRIMARY KEY (id) );
-- privacy_version = 0001
