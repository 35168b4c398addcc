"""Rows and bytes that survive a power cut: one SQLite database per process role, files behind one barrier.

Facts in: none. Facts out: none.
Invariants: no domain word; SQLAlchemy and Alembic live here alone; one writer per file; every wait and queue
is bounded; a failing disk ends in an `AppError` in plain words, never in a half-done change.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from civiscope.storage.copying import copy_database
from civiscope.storage.database import Database, DatabaseSettings, Durability
from civiscope.storage.files import Barrier, DirectoryFiles, DiskError, DiskFault, Files
from civiscope.storage.header import DatabaseHeader, read_header, stamp_header
from civiscope.storage.kept_file import keep_file
from civiscope.storage.kept_settings import (
    KeptSetting,
    keep_setting,
    migrate_kept_settings,
    read_kept_settings,
)
from civiscope.storage.recorded_files import RecordedFiles, after_cut
from civiscope.storage.schema import migrate, schema_snapshot

__all__ = [
    "copy_database",
    "Database", "DatabaseHeader", "DatabaseSettings", "Durability", "migrate", "read_header",
    "schema_snapshot", "stamp_header",
    "KeptSetting", "keep_file", "keep_setting", "migrate_kept_settings", "read_kept_settings",
    "Barrier", "DirectoryFiles", "DiskError", "DiskFault", "Files", "RecordedFiles", "after_cut",
    "JSON", "BigInteger", "Boolean", "CheckConstraint", "Column", "ColumnElement", "Connection", "Float",
    "ForeignKey", "Index", "Integer", "IntegrityError", "LargeBinary", "MetaData", "PrimaryKeyConstraint",
    "Row", "Select", "String", "Table", "Text", "UniqueConstraint", "Uuid", "and_", "bindparam", "delete",
    "exists", "func", "insert", "literal", "literal_column", "not_", "null", "op", "or_", "select", "text",
    "union_all", "update", "upsert",
]  # fmt: skip
