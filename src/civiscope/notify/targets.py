"""The book of targets: settings checked against the notifier's own model, secrets sealed, changes audited."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, SecretStr, ValidationError

from civiscope.base import AppError, Clock, ErrorKind, new_id
from civiscope.notify.model import SettingsError, Target, TargetDraft, TargetId, clean_target_name
from civiscope.notify.plugin import NotifierPlugin
from civiscope.notify.plugins import NotifierPlugins
from civiscope.notify.tables import target_table
from civiscope.security import AuditEntry, AuditLog, AuditWriter, Principal, Vault
from civiscope.storage import Connection, Database, Row, delete, insert, select, update

TARGETS_LIMIT = 100
_SETTINGS_LIMIT_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row."""

    target: Target
    sealed: bytes | None


class TargetBook:
    """Targets in the server's database. A target whose notifier is gone keeps its settings."""

    def __init__(
        self, database: Database, audit: AuditLog, vault: Vault, plugins: NotifierPlugins, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._vault = vault
        self._plugins = plugins
        self._clock = clock

    async def all(self) -> list[Target]:
        """Every target in the order of making, without secrets."""
        return [one.target for one in await self._database.read(_rows)]

    async def target(self, target_id: TargetId) -> Target:
        """One target; MISSING."""
        return (await self._kept(target_id)).target

    async def add(self, draft: TargetDraft, by: Principal, where: str = "") -> Target:
        """Keep a new target; `SettingsError` naming fields, EXHAUSTED, CONFLICT for a name that is taken."""
        plugin = await asyncio.to_thread(self._plugins.load, draft.notifier)
        shown, secrets = _checked(plugin, draft.settings, {})
        target = Target(
            TargetId(new_id()),
            clean_target_name(draft.name),
            plugin.name,
            shown,
            draft.is_escalation,
            draft.is_on,
        )
        sealed = self._seal(target.id, secrets)

        def work(connection: Connection, writer: AuditWriter) -> Target:
            known = _rows(connection)
            if len(known) >= TARGETS_LIMIT:
                raise AppError(ErrorKind.EXHAUSTED, f"There are {TARGETS_LIMIT} targets. Remove one first.")
            _refuse_taken(known, target)
            values = {**_values(target), "secrets_sealed": sealed, "made_us": self._clock.now_us()}
            connection.execute(insert(target_table).values(id=target.id, **values))
            writer.append(_entry(by, "target.add", target, where))
            return target

        return await self._audit.transact(work)

    async def edit(self, target_id: TargetId, draft: TargetDraft, by: Principal, where: str = "") -> Target:
        """Replace a target; a secret that is null stays, unless the target now leads elsewhere."""
        plugin = await asyncio.to_thread(self._plugins.load, draft.notifier)
        before = await self._kept(target_id)
        kept = self._kept_secrets(before, plugin, draft.settings)
        shown, secrets = _checked(plugin, draft.settings, kept)
        target = Target(
            target_id, clean_target_name(draft.name), plugin.name, shown, draft.is_escalation, draft.is_on
        )
        sealed = self._seal(target_id, secrets)

        def work(connection: Connection, writer: AuditWriter) -> Target:
            _refuse_taken(_rows(connection), target)
            changed = connection.execute(
                update(target_table)
                .where(target_table.c.id == target_id)
                .values(**_values(target), secrets_sealed=sealed)
            )
            if not changed.rowcount:
                raise _missing()
            writer.append(_entry(by, "target.edit", target, where))
            return target

        return await self._audit.transact(work)

    async def remove(
        self, target_id: TargetId, by: Principal, also: Callable[[Connection], None], where: str = ""
    ) -> Target:
        """Forget a target and its secrets; `also` runs in the same transaction."""

        def work(connection: Connection, writer: AuditWriter) -> Target:
            target = _one(connection, target_id).target
            connection.execute(delete(target_table).where(target_table.c.id == target_id))
            also(connection)
            writer.append(_entry(by, "target.remove", target, where))
            return target

        return await self._audit.transact(work)

    async def ready(self, target_id: TargetId) -> tuple[NotifierPlugin, BaseModel, tuple[str, ...]]:
        """What delivers there now: plug-in, settings with secrets, and the secrets to keep out of words.

        UNAVAILABLE while the vault is locked and there are secrets, or when the settings no longer fit.
        """
        kept = await self._kept(target_id)
        plugin = await asyncio.to_thread(self._plugins.load, kept.target.notifier)
        secrets = self._open(kept)
        known = {name: words for name, words in secrets.items() if name in plugin.secret_fields}
        try:
            made = plugin.settings.model_validate({**_without_nulls(kept.target.settings, plugin), **known})
        except ValidationError:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The settings of “{kept.target.name}” do not fit this version of {plugin.name}. "
                "Open the target and save it again.",
            ) from None
        return plugin, made, tuple(known.values())

    async def _kept(self, target_id: TargetId) -> _Kept:
        return await self._database.read(lambda connection: _one(connection, target_id))

    def _kept_secrets(
        self, before: _Kept, plugin: NotifierPlugin, settings: Mapping[str, object]
    ) -> dict[str, str]:
        """Secrets that stay; `SettingsError` when they would go where they were not meant for."""
        left = {name for name in plugin.secret_fields if settings.get(name) is None}
        if before.sealed is None or not left or before.target.notifier != plugin.name:
            return {}
        kept = {name: words for name, words in self._open(before).items() if name in left}
        defaults = {name: one.get_default() for name, one in plugin.settings.model_fields.items()}
        moved = [
            name
            for name in sorted(plugin.peer_fields)
            if settings.get(name, defaults[name]) != before.target.settings.get(name, defaults[name])
        ]
        if kept and moved:
            words = f"The target leads elsewhere now ({', '.join(moved)}): type this again, or empty it."
            raise SettingsError(dict.fromkeys(sorted(kept), words))
        return kept

    def _seal(self, target_id: TargetId, secrets: Mapping[str, str]) -> bytes | None:
        if not secrets:
            return None
        return self._vault.seal_secret(json.dumps(dict(secrets)).encode(), _context(target_id))

    def _open(self, kept: _Kept) -> dict[str, str]:
        if kept.sealed is None:
            return {}
        opened: dict[str, str] = json.loads(self._vault.open_secret(kept.sealed, _context(kept.target.id)))
        return opened


def known_targets(connection: Connection) -> list[Target]:
    """Every target, within a transaction of another's."""
    return [one.target for one in _rows(connection)]


def _checked(
    plugin: NotifierPlugin, settings: Mapping[str, object], kept: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, str]]:
    """Settings to show and secrets to seal; an empty secret is none."""
    given = _without_nulls(settings, plugin)
    emptied = {name for name in plugin.secret_fields if given.get(name) == ""}
    given = {name: value for name, value in given.items() if name not in emptied}
    try:
        made = plugin.settings.model_validate({**kept, **given})
    except ValidationError as error:
        raise SettingsError(_faults(error)) from None
    shown = made.model_dump(mode="json", exclude=set(plugin.secret_fields))
    if len(json.dumps(shown)) > _SETTINGS_LIMIT_BYTES:
        raise AppError(
            ErrorKind.INVALID, "The settings of this target are longer than 128 KiB. Shorten them."
        )
    secrets: dict[str, str] = {}
    for name in plugin.secret_fields:
        value = getattr(made, name)
        if value is not None:
            secrets[name] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return shown | dict.fromkeys(sorted(plugin.secret_fields)), secrets


def _without_nulls(settings: Mapping[str, object], plugin: NotifierPlugin) -> dict[str, object]:
    return {
        name: value
        for name, value in settings.items()
        if not (name in plugin.secret_fields and value is None)
    }


def _faults(error: ValidationError) -> dict[str, str]:
    """Words for each field, without what was typed: it may be a secret."""
    fields: dict[str, str] = {}
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        place = str(fault["loc"][0]) if fault["loc"] else ""
        fields.setdefault(place, str(fault["msg"]).removeprefix("Value error, "))
    return fields


def _rows(connection: Connection) -> list[_Kept]:
    query = select(target_table).order_by(target_table.c.made_us, target_table.c.id)
    return [_row(row) for row in connection.execute(query)]


def _one(connection: Connection, target_id: TargetId) -> _Kept:
    row = connection.execute(select(target_table).where(target_table.c.id == target_id)).first()
    if row is None:
        raise _missing()
    return _row(row)


def _row(row: Row[tuple[object, ...]]) -> _Kept:
    target = Target(TargetId(row.id), row.name, row.notifier, row.settings, row.is_escalation, row.is_on)
    return _Kept(target, row.secrets_sealed)


def _values(target: Target) -> dict[str, object]:
    return {
        "name": target.name,
        "notifier": target.notifier,
        "settings": dict(target.settings),
        "is_escalation": target.is_escalation,
        "is_on": target.is_on,
    }


def _refuse_taken(known: Sequence[_Kept], target: Target) -> None:
    if any(one.target.name == target.name and one.target.id != target.id for one in known):
        raise AppError(ErrorKind.CONFLICT, f"There is a target “{target.name}” already. Choose another name.")


def _entry(by: Principal, what: str, target: Target, where: str) -> AuditEntry:
    details = {
        "name": target.name, "notifier": target.notifier, "settings": dict(target.settings),
        "is_escalation": target.is_escalation, "is_on": target.is_on,
    }  # fmt: skip
    return AuditEntry(by, what, f"target {target.id}", from_where=where, details=details)


def _context(target_id: UUID) -> bytes:
    return b"notify target/" + target_id.bytes + b"/secrets"


def _missing() -> AppError:
    return AppError(ErrorKind.MISSING, "There is no such target. It may have been removed; reload the list.")
