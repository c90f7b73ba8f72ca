"""Passwords that are too easy to guess for a new account."""

import runpy
import unicodedata
from pathlib import Path

import pytest
from pydantic import SecretStr

from todo_core.accounts.common_passwords import require_uncommon
from todo_core.accounts.errors import CommonPassword

GENERATOR = Path(__file__).parents[3] / "tools" / "common_passwords.py"


def check(password: str, *, email: str = "ada@example.com", name: str | None = None) -> None:
    require_uncommon(SecretStr(password), email=email, name=name, field="password")


class TestRequireUncommon:
    @pytest.mark.parametrize("password", ["password", "PassWord", "1234567890", "qwertyuiop", "felicidade"])
    def test_a_common_password_is_refused_in_any_case(self, password: str) -> None:
        with pytest.raises(CommonPassword):
            check(password)

    @pytest.mark.parametrize("password", ["ada.lovelace@example.com", "Ada.Lovelace", "ADA.LOVELACE@EXAMPLE.COM"])
    def test_the_email_and_its_local_part_are_refused(self, password: str) -> None:
        with pytest.raises(CommonPassword):
            check(password, email="ada.lovelace@example.com")

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_the_name_is_refused_in_any_unicode_form(self, form: str) -> None:
        password = unicodedata.normalize(form, "ada brûlée")  # type: ignore[arg-type]

        with pytest.raises(CommonPassword):
            check(password, name="Ada Brûlée")

    @pytest.mark.parametrize(
        "password", ["correct horse battery staple", "password and more", "passwor", "Ada Lovelace 1815", " password"]
    )
    def test_another_password_is_accepted(self, password: str) -> None:
        check(password, name="Ada Lovelace")


def test_the_list_has_10_000_passwords_as_the_generator_makes_them() -> None:
    generator = runpy.run_path(str(GENERATOR))

    listed = generator["TARGET"].read_text().splitlines()
    assert len(listed) == 10_000
    assert listed == generator["list_common_passwords"]()
