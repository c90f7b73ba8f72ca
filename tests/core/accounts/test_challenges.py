"""Challenges: what a signature holds, for how long, and that each is used once."""

import asyncio
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.accounts import challenges
from todo_core.accounts.challenges import Challenge, Challenges, decode_base64, digest_hash, encode_base64, use_up

SIGNER = Challenges(["a key of the tests"])


class TestSignature:
    @pytest.mark.parametrize("user_id", [None, uuid4()])
    def test_it_returns_what_was_signed(self, user_id: UUID | None) -> None:
        challenge = Challenge.new(user_id, "a hash")

        read = SIGNER.read("second_factor", SIGNER.sign("second_factor", challenge))
        assert read == challenge
        assert read.password_digest == digest_hash("a hash")

    def test_another_kind_is_refused(self) -> None:
        assert SIGNER.read("passkey_login", SIGNER.sign("second_factor", Challenge.new())) is None

    def test_each_key_verifies_and_the_first_signs(self) -> None:
        signed = Challenges(["old"]).sign("passkey_login", Challenge.new())

        assert Challenges(["new", "old"]).read("passkey_login", signed)
        assert Challenges(["new"]).read("passkey_login", signed) is None

    def test_it_ends_after_five_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        challenge = Challenge.new()
        signed = SIGNER.sign("passkey_login", challenge)

        monkeypatch.setattr(challenges, "time", lambda: challenge.expires_at - 1)
        assert SIGNER.read("passkey_login", signed)
        monkeypatch.setattr(challenges, "time", lambda: challenge.expires_at)
        assert SIGNER.read("passkey_login", signed) is None

    def test_changed_bytes_are_refused(self) -> None:
        signed = SIGNER.sign("passkey_login", Challenge.new())

        for place in range(len(signed)):
            changed = bytearray(signed)
            changed[place] ^= 1
            assert SIGNER.read("passkey_login", bytes(changed)) is None
        assert SIGNER.read("passkey_login", signed[:-1]) is None
        assert SIGNER.read("passkey_login", b"") is None

    def test_two_challenges_differ(self) -> None:
        assert Challenge.new() != Challenge.new()


class TestUse:
    def test_of_concurrent_uses_the_first_succeeds(self, database_url: str) -> None:
        user_id, challenge = add_user(database_url), Challenge.new()

        async def scenario() -> list[bool]:
            async with open_database(database_url) as db:
                return await asyncio.gather(*(use_up(db, challenge, user_id) for _ in range(8)))

        assert sorted(run(scenario())) == [False] * 7 + [True]

    def test_the_purge_deletes_it_after_its_end(self, database_url: str) -> None:
        user_id, challenge = add_user(database_url), Challenge.new()

        async def use_and_purge() -> None:
            async with open_database(database_url) as db:
                await use_up(db, challenge, user_id)
                await challenges.delete_expired(db, limit=1000)

        run(use_and_purge())
        find = "SELECT FROM used_challenges WHERE id = $1"
        assert len(postgres.query(database_url, find, challenge.id)) == 1
        postgres.query(database_url, "UPDATE used_challenges SET expires_at = now() WHERE id = $1", challenge.id)
        run(use_and_purge())
        assert postgres.query(database_url, find, challenge.id) == []


class TestBase64:
    @pytest.mark.parametrize("data", [b"", b"\xff", b"\xfb\xff", bytes(range(256))])
    def test_it_returns_what_was_encoded(self, data: bytes) -> None:
        assert "=" not in encode_base64(data)
        assert decode_base64(encode_base64(data)) == data

    @pytest.mark.parametrize("text", ["a", "ä", "\ud800"], ids=ascii)
    def test_other_text_has_no_bytes(self, text: str) -> None:
        assert decode_base64(text) == b""
