"""Password hashes in the database. A login replaces a hash of the older scheme or with other rounds."""

from typing import Any
from uuid import UUID

import bcrypt
import httpx2
import pytest
from passlib.context import CryptContext

from tests import postgres
from tests.accounts import PASSWORD, problem, register, sign_in

CURRENT_SCHEME = "$bcrypt-sha256$v=2,t=2b,r=4$"


def plain_bcrypt(password: str = PASSWORD, *, prefix: bytes = b"2b") -> str:
    """Returns a hash as earlier versions of the service stored it: plain bcrypt of the first 72 bytes."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4, prefix=prefix)).decode()


class TestStoredHash:
    @pytest.fixture
    def user(self, client: httpx2.Client) -> dict[str, Any]:
        return register(client)

    def store_hash(self, database_url: str, user: dict[str, Any], password_hash: str) -> None:
        statement = "UPDATE users SET password_hash = $1 WHERE id = $2"
        postgres.query(database_url, statement, password_hash, UUID(user["id"]))

    def read_hash(self, database_url: str, user: dict[str, Any]) -> str:
        (row,) = postgres.query(database_url, "SELECT password_hash FROM users WHERE id = $1", UUID(user["id"]))
        return str(row["password_hash"])

    def test_a_new_account_has_a_hash_of_the_current_scheme(self, user: dict[str, Any], database_url: str) -> None:
        assert self.read_hash(database_url, user).startswith(CURRENT_SCHEME)

    @pytest.mark.parametrize("prefix", [b"2a", b"2b"])
    def test_a_hash_of_the_older_scheme_still_signs_in(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str, prefix: bytes
    ) -> None:
        self.store_hash(database_url, user, plain_bcrypt(prefix=prefix))

        assert sign_in(client, user["email"]).status_code == 200

    def test_a_hash_of_the_older_scheme_is_replaced(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        self.store_hash(database_url, user, plain_bcrypt())
        sign_in(client, user["email"])

        assert self.read_hash(database_url, user).startswith(CURRENT_SCHEME)
        assert sign_in(client, user["email"]).status_code == 200

    @pytest.mark.parametrize("rounds", [5, 6])
    def test_a_hash_with_other_rounds_is_replaced(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str, rounds: int
    ) -> None:
        self.store_hash(
            database_url, user, CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=rounds).hash(PASSWORD)
        )
        sign_in(client, user["email"])

        assert self.read_hash(database_url, user).startswith(CURRENT_SCHEME)
        assert sign_in(client, user["email"]).status_code == 200

    def test_a_wrong_password_replaces_no_hash(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        older_hash = plain_bcrypt()
        self.store_hash(database_url, user, older_hash)
        problem(sign_in(client, user["email"], "a wrong password"), 401, "invalid_credentials")

        assert self.read_hash(database_url, user) == older_hash

    def test_a_current_hash_is_not_replaced(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        current_hash = self.read_hash(database_url, user)
        sign_in(client, user["email"])

        assert self.read_hash(database_url, user) == current_hash

    def test_hashes_of_other_users_are_not_replaced(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        other, older_hash = register(client), plain_bcrypt()
        self.store_hash(database_url, user, older_hash)
        self.store_hash(database_url, other, older_hash)
        sign_in(client, user["email"])

        assert self.read_hash(database_url, other) == older_hash

    def test_the_older_scheme_accepts_a_long_password(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        password = "é" * 50
        self.store_hash(database_url, user, plain_bcrypt(password))

        assert sign_in(client, user["email"], password).status_code == 200

    def test_the_older_scheme_refuses_a_long_wrong_password(
        self, client: httpx2.Client, user: dict[str, Any], database_url: str
    ) -> None:
        self.store_hash(database_url, user, plain_bcrypt())

        problem(sign_in(client, user["email"], "a wrong one " * 10), 401, "invalid_credentials")
