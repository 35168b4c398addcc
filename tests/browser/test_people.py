"""People by hand: invited, joined, given a role on one camera, seen as, signed in twice, shut out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser
from tests.browser.screens import Screens, until
from tests.product import ADMINISTRATOR, Product

pytestmark = pytest.mark.browser


@contextmanager
def window(browser: Browser, product: Product) -> Iterator[Screens]:
    """Another person's browser."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    found = Screens(context.new_page(), product)
    try:
        yield found
        assert found.complaints == []
    finally:
        context.close()


def code_of(secret: str, at_s: float) -> str:
    """What a code app shows (RFC 6238)."""
    import base64

    plain = secret.replace(" ", "").upper()
    key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    return TOTP(key, 6, SHA1(), 30, enforce_key_length=False).generate(int(at_s)).decode()


def invite(screens: Screens, name: str, role: str | None) -> str:
    """Invite by the page; the code."""
    page = screens.page
    screens.go("people")
    page.get_by_test_id("invite").click()
    page.get_by_test_id("invite-name").fill(name)
    dialog = page.get_by_test_id("invite-dialog")
    dialog.get_by_test_id("role-operator").uncheck()
    if role:
        dialog.get_by_test_id(f"role-{role}").check()
    page.get_by_test_id("invite-make").click()
    code = page.get_by_test_id("invitation-code").inner_text()
    page.get_by_test_id("code-done").click()
    return code


def join(screens: Screens, code: str, password: str) -> None:
    """Use the code up and choose a passphrase."""
    page = screens.page
    page.goto(screens.product.url)
    page.get_by_test_id("join-link").click()
    page.get_by_test_id("join-code").fill(code)
    page.get_by_test_id("join-password").fill(password)
    page.get_by_test_id("join-again").fill(password)
    page.get_by_test_id("join-submit").click()
    page.get_by_test_id("who").wait_for()


def test_a_person_is_invited_and_gets_one_camera_in_working_hours(
    screens: Screens, watched: Product, browser: Browser
) -> None:
    screens.sign_in()
    code = invite(screens, "mara", None)
    with window(browser, watched) as hers:
        join(hers, code, ADMINISTRATOR[1])
        hers.go("live")
        hers.page.get_by_text("North street").wait_for(state="detached")

        page = screens.page
        page.get_by_test_id("person-mara").click()
        page.get_by_test_id("add-grant").click()
        page.get_by_test_id("grant-role").select_option("operator")
        page.get_by_test_id("grant-place").select_option(label="Camera: North street")
        page.get_by_test_id("grant-give").click()
        page.get_by_test_id("grants").get_by_text("Operator: North street").wait_for()
        assert screens.axe() == []
        screens.keep("people-person")

        hers.page.reload()
        hers.page.get_by_test_id("who").wait_for()
        hers.page.get_by_text("North street").first.wait_for()
        assert hers.page.get_by_text("South street").count() == 0

        page.get_by_test_id("see-as").click()
        sight = page.get_by_test_id("sight")
        sight.get_by_text("North street").wait_for()
        assert sight.get_by_text("South street").count() == 0
        screens.keep("people-see-as")
        page.keyboard.press("Escape")
        page.get_by_test_id("end-grant").click()
        page.get_by_text("No roles on single cameras or groups.").wait_for()
        hers.page.get_by_text("North street").first.wait_for(state="detached", timeout=15_000)


def test_a_code_app_and_recovery_codes(screens: Screens, watched: Product, browser: Browser) -> None:
    screens.sign_in()
    code = invite(screens, "tomas", "viewer")
    with window(browser, watched) as his:
        join(his, code, ADMINISTRATOR[1])
        page = his.page
        page.get_by_test_id("account").click()
        page.get_by_test_id("my-account").click()
        page.get_by_test_id("totp-change").click()
        page.get_by_test_id("confirm-password").fill(ADMINISTRATOR[1])
        page.get_by_test_id("confirm").click()
        secret = page.get_by_test_id("totp-secret").inner_text()
        page.get_by_test_id("totp-code").fill("000000")
        page.get_by_test_id("totp-confirm").click()
        page.locator('[data-testid="account-page"] [role=alert]').wait_for()
        page.get_by_test_id("totp-code").fill(code_of(secret, time.time()))
        page.get_by_test_id("totp-confirm").click()
        page.get_by_test_id("recovery").wait_for()
        recovery = page.get_by_test_id("recovery-codes").inner_text().split()
        assert len(set(recovery)) == 10
        assert his.axe() == []
        his.keep("account-recovery")
        page.get_by_test_id("recovery-kept").click()
        page.get_by_test_id("account").click()
        page.get_by_test_id("sign-out").click()
        page.get_by_test_id("name").fill("tomas")
        page.get_by_test_id("password").fill(ADMINISTRATOR[1])
        page.get_by_test_id("submit").click()
        page.get_by_test_id("second-code").wait_for()
        assert his.axe() == []
        his.keep("sign-in-code")
        page.get_by_test_id("second-code").fill(recovery[0])
        page.get_by_test_id("submit").click()
        page.get_by_test_id("who").wait_for()

    screens.go("people")
    until(
        "tomas with a code app", lambda: "Code app" in screens.page.get_by_test_id("people").inner_text(), 20
    )
    screens.page.get_by_test_id("person-tomas").click()
    screens.page.get_by_test_id("drop-factors").click()
    screens.page.get_by_test_id("drop-factors").wait_for(state="detached")


def test_a_passkey_opens_without_a_passphrase(screens: Screens, watched: Product) -> None:
    screens.sign_in()
    page = screens.page
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.get_by_test_id("account").click()
    page.get_by_test_id("my-account").click()
    page.get_by_test_id("passkey-name").fill("Office laptop")
    page.get_by_test_id("passkey-add").click()
    page.get_by_test_id("confirm-password").fill(ADMINISTRATOR[1])
    page.get_by_test_id("confirm").click()
    page.get_by_test_id("passkeys").get_by_text("Office laptop").wait_for()
    screens.keep("account-passkey")
    page.get_by_test_id("account").click()
    page.get_by_test_id("sign-out").click()
    page.get_by_test_id("passkey-sign-in").click()
    page.get_by_test_id("who").wait_for()
    assert page.get_by_test_id("who").inner_text() == ADMINISTRATOR[0]


def test_a_token_is_shown_once_and_works(screens: Screens, watched: Product) -> None:
    screens.sign_in()
    page = screens.page
    page.get_by_test_id("account").click()
    page.get_by_test_id("my-account").click()
    page.get_by_test_id("token-name").fill("weather board")
    page.get_by_test_id("token-channel.list").check()
    page.get_by_test_id("token-make").click()
    token = page.get_by_test_id("token").inner_text()
    with watched.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/v1/channels").status_code == 200
        assert client.get("/api/v1/audit").status_code == 403
        page.get_by_test_id("tokens").get_by_text("weather board").wait_for()
        page.get_by_test_id("tokens").get_by_role("button", name="Revoke").click()
        page.get_by_text("No tokens.").wait_for()
        assert client.get("/api/v1/channels").status_code == 401


def test_the_audit_is_searched_and_taken_along(screens: Screens, watched: Product) -> None:
    screens.sign_in()
    page = screens.page
    screens.go("audit")
    page.get_by_test_id("audit-what").fill("camera.add")
    until("two entries", lambda: page.get_by_test_id("audit-found").inner_text() == "2 entries")
    page.locator("table button").first.click()
    page.get_by_test_id("audit-details").get_by_text("rtsp://").wait_for()
    assert screens.axe() == []
    screens.keep("audit-details")
    page.keyboard.press("Escape")
    with page.expect_download() as arriving:
        page.get_by_test_id("audit-jsonl").click()
    text = arriving.value.path().read_text(encoding="utf-8")
    entries = text.splitlines()[1:]  # after the line that names the site and what was asked for
    assert len(entries) == 2
    assert all('"camera.add"' in one for one in entries)
    page.get_by_test_id("audit-text").fill("no such words anywhere")
    page.get_by_text("No entry matches").wait_for()
