"""Common passwords, which registration and a password change refuse."""

from uuid import UUID

import httpx2
import pytest
from passlib.context import CryptContext

from tests import postgres
from tests.accounts import AUTH, Account, change_password, new_email, problem, sign_in

COMMON = "Trustno1"


def register(client: httpx2.Client, password: str, **fields: str) -> httpx2.Response:
    return client.post(f"{AUTH}/register", json={"email": new_email(), "password": password, **fields})


class TestRegistration:
    @pytest.mark.parametrize("password", ["password", "1234567890", COMMON, "TRUSTNO1"])
    def test_a_common_password_is_refused(self, client: httpx2.Client, password: str) -> None:
        document = problem(register(client, password), 422, "common_password")

        assert document["field"] == "password"

    @pytest.mark.parametrize("part", ["the email", "its local part", "the name"])
    def test_own_data_are_refused(self, client: httpx2.Client, part: str) -> None:
        email = new_email()
        passwords = {"the email": email.upper(), "its local part": email.partition("@")[0], "the name": "ada lovelace"}

        problem(register(client, passwords[part], email=email, name="Ada Lovelace"), 422, "common_password")

    def test_no_account_is_created(self, client: httpx2.Client) -> None:
        email = new_email()
        register(client, COMMON, email=email)

        assert register(client, "correct horse battery staple", email=email).status_code == 201


class TestPasswordChange:
    @pytest.mark.parametrize("password", ["password", COMMON])
    def test_a_common_password_is_refused(self, ada: Account, password: str) -> None:
        document = problem(change_password(ada.client, new=password), 422, "common_password")

        assert document["field"] == "new_password"
        assert sign_in(ada.client, ada.email).status_code == 200

    def test_the_email_is_refused(self, ada: Account) -> None:
        problem(change_password(ada.client, new=ada.email), 422, "common_password")


class TestLogin:
    def test_an_account_with_an_older_common_password_signs_in(self, ada: Account, database_url: str) -> None:
        password_hash = CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=4).hash(COMMON)
        statement = "UPDATE users SET password_hash = $1 WHERE id = $2"
        postgres.query(database_url, statement, password_hash, UUID(ada.user["id"]))

        assert sign_in(ada.client, ada.email, COMMON).status_code == 200
