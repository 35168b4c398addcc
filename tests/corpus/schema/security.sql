-- index api_token_of_owner
CREATE INDEX api_token_of_owner ON api_token (owner_id);
-- index audit_by_object
CREATE INDEX audit_by_object ON audit_entry (object COLLATE "NOCASE");
-- index audit_by_outcome
CREATE INDEX audit_by_outcome ON audit_entry (outcome);
-- index audit_by_principal
CREATE INDEX audit_by_principal ON audit_entry (principal_id);
-- index audit_by_time
CREATE INDEX audit_by_time ON audit_entry (at_us);
-- index audit_by_what
CREATE INDEX audit_by_what ON audit_entry (what COLLATE "NOCASE");
-- index audit_by_who
CREATE INDEX audit_by_who ON audit_entry (who COLLATE "NOCASE");
-- index audit_received_of_node
CREATE INDEX audit_received_of_node ON audit_received_head (node_id, at_us);
-- index passkey_of_user
CREATE INDEX passkey_of_user ON passkey (user_id);
-- index recovery_code_of_user
CREATE INDEX recovery_code_of_user ON recovery_code (user_id);
-- index role_grant_of_user
CREATE INDEX role_grant_of_user ON role_grant (user_id);
-- index session_of_user
CREATE INDEX session_of_user ON user_session (user_id);
-- table api_token
CREATE TABLE api_token ( id CHAR(32) NOT NULL, owner_id CHAR(32) NOT NULL, name VARCHAR(64) NOT NULL, secret_hash BLOB NOT NULL, permissions JSON NOT NULL, channels JSON, created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL, used_us BIGINT, PRIMARY KEY (id), FOREIGN KEY(owner_id) REFERENCES user_account (id) );
-- table audit_detail
CREATE TABLE audit_detail ( sequence INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (sequence), FOREIGN KEY(sequence) REFERENCES audit_entry (sequence) );
-- table audit_entry
CREATE TABLE audit_entry ( sequence INTEGER NOT NULL, at_us BIGINT NOT NULL, principal_id VARCHAR(36), who VARCHAR NOT NULL, what VARCHAR NOT NULL, object VARCHAR NOT NULL, why VARCHAR NOT NULL, outcome VARCHAR NOT NULL, from_where VARCHAR NOT NULL, commitment BLOB NOT NULL, chain BLOB NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (sequence) );
-- table audit_head_delivery
CREATE TABLE audit_head_delivery ( id INTEGER NOT NULL, at_us BIGINT NOT NULL, target VARCHAR(300) NOT NULL, is_done BOOLEAN NOT NULL, why VARCHAR(400) NOT NULL, head_us BIGINT NOT NULL, PRIMARY KEY (id) );
-- table audit_received_head
CREATE TABLE audit_received_head ( id INTEGER NOT NULL, received_us BIGINT NOT NULL, from_where VARCHAR(128) NOT NULL, node_id VARCHAR(36) NOT NULL, at_us BIGINT NOT NULL, head BLOB NOT NULL, PRIMARY KEY (id) );
-- table passkey
CREATE TABLE passkey ( id CHAR(32) NOT NULL, user_id CHAR(32) NOT NULL, credential_id BLOB NOT NULL, public_key BLOB NOT NULL, sign_count BIGINT NOT NULL, relying_party VARCHAR(256) NOT NULL, name VARCHAR(64) NOT NULL, added_us BIGINT NOT NULL, used_us BIGINT, PRIMARY KEY (id), FOREIGN KEY(user_id) REFERENCES user_account (id), UNIQUE (credential_id) );
-- table recovery_code
CREATE TABLE recovery_code ( code_hash BLOB NOT NULL, user_id CHAR(32) NOT NULL, PRIMARY KEY (code_hash), FOREIGN KEY(user_id) REFERENCES user_account (id) );
-- table role_grant
CREATE TABLE role_grant ( id CHAR(32) NOT NULL, user_id CHAR(32) NOT NULL, role VARCHAR(64) NOT NULL, channel_id CHAR(32), group_id CHAR(32), profile JSON, from_us BIGINT NOT NULL, until_us BIGINT, granted_us BIGINT NOT NULL, granted_by VARCHAR(128) NOT NULL, PRIMARY KEY (id), FOREIGN KEY(user_id) REFERENCES user_account (id) );
-- table security_version
CREATE TABLE security_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT security_version_pkc PRIMARY KEY (version_num) );
-- table setup_code
CREATE TABLE setup_code ( id INTEGER NOT NULL, code_hash BLOB NOT NULL, issued_us BIGINT NOT NULL, expires_us BIGINT NOT NULL, PRIMARY KEY (id) );
-- table user_account
CREATE TABLE user_account ( id CHAR(32) NOT NULL, name VARCHAR(64) NOT NULL, name_key VARCHAR(256) NOT NULL, password_hash VARCHAR(512) NOT NULL, roles JSON NOT NULL, created_us BIGINT NOT NULL, password_us BIGINT NOT NULL, disabled_us BIGINT, PRIMARY KEY (id), UNIQUE (name_key) );
-- table user_invitation
CREATE TABLE user_invitation ( user_id CHAR(32) NOT NULL, code_hash BLOB NOT NULL, issued_us BIGINT NOT NULL, expires_us BIGINT NOT NULL, PRIMARY KEY (user_id), FOREIGN KEY(user_id) REFERENCES user_account (id), UNIQUE (code_hash) );
-- table user_session
CREATE TABLE user_session ( id CHAR(32) NOT NULL, user_id CHAR(32) NOT NULL, token_hash BLOB NOT NULL, created_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, expires_us BIGINT NOT NULL, from_where VARCHAR(128) NOT NULL, PRIMARY KEY (id), FOREIGN KEY(user_id) REFERENCES user_account (id), UNIQUE (token_hash) );
-- table user_totp
CREATE TABLE user_totp ( user_id CHAR(32) NOT NULL, sealed BLOB NOT NULL, begun_us BIGINT NOT NULL, confirmed_us BIGINT, last_step BIGINT NOT NULL, PRIMARY KEY (user_id), FOREIGN KEY(user_id) REFERENCES user_account (id) );
-- trigger audit_entry_no_delete
CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'audit entries are never changed or deleted'); END;
-- trigger audit_entry_no_update
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'audit entries are never changed or deleted'); END;
-- security_version = 0003
