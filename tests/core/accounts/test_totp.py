"""Codes of authenticator apps, with the test vectors of RFC 6238, and the encryption of their secrets."""

import asyncio
from base64 import b32encode
from uuid import UUID

import pyotp
import pytest

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.accounts import totp
from todo_core.accounts.errors import TotpEnabled, TotpNotFound, WrongCode
from todo_core.accounts.totp import find_step, make_box
from todo_core.database.executor import Database

SECRET = b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
"""Unix seconds and codes of appendix B of RFC 6238, for SHA-1. Of the eight digits, an app shows the last six."""
NOW = 1_900_000_000
BOX = make_box(["a key of the tests"])


class TestVectors:
    @pytest.mark.parametrize(("moment", "code"), VECTORS)
    def test_the_codes_of_the_standard_are_accepted(self, moment: int, code: str) -> None:
        assert pyotp.TOTP(SECRET, digits=8).generate_otp(moment // 30) == code
        assert find_step(SECRET, code[-6:], moment) == moment // 30

    @pytest.mark.parametrize(("moment", "code"), VECTORS[1:])
    @pytest.mark.parametrize("seconds", [-30, 30])
    def test_they_are_accepted_half_a_minute_earlier_and_later(self, moment: int, code: str, seconds: int) -> None:
        assert find_step(SECRET, code[-6:], moment + seconds) == moment // 30

    @pytest.mark.parametrize(("moment", "code"), VECTORS[1:])
    @pytest.mark.parametrize("seconds", [-60, 60])
    def test_they_are_refused_a_minute_earlier_and_later(self, moment: int, code: str, seconds: int) -> None:
        assert find_step(SECRET, code[-6:], moment + seconds) is None

    @pytest.mark.parametrize("code", ["", "28708", "2870820", "28708x", "２８７０８２"], ids=ascii)
    def test_other_text_is_no_code(self, code: str) -> None:
        assert find_step(SECRET, code, 59) is None


class TestSecretBox:
    def test_a_secret_is_readable_with_each_of_the_keys(self) -> None:
        encrypted = make_box(["old"]).encrypt(SECRET)

        assert make_box(["new", "old"]).decrypt(encrypted) == SECRET
        assert SECRET.encode() not in encrypted

    def test_without_its_key_it_is_not_readable(self) -> None:
        assert make_box(["new"]).decrypt(make_box(["old"]).encrypt(SECRET)) is None

    def test_the_first_key_encrypts(self) -> None:
        assert make_box(["new"]).decrypt(make_box(["new", "old"]).encrypt(SECRET)) == SECRET

    def test_two_secrets_look_different(self) -> None:
        assert BOX.encrypt(SECRET) != BOX.encrypt(SECRET)


class TestOperations:
    def test_of_concurrent_uses_of_one_code_the_first_succeeds(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_id = add_user(database_url)
        monkeypatch.setattr(totp, "time", lambda: NOW)

        async def scenario() -> list[bool]:
            async with open_database(database_url) as db:
                code = await turn_on(db, user_id)
                later = code_of(code.secret, NOW // 30 + 1)
                return await asyncio.gather(*(totp.use(db, BOX, user_id, later) for _ in range(8)))

        assert sorted(run(scenario())) == [False] * 7 + [True]

    def test_a_use_encrypts_the_secret_with_the_first_key(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_id = add_user(database_url)
        monkeypatch.setattr(totp, "time", lambda: NOW)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                new = await turn_on(db, user_id)
                later = code_of(new.secret, NOW // 30 + 1)
                assert await totp.use(db, make_box(["new", "a key of the tests"]), user_id, later)

        run(scenario())
        (row,) = postgres.query(database_url, "SELECT secret FROM totp WHERE user_id = $1", user_id)
        assert make_box(["new"]).decrypt(row["secret"]) is not None

    def test_an_app_is_confirmed_once(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        user_id = add_user(database_url)
        monkeypatch.setattr(totp, "time", lambda: NOW)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                new = await turn_on(db, user_id)
                with pytest.raises(TotpNotFound):
                    await totp.confirm(db, BOX, user_id, code_of(new.secret, NOW // 30))
                with pytest.raises(TotpEnabled):
                    await totp.prepare(db, BOX, user_id, "ada@example.com")

        run(scenario())

    def test_after_the_loss_of_the_key_no_code_is_right(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_id = add_user(database_url)
        monkeypatch.setattr(totp, "time", lambda: NOW)

        async def scenario() -> None:
            other = make_box(["another"])
            async with open_database(database_url) as db:
                new = await totp.prepare(db, BOX, user_id, "ada@example.com")
                with pytest.raises(WrongCode):
                    await totp.confirm(db, other, user_id, code_of(new.secret, NOW // 30))
                await totp.confirm(db, BOX, user_id, code_of(new.secret, NOW // 30))
                assert not await totp.use(db, other, user_id, code_of(new.secret, NOW // 30 + 1))

        run(scenario())


async def turn_on(db: Database, user_id: UUID) -> totp.NewTotp:
    new = await totp.prepare(db, BOX, user_id, "ada@example.com")
    await totp.confirm(db, BOX, user_id, code_of(new.secret, NOW // 30))
    return new


def code_of(secret: str, step: int) -> str:
    return pyotp.TOTP(secret).generate_otp(step)
