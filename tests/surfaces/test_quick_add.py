"""POST /api/v1/quick-add: todos from a text, and which part of the text was understood as what."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.accounts import PROJECTS, QUICK_ADD, TAGS, TODOS, Account, problem

type Json = dict[str, Any]


def quick_add(account: Account, text: str, **fields: object) -> Json:
    added = account.client.post(QUICK_ADD, json={"text": text, **fields})
    assert added.status_code == (200 if fields.get("dry_run") else 201), added.text
    answer: Json = added.json()
    for part in answer["understood"]:
        assert part["text"] == text[part["start"] : part["end"]] != ""
    return answer


def parts(answer: Json) -> list[tuple[str, str]]:
    return [(part["field"], part["text"]) for part in answer["understood"]]


def tomorrow() -> date:
    return datetime.now(UTC).date() + timedelta(days=1)


class TestAdd:
    def test_the_todo_has_the_fields_of_the_text(self, ada: Account) -> None:
        answer = quick_add(ada, "call mum tomorrow 5pm #family !high")
        [todo] = answer["todos"]
        assert todo == ada.client.get(todo["url"]).json()
        assert (todo["title"], todo["tags"], todo["priority"]) == ("call mum", ["family"], "high")
        assert todo["due_at"] == f"{tomorrow()}T17:00:00Z"
        assert parts(answer) == [("due", "tomorrow"), ("due", "5pm"), ("tag", "#family"), ("priority", "!high")]
        assert [part["value"] for part in answer["understood"]] == [todo["due_at"]] * 2 + ["family", "high"]

    def test_a_title_alone_is_a_todo(self, ada: Account) -> None:
        answer = quick_add(ada, "  Buy   milk ")
        assert [todo["title"] for todo in answer["todos"]] == ["Buy milk"]
        assert answer["understood"] == []

    def test_a_recurrence_is_read(self, ada: Account) -> None:
        answer = quick_add(ada, "standup 9:30 every weekday")
        assert answer["todos"][0]["recurrence"].startswith("FREQ=")
        assert parts(answer) == [("recurrence", "9:30"), ("recurrence", "every weekday")]
        assert {part["value"] for part in answer["understood"]} == {answer["todos"][0]["recurrence"]}

    def test_a_reminder_is_read(self, ada: Account) -> None:
        answer = quick_add(ada, "remind me to call bob tomorrow at 5pm")
        [todo] = answer["todos"]
        assert (todo["title"], todo["reminder_at"]) == ("call bob", todo["due_at"])
        assert {field for field, _ in parts(answer)} == {"due", "reminder"}

    def test_a_reminder_without_a_time_is_a_due_date(self, ada: Account) -> None:
        [todo] = quick_add(ada, "remind me to call bob tomorrow")["todos"]
        assert (todo["due_date"], todo["reminder_at"]) == (str(tomorrow()), None)

    def test_a_new_project_is_added_once(self, ada: Account) -> None:
        answer = quick_add(ada, "order tiles /bathroom\nbuy paint /bathroom")
        [project] = ada.client.get(PROJECTS).json()
        assert project["name"] == "bathroom"
        assert [todo["project_id"] for todo in answer["todos"]] == [project["id"]] * 2
        assert parts(answer) == [("project", "/bathroom")] * 2

    def test_an_existing_project_is_found_without_regard_to_case(self, ada: Account) -> None:
        project = ada.add_project("Bathroom")
        answer = quick_add(ada, "order tiles /bathroom")
        assert answer["todos"][0]["project_id"] == project["id"]
        assert answer["understood"][0]["value"] == "Bathroom"

    def test_words_that_name_no_project_stay_in_the_title(self, ada: Account) -> None:
        answer = quick_add(ada, "add milk to Work")
        assert (answer["todos"][0]["title"], answer["todos"][0]["project_id"]) == ("milk to Work", None)
        assert answer["understood"] == []

    def test_a_subtodo_goes_under_the_one_open_todo_with_this_title(self, ada: Account) -> None:
        parent = ada.add("Bake cake")
        answer = quick_add(ada, "buy flour under bake cake")
        assert (answer["todos"][0]["title"], answer["todos"][0]["parent_id"]) == ("buy flour", parent["id"])
        assert parts(answer) == [("parent", "bake cake")]
        assert answer["understood"][0]["value"] == "Bake cake"

    def test_words_that_name_no_parent_stay_in_the_title(self, ada: Account) -> None:
        answer = quick_add(ada, "look under bed")
        assert (answer["todos"][0]["title"], answer["understood"]) == ("look under bed", [])

    @pytest.mark.parametrize("text", ["delete milk", "done milk", "list overdue", "undo", "who are you?", "help", "2"])
    def test_another_command_is_a_title(self, ada: Account, text: str) -> None:
        ada.add("milk")
        assert [todo["title"] for todo in quick_add(ada, text)["todos"]] == [text]
        assert len(ada.titles()) == 2

    def test_each_line_is_a_todo(self, ada: Account) -> None:
        answer = quick_add(ada, "- milk tomorrow\r\n- [ ] bread #home; eggs !1")
        assert [todo["title"] for todo in answer["todos"]] == ["milk", "bread", "eggs"]
        assert [(part["todo"], part["text"]) for part in answer["understood"]] == [
            (0, "tomorrow"),
            (1, "#home"),
            (2, "!1"),
        ]
        assert ada.titles() == ["milk", "bread", "eggs"]

    def test_several_todos_of_one_line(self, ada: Account) -> None:
        answer = quick_add(ada, "add: milk #a, eggs #b, bread")
        assert [(todo["title"], todo["tags"]) for todo in answer["todos"]] == [
            ("milk", ["a"]),
            ("eggs", ["b"]),
            ("bread", []),
        ]
        assert [(part["todo"], part["text"]) for part in answer["understood"]] == [(0, "#a"), (1, "#b")]

    def test_positions_count_code_points(self, ada: Account) -> None:
        text = "🥛👩\u200d👩 cafe\u0301  tomorrow #cafe\u0301"
        answer = quick_add(ada, text)
        due, tag = answer["understood"]
        assert (due["text"], tag["text"], tag["value"]) == ("tomorrow", "#cafe\u0301", "caf\u00e9")

    def test_a_time_zone_may_be_given(self, ada: Account) -> None:
        zone = "Asia/Tokyo"
        [todo] = quick_add(ada, "call bob tomorrow 5pm", timezone=zone)["todos"]
        local = datetime.fromisoformat(todo["due_at"]).astimezone(ZoneInfo(zone))
        assert (local.hour, local.date()) == (17, datetime.now(ZoneInfo(zone)).date() + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "title", "due"),
    [
        ("Milch kaufen morgen um 17 Uhr #zuhause", "Milch kaufen", "morgen um 17 Uhr"),
        ("comprar leche ma\u00f1ana a las 5 de la tarde", "comprar leche", "ma\u00f1ana a las 5 de la tarde"),
        ("acheter du lait demain \u00e0 17h", "acheter du lait", "demain \u00e0 17h"),
        ("comprar leite amanh\u00e3 \u00e0s 17h", "comprar leite", "amanh\u00e3 \u00e0s 17h"),
        ("comprare latte domani alle 17", "comprare latte", "domani alle 17"),
        (
            "دودھ خریدنا کل شام 5 بجے",
            "دودھ خریدنا",
            None,
        ),
        (
            "द\u0942ध खर\u0940दन\u093e कल श\u093eम 5 बज\u0947",
            "द\u0942ध खर\u0940दन\u093e",
            None,
        ),
        ("doodh kharidna kal 5 baje", "doodh kharidna", "kal 5 baje"),
    ],
)
def test_dates_in_every_language_are_understood(ada: Account, text: str, title: str, due: str | None) -> None:
    answer = quick_add(ada, text)
    assert answer["todos"][0]["title"] == title
    dues = [part for part in answer["understood"] if part["field"] == "due"]
    assert answer["todos"][0]["due_at"] == dues[0]["value"]
    start, end = min(part["start"] for part in dues), max(part["end"] for part in dues)
    assert text[start:end] == (due or text[len(title) + 1 :])


class TestDryRun:
    def test_it_only_tells(self, ada: Account) -> None:
        answer = quick_add(ada, "call mum tomorrow /family #x", dry_run=True)
        assert answer["todos"] == []
        assert answer["drafts"] == [
            {
                "title": "call mum",
                "due_date": str(tomorrow()),
                "due_at": None,
                "reminder_at": None,
                "recurrence": None,
                "priority": "none",
                "tags": ["x"],
                "project": "family",
                "parent_id": None,
            }
        ]
        assert parts(answer) == [("due", "tomorrow"), ("project", "/family"), ("tag", "#x")]
        assert (ada.titles(), ada.client.get(PROJECTS).json(), ada.client.get(TAGS).json()) == ([], [], [])
        assert ada.client.get(f"{TODOS}/changes").json() == []

    def test_it_tells_what_is_then_added(self, ada: Account) -> None:
        for text in (
            "call mum tomorrow 5pm #family !high",
            "pay rent every month on the 1st p1 /flat",
            "milk; eggs #a",
        ):
            told, added = quick_add(ada, text, dry_run=True), quick_add(ada, text)
            assert (told["drafts"], told["understood"]) == (added["drafts"], added["understood"])
            assert [draft["title"] for draft in told["drafts"]] == [todo["title"] for todo in added["todos"]]


class TestRefusals:
    @pytest.mark.parametrize("text", ["", "x" * 4_001, None, 7])
    def test_a_text_out_of_bounds_is_refused(self, ada: Account, text: object) -> None:
        refused = problem(ada.client.post(QUICK_ADD, json={"text": text}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["text"]

    @pytest.mark.parametrize(
        "text", [" ", "\n\n;", "\u200b", "a\u0000b", "x" * 501, "\n".join("milk" for _ in range(101)), "\u0007"]
    )
    def test_a_text_without_a_valid_todo_is_refused(self, ada: Account, text: str) -> None:
        problem(ada.client.post(QUICK_ADD, json={"text": text}), 422, "text_not_understood")
        assert ada.titles() == []

    def test_all_or_nothing_is_added(self, ada: Account) -> None:
        problem(ada.client.post(QUICK_ADD, json={"text": f"milk /new\n{'x' * 501}"}), 422, "text_not_understood")
        assert (ada.titles(), ada.client.get(PROJECTS).json()) == ([], [])

    @pytest.mark.parametrize("field", [{"timezone": "Mars/Phobos"}, {"dry_run": "yes"}, {"more": 1}])
    def test_other_fields_are_refused(self, ada: Account, field: Json) -> None:
        problem(ada.client.post(QUICK_ADD, json={"text": "milk", **field}), 422, "validation_failed")

    def test_a_repeat_with_the_same_key_adds_nothing(self, ada: Account) -> None:
        headers = {"Idempotency-Key": "quick-1"}
        first, again = (ada.client.post(QUICK_ADD, json={"text": "milk"}, headers=headers) for _ in range(2))
        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert ada.titles() == ["milk"]
