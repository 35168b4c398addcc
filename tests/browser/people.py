"""Accounts beside the administrator's, made in the stopped product's own database by its own rooms."""

import asyncio

from tests.product import ADMINISTRATOR, Product

from civiscope.app.home import Home
from civiscope.app.settings import load_settings
from civiscope.app.site import open_site
from civiscope.security import Role, terminal_principal


def make_people(product: Product) -> None:
    """`walter`, a viewer whose role holds no permit any more, `olga`, the data protection officer, and
    `otto`, an operator."""
    asyncio.run(_make(product))


async def _make(product: Product) -> None:
    by = terminal_principal("tests")
    async with open_site(Home(product.home), load_settings(product.home)) as site:
        roles = {
            "walter": Role.VIEWER, "olga": Role.DATA_PROTECTION_OFFICER, "otto": Role.OPERATOR,
        }  # fmt: skip
        for name, role in roles.items():
            await site.accounts.people.create_user(name, ADMINISTRATOR[1], [role], by)
        for permit in await site.purposes.permits():
            if permit.role is Role.VIEWER:
                await site.purposes.revoke(permit.id, by)
