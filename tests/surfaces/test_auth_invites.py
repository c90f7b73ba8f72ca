"""POST /api/v1/auth/register while REGISTRATION is `open`, `invite` or `closed`."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2
import pytest

from tests import postgres
from tests.accounts import PASSWORD, new_email, problem, read_invalid_field, sign_in
from tests.core.databases import open_database
from tests.serving import Surface, new_address
from tests.surfaces.test_auth import serve
from tests.surfaces.test_auth_register import post_registration
from todo_core.accounts import invites
from todo_core.accounts.email_keys import normalize_email

ATTEMPTS = 4


@pytest.fixture(scope="module")
def by_invite(database_url: str) -> Iterator[Surface]:
    with serve(database_url, registration="invite", registrations_per_address=ATTEMPTS) as surface:
        yield surface


@pytest.fixture
def guest(by_invite: Surface) -> Iterator[httpx2.Client]:
    """A client that may register with an invite only."""
    with by_invite.client() as client:
        yield client


def make_invite(database_url: str, email: str | None = None, *, lifetime: timedelta = timedelta(days=1)) -> str:
    """Returns the code of a new invite, for the email if one is given."""

    async def create() -> str:
        async with open_database(database_url) as db:
            email_key = normalize_email(email) if email else None
            return (await invites.create(db, email_key=email_key, lifetime=lifetime)).code

    return asyncio.run(create())


class TestInvite:
    def test_an_account_is_created_with_an_invite(self, guest: httpx2.Client, database_url: str) -> None:
        email = new_email()

        assert post_registration(guest, email=email, invite=make_invite(database_url)).status_code == 201
        assert sign_in(guest, email).status_code == 200

    def test_a_registration_without_an_invite_is_refused(self, guest: httpx2.Client) -> None:
        email = new_email()

        problem(post_registration(guest, email=email), 403, "invite_required")
        problem(post_registration(guest, email=email, invite=None), 403, "invite_required")
        problem(sign_in(guest, email), 401, "invalid_credentials")

    def test_an_invite_is_used_once(self, guest: httpx2.Client, database_url: str) -> None:
        code = make_invite(database_url)
        post_registration(guest, invite=code)

        problem(post_registration(guest, invite=code), 403, "invite_invalid")

    def test_of_concurrent_registrations_with_one_invite_one_succeeds(
        self, by_invite: Surface, database_url: str
    ) -> None:
        code = make_invite(database_url)

        def attempt(_: int) -> int:
            with by_invite.client() as client:
                return post_registration(client, invite=code).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(attempt, range(6))) == [201, *[403] * 5]

    def test_an_expired_invite_is_refused(self, guest: httpx2.Client, database_url: str) -> None:
        code = make_invite(database_url, lifetime=timedelta(0))

        problem(post_registration(guest, invite=code), 403, "invite_invalid")

    def test_an_invite_for_an_email_is_for_this_email_only(self, guest: httpx2.Client, database_url: str) -> None:
        email = new_email()
        code = make_invite(database_url, email)

        problem(post_registration(guest, invite=code), 403, "invite_invalid")
        assert post_registration(guest, email=email.upper(), invite=code).status_code == 201

    @pytest.mark.parametrize("code", ["x", "\ud800", "a" * 100, "x\u0000"], ids=ascii)
    def test_an_unknown_invite_is_refused(self, guest: httpx2.Client, code: str) -> None:
        problem(post_registration(guest, invite=code), 403, "invite_invalid")

    def test_all_invalid_invites_have_the_same_response(self, guest: httpx2.Client, database_url: str) -> None:
        codes = ["unknown", make_invite(database_url, new_email()), make_invite(database_url, lifetime=timedelta(0))]

        documents = [post_registration(guest, invite=code).json() for code in codes]

        assert len({tuple(sorted((document | {"request_id": ""}).items())) for document in documents}) == 1

    def test_a_taken_email_does_not_use_up_the_invite(self, guest: httpx2.Client, database_url: str) -> None:
        email, code = new_email(), make_invite(database_url)
        post_registration(guest, email=email, invite=make_invite(database_url))

        problem(post_registration(guest, email=email, invite=code), 409, "email_taken")
        assert post_registration(guest, invite=code).status_code == 201

    def test_a_taken_email_is_not_revealed_without_an_invite(self, guest: httpx2.Client, database_url: str) -> None:
        email = new_email()
        post_registration(guest, email=email, invite=make_invite(database_url))

        problem(post_registration(guest, email=email, invite="unknown"), 403, "invite_invalid")

    def test_guesses_are_limited_like_registrations(self, by_invite: Surface) -> None:
        with by_invite.client(address=new_address()) as client:
            for number in range(ATTEMPTS):
                problem(post_registration(client, invite=f"guess {number}"), 403, "invite_invalid")

            problem(post_registration(client, invite="guess"), 429, "too_many_attempts")

    @pytest.mark.parametrize("code", ["", "a" * 101, 7, ["x"]], ids=["empty", "101 characters", "number", "list"])
    def test_an_invite_of_another_form_is_named(self, guest: httpx2.Client, code: object) -> None:
        assert read_invalid_field(post_registration(guest, invite=code)) == "invite"

    def test_an_invite_is_stored_as_a_hash(self, database_url: str) -> None:
        code = make_invite(database_url)

        assert not any(code in str(dict(row)) for row in postgres.query(database_url, "SELECT * FROM invites"))


class TestOpen:
    def test_an_invite_is_not_needed_and_not_used_up(self, surface: Surface, database_url: str) -> None:
        code = make_invite(database_url)
        with surface.client() as client:
            assert post_registration(client, invite=code).status_code == 201
            assert post_registration(client, invite="unknown").status_code == 201

        count = "SELECT FROM invites WHERE code_hash = sha256($1)"
        assert len(postgres.query(database_url, count, code.encode())) == 1


class TestClosed:
    def test_nobody_can_register(self, database_url: str) -> None:
        code = make_invite(database_url)
        with serve(database_url, registration="closed") as surface, surface.client() as client:
            problem(post_registration(client), 403, "registration_closed")
            problem(post_registration(client, invite=code), 403, "registration_closed")

    def test_accounts_that_exist_can_sign_in(self, surface: Surface, database_url: str) -> None:
        email = new_email()
        with surface.client() as client:
            post_registration(client, email=email, password=PASSWORD)

        with serve(database_url, registration="closed") as closed, closed.client() as client:
            assert sign_in(client, email).status_code == 200
