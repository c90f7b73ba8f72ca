"""Push subscriptions: one for each browser and user, within the quota, and none of a browser's former user."""

from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.reminders.scenarios import Scenario
from todo_core.accounts import credentials, sessions
from todo_core.errors import NotAuthenticated, QuotaExceeded
from todo_core.reminders import push_subscriptions
from todo_core.reminders.push_subscriptions import NewSubscription

ADD_SESSION = "INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, now() + interval '1 day')"


def endpoints_of(scenario: Scenario, user_id: UUID) -> list[str]:
    listed = scenario.run(push_subscriptions.list_page(scenario.db, user_id, limit=50))
    return [subscription.endpoint for subscription in listed]


def add(
    scenario: Scenario, user_id: UUID, new: NewSubscription, *, session_id: UUID | None = None, quota: int = 20
) -> push_subscriptions.PushSubscription:
    return scenario.run(
        push_subscriptions.add(scenario.db, user_id, new, session_id=session_id, user_agent="x" * 900, quota=quota)
    )


NEW = NewSubscription("https://push.example.com/1", b"p" * 65, b"a" * 16)


class TestAdd:
    def test_the_same_endpoint_is_one_subscription_with_the_newest_keys(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        first = add(scenario, ada, NEW)
        again = add(scenario, ada, NewSubscription(NEW.endpoint, b"q" * 65, b"b" * 16))

        assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
        [row] = postgres.query(scenario.url, "SELECT p256dh, auth, length(user_agent) FROM push_subscriptions")
        assert tuple(row) == (b"q" * 65, b"b" * 16, 500)

    def test_a_browser_belongs_to_its_last_user(self, scenario: Scenario) -> None:
        ada, bob = scenario.add_user(), scenario.add_user()
        add(scenario, ada, NEW)
        add(scenario, bob, NEW)

        assert (endpoints_of(scenario, ada), endpoints_of(scenario, bob)) == ([], [NEW.endpoint])

    def test_who_knows_only_the_endpoint_takes_nothing_away(self, scenario: Scenario) -> None:
        ada, mallory = scenario.add_user(), scenario.add_user()
        add(scenario, ada, NEW)
        add(scenario, mallory, NewSubscription(NEW.endpoint, NEW.p256dh, b"m" * 16))

        assert endpoints_of(scenario, ada) == [NEW.endpoint]

    def test_the_quota_holds_and_known_endpoints_pass(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        add(scenario, ada, NEW, quota=1)
        with pytest.raises(QuotaExceeded):
            add(scenario, ada, NewSubscription("https://push.example.com/2", b"p" * 65, b"a" * 16), quota=1)

        assert not add(scenario, ada, NEW, quota=1).is_new

    def test_a_closed_account_gets_none(self, scenario: Scenario) -> None:
        with pytest.raises(NotAuthenticated):
            add(scenario, uuid4(), NEW)

    def test_a_session_that_has_ended_gets_none(self, scenario: Scenario) -> None:
        with pytest.raises(NotAuthenticated):
            add(scenario, scenario.add_user(), NEW, session_id=uuid4())


class TestSessions:
    @pytest.fixture
    def ada(self, scenario: Scenario) -> UUID:
        return scenario.add_user()

    @pytest.fixture
    def session(self, scenario: Scenario, ada: UUID) -> UUID:
        """A session with a subscription, beside a subscription without one."""
        session_id = uuid4()
        postgres.query(scenario.url, ADD_SESSION, session_id, ada)
        add(scenario, ada, NEW, session_id=session_id)
        add(scenario, ada, NewSubscription("https://push.example.com/2", b"p" * 65, b"a" * 16))
        return session_id

    def test_ending_a_session_ends_its_subscription(self, scenario: Scenario, ada: UUID, session: UUID) -> None:
        scenario.run(sessions.close(scenario.db, ada, session))

        assert endpoints_of(scenario, ada) == ["https://push.example.com/2"]

    @pytest.mark.usefixtures("session")
    def test_ending_all_sessions_ends_their_subscriptions(self, scenario: Scenario, ada: UUID) -> None:
        scenario.run(sessions.close_all(scenario.db, ada))

        assert endpoints_of(scenario, ada) == ["https://push.example.com/2"]

    def test_ending_the_others_keeps_its_own(self, scenario: Scenario, ada: UUID, session: UUID) -> None:
        scenario.run(sessions.close_others(scenario.db, ada, session))
        assert len(endpoints_of(scenario, ada)) == 2
        scenario.run(sessions.close_others(scenario.db, ada, uuid4()))

        assert endpoints_of(scenario, ada) == ["https://push.example.com/2"]

    def test_the_expiry_of_a_session_keeps_it(self, scenario: Scenario, ada: UUID, session: UUID) -> None:
        postgres.query(scenario.url, "UPDATE sessions SET expires_at = now() WHERE id = $1", session)
        assert scenario.run(sessions.delete_expired(scenario.db, limit=10)) == 1

        assert len(endpoints_of(scenario, ada)) == 2

    @pytest.mark.usefixtures("session")
    def test_an_account_that_is_taken_back_loses_all(self, scenario: Scenario, ada: UUID) -> None:
        scenario.run(credentials.remove(scenario.db, ada))

        assert endpoints_of(scenario, ada) == []
