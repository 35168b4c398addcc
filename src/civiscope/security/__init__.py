"""Who may do what, the record of what they did, and the keys (a purpose is an opaque id here).

Facts in: none. Facts out: none.
Invariants: no private key, password or token is logged, shown or sent; the recorder seals and signs but
cannot open; every refusal is an AppError in plain words; key files are readable by their owner alone.
"""

from civiscope.security.accounts import Accounts, SetupCode
from civiscope.security.accountsettings import AccountSettings
from civiscope.security.api_tokens import TOKEN_PREFIX, ApiToken, TokenDraft, TokenId
from civiscope.security.audit import AuditLog
from civiscope.security.auditsearch import AuditFilter, FoundEntries, ProvenEntry
from civiscope.security.auditwriter import AuditKeys, AuditWriter
from civiscope.security.authority import (
    CertificateFacts,
    certificate_facts,
    machine_hosts,
    tidy_hosts,
)
from civiscope.security.camera_signing import CameraAnchors
from civiscope.security.casekeys import (
    CASE_WRAP_BYTES,
    CaseId,
    CaseKey,
    new_case_key,
    open_case_key,
    read_case_wrap,
)
from civiscope.security.ceremonies import RelyingParty, passkeys_possible
from civiscope.security.chain import AuditEntry, AuditHead, Outcome, RecordedEntry
from civiscope.security.chaincheck import AuditReport
from civiscope.security.export_signing import (
    ManifestSigner,
    load_manifest_signer,
    provide_export_key,
)
from civiscope.security.factorrows import FactorState
from civiscope.security.factors import Enrolment, SecondFactorError
from civiscope.security.grants import GrantDraft, GrantId, RoleGrant, ScopeBook, TimeProfile, WeeklySpan
from civiscope.security.headcheck import HeadReport
from civiscope.security.headledger import Delivery, HeadLedger, ReceivedHead
from civiscope.security.invitations import Invitation
from civiscope.security.keybackup import (
    lock_kind,
    node_certificate_der,
    open_lock,
    pack_keys,
    unpack_keys,
)
from civiscope.security.keyfile import read_word
from civiscope.security.keyholder import (
    HolderKind,
    KeyHolder,
    PassphraseHolder,
    ScryptSettings,
    WrongPassphraseError,
)
from civiscope.security.keyring import Keyring
from civiscope.security.keys import (
    SiteIdentity,
    SiteKeys,
    load_keyring,
    load_picture_sealer,
    load_sealer,
)
from civiscope.security.model import (
    PERMISSIONS,
    Grant,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    ScopedRole,
    SessionId,
    authorise,
    authorise_on,
    authorise_somewhere,
    channels_with,
    missing_channel,
    permissions_of,
    terminal_principal,
)
from civiscope.security.modulesettings import ModuleSettings, module_holder
from civiscope.security.nodehead import ChainHead, NodeHead, keep_node_head, sign_node_head
from civiscope.security.officers import OfficerShare, SetRecords, join_shares, read_share
from civiscope.security.passkeys import Begun, Passkey, PasskeyId
from civiscope.security.passwords import HashSettings, check_password
from civiscope.security.people import UserOverview
from civiscope.security.pictures import PictureSealer, open_picture
from civiscope.security.rotation import PublicSealingKey, SealingKeyWatch, present_key
from civiscope.security.sealed_files import SealedFile, SealedFileWriter, new_file_key
from civiscope.security.sealing import (
    HOUR_US,
    NONCE_BYTES,
    TAG_BYTES,
    WRAPPED_BYTES,
    DataKey,
    KeyContext,
    KeyId,
    SegmentSealer,
    WrapHeader,
    read_wrapped,
)
from civiscope.security.secret import Secret
from civiscope.security.sessions import Session
from civiscope.security.signature import SIGNATURE_BYTES, IntegrityError
from civiscope.security.tables import migrate_security
from civiscope.security.throttle import Throttle, ThrottleSettings, TooManyAttemptsError
from civiscope.security.timestamping import (
    StampRoots,
    StampTrouble,
    TimeStamp,
    TimeStampError,
    new_nonce,
    stamp_request,
)
from civiscope.security.tls import client_tls, server_tls
from civiscope.security.tokens import check_csrf, csrf_token
from civiscope.security.trust import EXPORT_DOMAIN, SignerFacts, SiteTrust, describe_certificate
from civiscope.security.users import SessionInfo, User
from civiscope.security.vault import LOCKED_WORDS, LockableVault, Vault
from civiscope.security.vaultdoor import KeyMemory, VaultDoor, VaultState
from civiscope.security.words import WordBox

__all__ = [
    "PERMISSIONS", "Grant", "Permission", "Principal", "PrincipalKind", "Role", "ScopedRole", "SessionId",
    "authorise", "authorise_on", "authorise_somewhere", "channels_with", "missing_channel", "permissions_of",
    "terminal_principal",
    "Accounts", "AccountSettings", "HashSettings", "Session", "SessionInfo", "SetupCode", "Throttle",
    "ThrottleSettings",
    "ApiToken", "Begun", "Enrolment", "FactorState", "GrantDraft", "GrantId", "Invitation", "Passkey",
    "PasskeyId", "RelyingParty", "RoleGrant", "ScopeBook", "SecondFactorError", "TOKEN_PREFIX", "TimeProfile",
    "TokenDraft", "TokenId", "UserOverview", "WeeklySpan", "passkeys_possible",
    "TooManyAttemptsError", "User", "check_csrf", "check_password", "csrf_token",
    "AuditEntry", "AuditFilter", "AuditHead", "AuditKeys", "AuditLog", "AuditReport", "AuditWriter",
    "FoundEntries", "ProvenEntry", "Delivery", "HeadLedger", "ReceivedHead", "HeadReport",
    "ChainHead", "NodeHead", "keep_node_head", "sign_node_head",
    "Outcome", "RecordedEntry",
    "SiteIdentity", "SiteKeys", "load_keyring", "load_picture_sealer", "load_sealer", "client_tls",
    "server_tls", "machine_hosts",
    "CertificateFacts", "certificate_facts",
    "tidy_hosts",
    "CASE_WRAP_BYTES", "CaseId", "CaseKey", "new_case_key", "open_case_key", "read_case_wrap",
    "WordBox", "lock_kind", "node_certificate_der", "open_lock", "pack_keys", "unpack_keys",
    "OfficerShare", "PublicSealingKey", "SealingKeyWatch", "SetRecords", "join_shares", "present_key",
    "read_share",
    "DataKey", "IntegrityError", "KeyContext", "KeyId", "Keyring", "SegmentSealer", "WrapHeader",
    "PictureSealer", "open_picture",
    "read_wrapped", "HOUR_US", "NONCE_BYTES", "SIGNATURE_BYTES", "TAG_BYTES", "WRAPPED_BYTES",
    "Secret", "Vault", "LOCKED_WORDS", "HolderKind", "KeyHolder", "KeyMemory", "LockableVault",
    "ModuleSettings", "module_holder", "read_word",
    "PassphraseHolder", "ScryptSettings", "VaultDoor", "VaultState", "WrongPassphraseError",
    "StampRoots", "StampTrouble", "TimeStamp", "TimeStampError", "new_nonce", "stamp_request",
    "CameraAnchors", "EXPORT_DOMAIN", "ManifestSigner", "SignerFacts", "SiteTrust", "describe_certificate",
    "load_manifest_signer", "provide_export_key",
    "SealedFile", "SealedFileWriter", "new_file_key",
    "migrate_security",
]  # fmt: skip
