"""Links of mails: their tokens, which depend on the secret keys, and their ends."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from tests.core.databases import add_user, connect, open_database, run
from todo_core.accounts import links
from todo_core.accounts.errors import LinkInvalid
from todo_core.accounts.links import LIFETIMES, LinkTokens
from todo_core.identifiers import new_id
from todo_core.outbox.messages import LinkRef
from todo_core.settings import Settings

OLD_KEY, NEW_KEY = "the old key of the service", "the new key of the service"
LINK = LinkRef(UUID("0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10"), "reset_password")

pytestmark = pytest.mark.pooler


class TestToken:
    def test_it_has_256_bits(self) -> None:
        assert len(LinkTokens([NEW_KEY]).derive(LINK)) == 43

    def test_it_differs_by_key_link_and_purpose(self) -> None:
        tokens = {
            LinkTokens([NEW_KEY]).derive(LINK),
            LinkTokens([OLD_KEY]).derive(LINK),
            LinkTokens([NEW_KEY]).derive(LinkRef(new_id(), "reset_password")),
            LinkTokens([NEW_KEY]).derive(LinkRef(LINK.id, "verify_email")),
        }

        assert len(tokens) == 4

    @pytest.mark.parametrize("keys", [[OLD_KEY], [NEW_KEY, OLD_KEY]])
    def test_it_is_found_while_its_key_is_one_of_the_keys(self, keys: Sequence[str]) -> None:
        token = LinkTokens([OLD_KEY]).derive(LINK)

        assert LinkTokens(keys).find(LINK, links.hash_token(token)) == token

    def test_it_is_not_found_without_its_key(self) -> None:
        token = LinkTokens([OLD_KEY]).derive(LINK)

        assert LinkTokens([NEW_KEY]).find(LINK, links.hash_token(token)) is None


class TestUrl:
    def find_url(self, database_url: str, *, keys: str = OLD_KEY, end: str = "") -> tuple[str | None, str]:
        """Returns the URL of a new link under these secret keys, and the token. `end` is SQL that ends the link."""
        settings = Settings(secret_key=SecretStr(keys), mail={"public_url": "https://todos.example.com/app/"})

        user_id = add_user(database_url)

        async def scenario() -> tuple[str | None, str]:
            async with open_database(database_url) as db, connect(database_url) as connection:
                tokens = LinkTokens([OLD_KEY])
                link = await links.create(db, tokens, "reset_password", user_id)
                if end:
                    await connection.execute(f"{end} WHERE id = $1", link.id)
                return await links.build_url(db, settings, link), tokens.derive(link)

        return run(scenario())

    @pytest.mark.parametrize("keys", [OLD_KEY, f"{NEW_KEY},{OLD_KEY}"])
    def test_it_leads_to_the_page_with_the_token(self, database_url: str, keys: str) -> None:
        url, token = self.find_url(database_url, keys=keys)

        assert url == f"https://todos.example.com/app/account/reset-password?token={token}"

    @pytest.mark.parametrize("end", ["DELETE FROM links", "UPDATE links SET expires_at = now()"])
    def test_a_link_that_was_used_or_has_expired_has_none(self, database_url: str, end: str) -> None:
        url, _ = self.find_url(database_url, end=end)

        assert url is None

    def test_a_link_of_a_removed_key_has_none(self, database_url: str) -> None:
        url, _ = self.find_url(database_url, keys=NEW_KEY)

        assert url is None


class TestLifetimes:
    def test_a_link_for_a_password_is_good_for_30_minutes_and_one_that_verifies_for_3_days(self) -> None:
        assert LIFETIMES["reset_password"] == LIFETIMES["change_email"] == timedelta(minutes=30)
        assert LIFETIMES["verify_email"] == LIFETIMES["register"] == timedelta(days=3)
        assert LIFETIMES["take_back_email"] == timedelta(days=7)


class TestUse:
    def test_a_link_is_for_its_purpose_only(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                tokens = LinkTokens([OLD_KEY])
                link = await links.create(db, tokens, "verify_email", user_id)
                token = SecretStr(tokens.derive(link))
                assert (await links.find(db, token, "verify_email")).id == link.id
                with pytest.raises(LinkInvalid):
                    await links.find(db, token, "reset_password", "take_back_email")

        run(scenario())

    def test_of_two_transactions_the_first_uses_it(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                tokens = LinkTokens([OLD_KEY])
                ref = await links.create(db, tokens, "verify_email", user_id)
                link = await links.find(db, SecretStr(tokens.derive(ref)), "verify_email")
                await links.use_up(db, link)
                with pytest.raises(LinkInvalid):
                    await links.use_up(db, link)

        run(scenario())
