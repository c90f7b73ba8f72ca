"""POST /api/v1/todos: the fields of a new todo."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from functions.todos.models import TodoRead
from tests.accounts import PROJECTS, TODOS, Account, problem

LARGEST_ORDER = 2**53


class TestCreate:
    def test_create_answers_201_with_the_todo(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        assert created.status_code == 201
        assert created.json()["title"] == "Buy milk"

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        assert ada.client.post(f"{TODOS}/", json={"title": "Buy milk"}).status_code == 201

    def test_the_location_header_leads_to_the_new_todo(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        read = ada.client.get(created.headers["location"])
        assert read.status_code == 200
        assert read.json() == created.json()

    def test_the_url_equals_the_location_header(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        assert created.json()["url"] == created.headers["location"]

    def test_the_etag_equals_that_of_a_later_read(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        assert created.headers["etag"]
        assert created.headers["etag"] == ada.client.get(created.json()["url"]).headers["etag"]

    def test_every_field_but_the_title_has_a_default(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        given_by_the_server = {"id", "title", "url", "created_at", "updated_at"}
        not_null = {"completed": False, "priority": "none", "tags": [], "order": 1, "version": 1}
        not_null["recurrence_from"] = "due"
        assert {name: todo[name] for name in todo if name not in given_by_the_server} == dict.fromkeys(
            name for name in TodoRead.model_fields if name not in given_by_the_server
        ) | not_null

    def test_every_given_field_is_stored(self, ada: Account) -> None:
        given = {
            "title": "Buy milk",
            "description": "The one in the blue carton",
            "completed": True,
            "priority": "high",
            "due_date": "2030-01-31",
            "recurrence": "FREQ=DAILY",
            "recurrence_from": "completion",
            "tags": ["home", "shop"],
            "order": 12.5,
        }
        todo = ada.add(**given)  # type: ignore[arg-type]
        assert {name: todo[name] for name in given} == given

    @pytest.mark.parametrize(
        "fields",
        [
            {"description": None},
            {"due_date": None},
            {"due_at": None},
            {"order": None},
            {"due_date": "2030-01-31", "due_at": None},
        ],
    )
    def test_null_means_the_default(self, ada: Account, fields: dict[str, object]) -> None:
        todo = ada.add(**fields)  # type: ignore[arg-type]
        assert todo["description"] is None
        assert todo["due_at"] is None
        assert todo["order"] == 1

    def test_the_id_is_a_uuid_of_version_7(self, ada: Account) -> None:
        assert UUID(ada.add()["id"]).version == 7

    def test_ids_sort_by_the_time_they_were_made(self, ada: Account) -> None:
        ids = [ada.add()["id"] for _ in range(3)]
        assert ids == sorted(ids)

    def test_created_at_and_updated_at_are_now(self, ada: Account) -> None:
        todo = ada.add()
        created_at = datetime.fromisoformat(todo["created_at"])
        assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=1)
        assert todo["updated_at"] == todo["created_at"]

    def test_times_are_in_utc_and_end_in_z(self, ada: Account) -> None:
        todo = ada.add(completed=True, due_at="2030-01-31T17:00:00Z")
        for name in ("created_at", "updated_at", "completed_at", "due_at"):
            assert todo[name].endswith("Z"), name

    def test_a_todo_created_as_completed_has_completed_at_now(self, ada: Account) -> None:
        todo = ada.add(completed=True)
        assert todo["completed_at"] == todo["created_at"]

    def test_a_refused_todo_is_not_stored(self, ada: Account) -> None:
        problem(ada.client.post(TODOS, json={"title": ""}), 422, "validation_failed")
        assert ada.titles() == []


class TestOrder:
    def test_a_todo_without_order_goes_to_the_end_of_the_list(self, ada: Account) -> None:
        ada.add("Last so far", order=7.5)
        ada.add("First", order=-3)
        ada.add("New")
        assert ada.titles() == ["First", "Last so far", "New"]

    def test_the_end_of_the_list_ignores_other_users(self, ada: Account, bob: Account) -> None:
        bob.add(order=500)
        assert ada.add()["order"] == 1

    def test_a_given_order_is_stored(self, ada: Account) -> None:
        ada.add("Second", order=2)
        assert ada.add("First", order=1.25)["order"] == 1.25
        assert ada.titles() == ["First", "Second"]

    def test_order_0_is_stored(self, ada: Account) -> None:
        ada.add()
        assert ada.add(order=0)["order"] == 0

    @pytest.mark.parametrize("order", [LARGEST_ORDER, -LARGEST_ORDER])
    def test_the_largest_and_smallest_orders_are_accepted(self, ada: Account, order: int) -> None:
        assert ada.add(order=order)["order"] == order

    @pytest.mark.parametrize("order", [LARGEST_ORDER + 2, -LARGEST_ORDER - 2, 1e300])
    def test_an_order_out_of_bounds_is_refused(self, ada: Account, order: float) -> None:
        refused = problem(ada.client.post(TODOS, json={"title": "Far", "order": order}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["order"]

    @pytest.mark.parametrize("order", [5e-324, -2.2e-313, 1e-201])
    def test_an_order_next_to_0_counts_as_0(self, ada: Account, order: float) -> None:
        """PostgreSQL would refuse to halve it."""
        todo = ada.add("First", order=order)
        assert todo["order"] == 0
        assert ada.client.patch(todo["url"], json={"order": order}).json()["order"] == 0
        assert ada.add_project("Garden", order=order)["order"] == 0

    def test_orders_close_to_0_have_middles(self, ada: Account) -> None:
        ada.add("First", order=0)
        last = ada.add("Last", order=2e-200)
        middle = ada.add("Middle", order=1e-200)
        assert ada.titles() == ["First", "Middle", "Last"]
        moved = ada.client.patch(last["url"], json={"order": middle["order"] / 2})
        assert moved.status_code == 200
        assert ada.titles()[0] == "First"

    def test_a_todo_can_be_added_after_the_largest_order(self, ada: Account) -> None:
        ada.add("Largest", order=LARGEST_ORDER)
        ada.add("Next")
        ada.add("After that")
        assert ada.titles() == ["Largest", "Next", "After that"]

    def test_the_order_after_the_largest_can_be_sent_back(self, ada: Account) -> None:
        ada.add(order=LARGEST_ORDER)
        todo = ada.add()
        assert ada.client.patch(todo["url"], json={"order": todo["order"]}).status_code == 200


INVISIBLE = [
    "\u200b",
    "\u200d\u2060",
    " \u00ad ",
    "\u3164",
    "\u2800\u2800",
    "\ufe0f",
    "\u202e",
    "\U000e0041",
    "\ufeff \u180e",
]


class TestInvisibleText:
    """A text that shows nothing is blank."""

    @pytest.mark.parametrize("text", INVISIBLE)
    def test_it_is_refused_as_a_title_a_tag_and_a_name(self, ada: Account, text: str) -> None:
        url = ada.add()["url"]
        for method, path, body, field in (
            ("POST", TODOS, {"title": text}, "title"),
            ("POST", TODOS, {"title": "Milk", "tags": ["home", text]}, "tags.1"),
            ("PATCH", url, {"title": text}, "title"),
            ("POST", PROJECTS, {"name": text}, "name"),
        ):
            refused = problem(ada.client.request(method, path, json=body), 422, "validation_failed")
            assert [(error["field"], error["code"]) for error in refused["errors"]] == [(field, "blank")]

    @pytest.mark.parametrize(
        "text", ["\u200bx", "\u2764\ufe0f", "\U0001f469\u200d\U0001f467", "\u0e19", ".", "\u0301a"]
    )
    def test_text_that_shows_something_is_stored(self, ada: Account, text: str) -> None:
        todo = ada.add(text, tags=[text])
        assert (todo["title"], todo["tags"]) == (text, [text])

    def test_a_description_may_show_nothing(self, ada: Account) -> None:
        assert ada.add(description="\u200b")["description"] == "\u200b"


class TestDue:
    def test_a_due_date_stays_a_date(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31")
        assert (todo["due_date"], todo["due_at"]) == ("2030-01-31", None)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("2030-01-31T17:00:00Z", "2030-01-31T17:00:00Z"),
            ("2030-01-31T17:00:00+01:00", "2030-01-31T16:00:00Z"),
            ("2030-01-31T23:30:00-03:30", "2030-02-01T03:00:00Z"),
            ("2030-01-31T17:00:00-00:00", "2030-01-31T17:00:00Z"),
            ("2030-01-31t17:00:00z", "2030-01-31T17:00:00Z"),
            ("2030-01-31T17:00:00.25+00:00", "2030-01-31T17:00:00.25Z"),
            ("0099-01-01T00:00:00Z", "0099-01-01T00:00:00Z"),
        ],
    )
    def test_due_at_is_answered_in_utc(self, ada: Account, given: str, kept: str) -> None:
        todo = ada.add(due_at=given)
        assert todo["due_at"].endswith("Z")
        assert datetime.fromisoformat(todo["due_at"]) == datetime.fromisoformat(kept)
        assert todo["due_date"] is None

    @pytest.mark.parametrize("due_at", ["0001-01-01T00:00:00.000001Z", "9999-12-31T23:59:59.999998Z"])
    def test_the_earliest_and_latest_instants_are_accepted(self, ada: Account, due_at: str) -> None:
        assert ada.add(due_at=due_at)["due_at"] == due_at

    @pytest.mark.parametrize("due_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
    def test_instants_that_postgresql_reads_as_infinity_are_refused(self, ada: Account, due_at: str) -> None:
        refused = ada.client.post(TODOS, json={"title": "Buy milk", "due_at": due_at})
        [error] = problem(refused, 422, "validation_failed")["errors"]
        assert (error["field"], error["code"]) == ("due_at", "time_out_of_range")

    @pytest.mark.parametrize("due_date", ["0001-01-02", "9999-12-30", "2024-02-29"])
    def test_the_earliest_and_latest_dates_are_accepted(self, ada: Account, due_date: str) -> None:
        todo = ada.add(due_date=due_date)

        assert todo["due_date"] == due_date
        assert ada.client.get(f"{TODOS}/changes").json()[-1]["after"] == todo

    @pytest.mark.parametrize("due_date", ["0001-01-01", "9999-12-31"])
    def test_dates_that_postgresql_reads_as_infinity_are_refused(self, ada: Account, due_date: str) -> None:
        refused = ada.client.post(TODOS, json={"title": "Late", "due_date": due_date})

        [error] = problem(refused, 422, "validation_failed")["errors"]
        assert (error["field"], error["code"]) == ("due_date", "time_out_of_range")

    def test_due_date_and_due_at_together_are_refused(self, ada: Account) -> None:
        both = {"title": "Buy milk", "due_date": "2030-01-31", "due_at": "2030-01-31T17:00:00Z"}
        refused = problem(ada.client.post(TODOS, json=both), 422, "validation_failed")
        assert "due_date" in refused["errors"][0]["message"]
        assert "due_at" in refused["errors"][0]["message"]


class TestTags:
    def test_tags_keep_their_order(self, ada: Account) -> None:
        assert ada.add(tags=["shop", "home", "errand"])["tags"] == ["shop", "home", "errand"]

    def test_repeated_tags_are_stored_once(self, ada: Account) -> None:
        assert ada.add(tags=["shop", "home", "shop"])["tags"] == ["shop", "home"]

    def test_tags_that_are_equal_in_nfc_are_stored_once(self, ada: Account) -> None:
        assert ada.add(tags=["caf\u00e9", " cafe\u0301 "])["tags"] == ["caf\u00e9"]

    def test_50_tags_are_accepted(self, ada: Account) -> None:
        tags = [f"tag-{number}" for number in range(50)]
        assert ada.add(tags=tags)["tags"] == tags


class TestText:
    def test_text_is_trimmed(self, ada: Account) -> None:
        todo = ada.add("  Buy milk\n", description="\t The blue one \n", tags=[" home "])
        assert (todo["title"], todo["description"], todo["tags"]) == ("Buy milk", "The blue one", ["home"])

    def test_text_is_normalised_to_nfc(self, ada: Account) -> None:
        todo = ada.add("Cafe\u0301", description="Cafe\u0301", tags=["cafe\u0301"])
        assert (todo["title"], todo["description"], todo["tags"]) == ("Caf\u00e9", "Caf\u00e9", ["caf\u00e9"])

    def test_a_description_may_have_several_lines(self, ada: Account) -> None:
        assert ada.add(description="one\r\ntwo\rthree\n\n\tfour")["description"] == "one\ntwo\nthree\n\n\tfour"

    def test_text_in_every_script_is_stored_unchanged(self, ada: Account) -> None:
        title = "买牛奶 🥛👩‍👩‍👧 شراء الحليب"
        assert ada.add(title)["title"] == title

    @pytest.mark.parametrize("letter", ["a", "é", "🥛"])
    def test_a_title_may_have_500_characters(self, ada: Account, letter: str) -> None:
        assert ada.add(letter * 500)["title"] == letter * 500

    @pytest.mark.parametrize("letter", ["a", "🥛", "a "])
    def test_a_description_may_have_16384_characters(self, ada: Account, letter: str) -> None:
        description = (letter * 16_384)[:16_383] + "."
        assert ada.add(description=description)["description"] == description

    def test_a_description_may_be_empty(self, ada: Account) -> None:
        assert not ada.add(description="")["description"]

    def test_text_is_answered_as_json_and_never_as_html(self, ada: Account) -> None:
        assert ada.add("<b>R&D</b> 'x' \"y\" \\n")["title"] == "<b>R&D</b> 'x' \"y\" \\n"
