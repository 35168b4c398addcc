"""Tables of the audit beside the chain: what was sent to second parties, heads kept for other nodes.

The indexes make a search quick; the chain itself does not know of them.
"""

from civiscope.security.tables import audit_table
from civiscope.storage import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

metadata = audit_table.metadata

head_delivery_table = Table(
    "audit_head_delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("target", String(300), nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("why", String(400), nullable=False),
    Column("head_us", BigInteger, nullable=False),
)

received_head_table = Table(
    "audit_received_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("received_us", BigInteger, nullable=False),
    Column("from_where", String(128), nullable=False),
    Column("node_id", String(36), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Index("audit_received_of_node", "node_id", "at_us"),
)

Index("audit_by_time", audit_table.c.at_us)
Index("audit_by_who", audit_table.c.who.collate("NOCASE"))
Index("audit_by_principal", audit_table.c.principal_id)
Index("audit_by_what", audit_table.c.what.collate("NOCASE"))
Index("audit_by_object", audit_table.c.object.collate("NOCASE"))
Index("audit_by_outcome", audit_table.c.outcome)
