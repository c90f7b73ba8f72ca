"""The domain and the origins of passkeys, as they follow from the settings."""

import pytest

from tests.core.variables import Environment
from todo_core.accounts.errors import PasskeysNotConfigured
from todo_core.accounts.relying_party import RelyingParty

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://ada@db.example.com/todos",
    "SECRET_KEY": "p8dKq2-4vWm7_Zr1xTb9yLc3nHs6fJg5",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch)


def party_of(environment: Environment, **variables: str) -> RelyingParty:
    return RelyingParty(environment.load(**variables).page_origins)


class TestDomain:
    def test_it_is_the_host_of_the_front_end(self, variables: Environment) -> None:
        urls = {"FRONTEND_URL": "https://app.example.com/sign-in", "PUBLIC_URL": "https://api.example.com"}
        party = party_of(variables, **PRODUCTION, **urls, CORS_ORIGINS="https://app.example.com,https://example.com")

        assert party.id == "app.example.com"
        assert set(party.origins) == {"https://app.example.com"}

    def test_without_a_front_end_it_is_the_host_of_the_service(self, variables: Environment) -> None:
        urls = {"PUBLIC_URL": "https://todo.example.com:443/"}
        party = party_of(variables, **PRODUCTION, **urls, CORS_ORIGINS="https://app.example.com")

        assert (party.id, party.origins) == ("todo.example.com", ["https://todo.example.com"])

    def test_without_both_it_is_the_host_of_the_first_origin(self, variables: Environment) -> None:
        origins = "https://app.example.com,https://app.example.com:8443,https://example.com"
        party = party_of(variables, **PRODUCTION, CORS_ORIGINS=origins)

        assert party.id == "app.example.com"
        assert party.origins == ["https://app.example.com", "https://app.example.com:8443"]

    def test_pages_below_it_may_use_its_passkeys(self, variables: Environment) -> None:
        origins = "https://example.com,https://myexample.com,https://new.example.com"

        assert party_of(variables, **PRODUCTION, CORS_ORIGINS=origins).origins == [
            "https://example.com",
            "https://new.example.com",
        ]

    def test_without_a_page_production_has_no_passkeys(self, variables: Environment) -> None:
        with pytest.raises(PasskeysNotConfigured):
            _ = party_of(variables, **PRODUCTION).id


class TestDevelopment:
    def test_it_is_localhost_with_the_ports_of_front_ends_and_of_the_service(self, variables: Environment) -> None:
        party = party_of(variables, PORT="8123")

        assert party.id == "localhost"
        assert set(party.origins) == {f"http://localhost:{port}" for port in (3000, 5173, 8123)}

    def test_settings_replace_it(self, variables: Environment) -> None:
        party = party_of(variables, CORS_ORIGINS="https://app.example.com")

        assert (party.id, party.origins) == ("app.example.com", ["https://app.example.com"])
