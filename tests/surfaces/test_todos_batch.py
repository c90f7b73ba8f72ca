"""POST /api/v1/todos/batch: several operations in one transaction, so all or none take place."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import TODOS, Account, problem

BATCH = f"{TODOS}/batch"
MOST = 100

type Operation = dict[str, Any]


def send(account: Account, *operations: object, key: str | None = None) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return account.client.post(BATCH, json={"operations": list(operations)}, headers=headers)


def results(account: Account, *operations: object) -> list[dict[str, Any]]:
    """Sends a batch and returns the results of its operations. Fails the test unless the status is 200."""
    answered = send(account, *operations)
    assert answered.status_code == 200, answered.text
    found: list[dict[str, Any]] = answered.json()["results"]
    return found


def create(title: str = "Buy milk", ref: str | None = None, **fields: object) -> Operation:
    return {"op": "create", "todo": {"title": title, **fields}} | ({"ref": ref} if ref else {})


def update(todo_id: str, version: int | None = None, **changes: object) -> Operation:
    return {"op": "update", "id": todo_id, "changes": changes} | ({"version": version} if version else {})


def delete(todo_id: str, version: int | None = None) -> Operation:
    return {"op": "delete", "id": todo_id} | ({"version": version} if version else {})


def restore(todo_id: str, version: int | None = None) -> Operation:
    return {"op": "restore", "id": todo_id} | ({"version": version} if version else {})


def read(account: Account, todo_id: str) -> dict[str, Any]:
    todo: dict[str, Any] = account.client.get(f"{TODOS}/{todo_id}").json()
    return todo


def log(account: Account) -> list[tuple[str, str]]:
    changes = account.client.get(f"{TODOS}/changes", params={"limit": 200}).json()
    return [(change["op"], (change["after"] or change["before"])["title"]) for change in changes]


def faults(response: httpx2.Response) -> dict[str, str]:
    errors = problem(response, 422, "validation_failed")["errors"]
    return {fault["field"]: fault["code"] for fault in errors}


class TestOperations:
    def test_each_operation_does_the_same_as_its_route_and_results_keep_the_order(self, ada: Account) -> None:
        milk, bread, eggs = (ada.add(title) for title in ("Milk", "Bread", "Eggs"))
        ada.client.delete(eggs["url"]).raise_for_status()
        found = results(
            ada,
            create("Cheese", priority="high", tags=["shop"]),
            update(milk["id"], title="Oat milk", due_date="2030-01-31"),
            delete(bread["id"]),
            restore(eggs["id"]),
        )

        assert [result["op"] for result in found] == ["create", "update", "delete", "restore"]
        assert [result["id"] for result in found][1:] == [milk["id"], bread["id"], eggs["id"]]
        assert found[0]["todo"] == read(ada, found[0]["id"])
        assert found[1]["todo"] == read(ada, milk["id"])
        assert found[2]["todo"] is None
        assert found[3]["todo"] == read(ada, eggs["id"])
        assert ada.titles() == ["Oat milk", "Eggs", "Cheese"]
        assert ada.titles(trashed="true") == ["Bread"]

    def test_create_equals_post_todos(self, ada: Account) -> None:
        fields = {"title": "Milk", "description": "Blue", "priority": "low", "due_at": "2030-01-31T17:00:00Z"}
        [created] = results(ada, {"op": "create", "todo": fields})
        alone = ada.client.post(TODOS, json=fields).json()
        differing = {"id", "url", "order", "created_at", "updated_at"}

        assert {name: created["todo"][name] for name in alone if name not in differing} == {
            name: alone[name] for name in alone if name not in differing
        }

    def test_a_patch_keeps_what_is_absent_and_clears_what_is_null(self, ada: Account) -> None:
        milk = ada.add("Milk", description="Blue", priority="high")
        [patched] = results(ada, update(milk["id"], priority=None))

        assert (patched["todo"]["description"], patched["todo"]["priority"]) == ("Blue", "none")

    def test_operations_run_in_order(self, ada: Account) -> None:
        milk = ada.add("Milk")
        found = results(ada, *(update(milk["id"], title=f"Milk {number}") for number in range(5)))

        assert [result["todo"]["version"] for result in found] == [2, 3, 4, 5, 6]
        assert ada.titles() == ["Milk 4"]
        assert log(ada) == [("create", "Milk"), *(("update", f"Milk {number}") for number in range(5))]

    def test_the_change_log_names_the_sender(self, ada: Account) -> None:
        ada.client.post(BATCH, json={"operations": [create()]}, headers=ada.bearer).raise_for_status()
        results(ada, create("Buy bread"))

        changes = ada.client.get(f"{TODOS}/changes").json()
        assert [change["actor"]["kind"] for change in changes] == ["token", "user"]

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        assert ada.client.post(f"{BATCH}/", json={"operations": [create()]}).status_code == 200

    def test_a_batch_of_100_operations_is_accepted(self, ada: Account) -> None:
        found = results(ada, *(create(f"Todo {number}") for number in range(MOST)))
        changed = results(ada, *(update(result["id"], 1, completed=True) for result in found))

        assert [result["todo"]["title"] for result in changed] == [f"Todo {number}" for number in range(MOST)]


class TestRefs:
    def test_a_later_operation_may_use_the_ref_of_a_create(self, ada: Account) -> None:
        found = results(
            ada,
            create("Milk", "milk"),
            create("Bread", "bread"),
            update("milk", 1, completed=True),
            delete("bread"),
            restore("bread", 2),
        )

        milk, bread = found[0]["id"], found[1]["id"]
        assert [result["id"] for result in found] == [milk, bread, milk, bread, bread]
        assert [result["ref"] for result in found] == ["milk", "bread", None, None, None]
        assert read(ada, milk)["completed"] is True
        assert read(ada, bread)["version"] == 3

    @pytest.mark.parametrize("ref", ["1", "Tüte 🥛", "new:1", "7b0e3c1a-5d4f-4e6b-9a2c-1f8d0e7c6b5a", "x" * 100])
    def test_a_ref_may_be_any_text(self, ada: Account, ref: str) -> None:
        found = results(ada, create("Milk", ref), update(ref, title="Oat milk"))

        assert found[0]["ref"] == ref
        assert found[0]["id"] == found[1]["id"] != ref
        assert ada.titles() == ["Oat milk"]

    def test_a_ref_of_a_later_create_is_unknown(self, ada: Account) -> None:
        refused = send(ada, update("milk", title="Oat milk"), create("Milk", "milk"))

        assert problem(refused, 404, "todo_not_found")["index"] == 0
        assert ada.titles() == []

    def test_a_ref_is_unknown_in_the_next_batch(self, ada: Account) -> None:
        results(ada, create("Milk", "milk"))

        assert problem(send(ada, delete("milk")), 404, "todo_not_found")["index"] == 0
        assert ada.titles() == ["Milk"]

    def test_a_repeated_ref_is_refused(self, ada: Account) -> None:
        refused = send(ada, create("Milk", "x"), create("Bread", "x"))

        assert list(faults(refused).values()) == ["repeated_ref"]


class TestTrees:
    def test_a_parent_and_its_subtodo_may_be_created_in_one_batch(self, ada: Account) -> None:
        found = results(
            ada,
            create("Trip", "trip"),
            create("Train", "train", parent_id="trip"),
            create("Seats", parent_id="train"),
        )

        ids = [result["id"] for result in found]
        assert [read(ada, todo_id)["parent_id"] for todo_id in ids] == [None, ids[0], ids[1]]
        assert [result["todo"]["parent_id"] for result in found] == [None, ids[0], ids[1]]

    def test_a_todo_may_move_below_a_new_todo(self, ada: Account) -> None:
        milk = ada.add("Milk")
        found = results(ada, create("Shopping", "list"), update(milk["id"], parent_id="list"))
        assert found[1]["todo"]["parent_id"] == found[0]["id"]

        [moved] = results(ada, update(milk["id"], parent_id=None))
        assert moved["todo"]["parent_id"] is None

    def test_a_parent_may_be_given_by_id(self, ada: Account) -> None:
        shopping = ada.add("Shopping")
        [created] = results(ada, create("Milk", parent_id=shopping["id"]))

        assert created["todo"]["parent_id"] == shopping["id"]

    def test_cascades_run_and_later_operations_see_them(self, ada: Account) -> None:
        found = results(ada, create("Trip", "trip"), create("Train", "train", parent_id="trip"))
        trip, train = (result["id"] for result in found)
        results(ada, update(trip, completed=True), update(train, 2, completed=False), delete(trip))

        assert ada.titles() == []
        problem(send(ada, restore(trip), update(train, 3, title="Bus")), 412, "stale_version")
        assert ada.titles() == []
        results(ada, restore(trip), update(train, title="Bus"))
        assert sorted(ada.titles()) == ["Bus", "Trip"]

    def test_a_broken_rule_is_reported_with_its_index(self, ada: Account) -> None:
        found = results(ada, create("Trip", "trip"), create("Train", parent_id="trip"))
        trip, train = (result["id"] for result in found)
        for operation, code in [
            (create("Bus", parent_id="nowhere"), "unknown_parent"),
            (create("Bus", project_id=str(uuid4())), "unknown_project"),
            (update(trip, parent_id=train), "tree_cycle"),
            (update(trip, recurrence="FREQ=DAILY"), "recurrence_needs_due"),
        ]:
            assert problem(send(ada, create("Bus"), operation), 422, code)["index"] == 1
        deep = [create("Level 0", "0"), *(create(f"Level {n}", str(n), parent_id=str(n - 1)) for n in range(1, 7))]
        assert problem(send(ada, *deep), 422, "tree_too_deep")["index"] == 6

        assert sorted(ada.titles()) == ["Train", "Trip"]

    def test_each_completion_of_a_recurring_todo_moves_it_to_the_next_occurrence(self, ada: Account) -> None:
        found = results(
            ada,
            create("Water", "plants", due_date="2030-01-31", recurrence="FREQ=DAILY"),
            update("plants", completed=True),
            update("plants", completed=True),
        )

        dues = [result["todo"]["due_date"] for result in found]
        assert dues == ["2030-01-31", "2030-02-01", "2030-02-02"]
        assert found[-1]["todo"]["completed"] is False


class TestCreatesInARow:
    """Creates that follow each other are one statement, with the results of as many statements."""

    def test_they_go_to_the_end_of_the_list_in_their_order(self, ada: Account) -> None:
        ada.add("First")
        found = results(ada, create("Second"), create("Top", order=-7), create("Third"), create("Fourth"))
        listed = [todo["title"] for todo in ada.client.get(TODOS).json()]

        assert listed == ["Top", "First", "Second", "Third", "Fourth"]
        assert [result["todo"]["order"] for result in found] == [2, -7, 3, 4]
        assert log(ada)[-4:] == [("create", title) for title in ("Second", "Top", "Third", "Fourth")]

    def test_they_share_the_first_spelling_of_a_tag(self, ada: Account) -> None:
        ada.add("Known", tags=["Home"])
        found = results(ada, create(tags=["home", "Shop"]), create(tags=["SHOP"]), create(tags=["shop", "HOME"]))

        assert [result["todo"]["tags"] for result in found] == [["Home", "Shop"], ["Shop"], ["Shop", "Home"]]

    def test_a_repeated_id_is_the_same_todo(self, ada: Account) -> None:
        todo_id, known = str(uuid4()), ada.add("Known")
        found = results(ada, create("New", id=todo_id), create("Again", id=todo_id), create("Twice", id=known["id"]))

        assert [result["todo"]["title"] for result in found] == ["New", "New", "Known"]
        assert [todo["title"] for todo in ada.client.get(TODOS).json()] == ["Known", "New"]

    def test_an_id_of_another_user_is_reported_with_its_index(self, ada: Account, bob: Account) -> None:
        taken = bob.add("Mine")["id"]
        answered = problem(send(ada, create(), create(id=taken), create()), 409, "id_taken")

        assert answered["index"] == 1
        assert ada.client.get(TODOS).json() == []

    def test_the_first_that_fails_is_reported(self, ada: Account) -> None:
        unknown = str(uuid4())
        sent = send(ada, create(), create(), create(parent_id=unknown), create(project_id=unknown))

        assert problem(sent, 422, "unknown_parent")["index"] == 2
        assert ada.client.get(TODOS).json() == []

    def test_each_keeps_all_its_fields(self, ada: Account) -> None:
        fields: dict[str, Any] = {
            "description": 'The one in the\nblue carton \u2028 "quoted"',
            "completed": True,
            "priority": "high",
            "due_at": "2030-01-31T17:00:00.123456Z",
            "reminder_at": "2030-01-31T16:00:00Z",
            "recurrence": "FREQ=WEEKLY",
            "recurrence_from": "completion",
            "order": 1.0000000001,
        }
        for result in results(ada, create(**fields), create(**fields)):
            assert {name: result["todo"][name] for name in fields} == fields


class TestAllOrNone:
    def test_a_failing_operation_rolls_back_the_batch_and_is_reported_by_index(self, ada: Account) -> None:
        milk = ada.add("Milk")
        before = log(ada)
        refused = send(
            ada, update(milk["id"], title="Oat milk"), create("Bread"), delete(str(uuid4())), delete(milk["id"])
        )

        assert problem(refused, 404, "todo_not_found")["index"] == 2
        assert ada.titles() == ["Milk"]
        assert log(ada) == before
        assert read(ada, milk["id"]) == milk

    def test_a_version_may_be_any_whole_number_such_as_7_0(self, ada: Account) -> None:
        milk = ada.add("Milk")
        sent = {"operations": [update(milk["id"], title="Oat milk") | {"version": 1.0}]}
        assert ada.client.post(f"{TODOS}/batch", json=sent).status_code == 200
        for version in (2.5, "2", True):
            sent = {"operations": [delete(milk["id"]) | {"version": version}]}
            problem(ada.client.post(f"{TODOS}/batch", json=sent), 422, "validation_failed")

    def test_a_stale_version_is_refused_as_with_if_match(self, ada: Account) -> None:
        milk = ada.add("Milk")
        for operation in (update(milk["id"], 2, title="Oat milk"), delete(milk["id"], 7)):
            refused = send(ada, create("Bread"), operation)
            assert problem(refused, 412, "stale_version")["index"] == 1
        ada.client.delete(milk["url"]).raise_for_status()
        problem(send(ada, restore(milk["id"], 1)), 412, "stale_version")

        assert ada.titles() == []

    def test_versions_made_earlier_in_the_batch_are_current(self, ada: Account) -> None:
        milk = ada.add("Milk")
        results(ada, update(milk["id"], 1, title="Oat milk"), update(milk["id"], 2, completed=True))

        assert (
            problem(
                send(ada, update(milk["id"], 3, title="Milk"), update(milk["id"], 3, completed=False)),
                412,
                "stale_version",
            )["index"]
            == 1
        )

    def test_a_todo_deleted_earlier_in_the_batch_is_not_found(self, ada: Account) -> None:
        milk = ada.add("Milk")
        refused = send(ada, delete(milk["id"]), update(milk["id"], title="Oat milk"))

        assert problem(refused, 404, "todo_not_found")["index"] == 1
        assert ada.titles() == ["Milk"]

    def test_another_users_todo_is_not_found(self, ada: Account, bob: Account) -> None:
        milk = bob.add("Milk")
        for operation in (update(milk["id"], title="Ada's"), delete(milk["id"]), restore(milk["id"])):
            assert problem(send(ada, create(), operation), 404, "todo_not_found")["index"] == 1

        assert ada.titles() == []
        assert read(bob, milk["id"]) == milk


class TestBody:
    def test_an_error_names_the_path_in_the_body(self, ada: Account) -> None:
        refused = send(
            ada,
            create(""),
            create("Milk", due_date="2030-01-31", due_at="2030-01-31T17:00:00Z"),
            update(str(uuid4()), priority="urgent"),
            {"op": "update", "id": str(uuid4())},
            {"op": "delete"},
            {"op": "delete", "id": str(uuid4()), "version": "1"},
            {"op": "delete", "id": str(uuid4()), "todo": {}},
        )

        assert faults(refused) == {
            "operations.0.todo.title": "too_short",
            "operations.1.todo": "two_dues",
            "operations.2.changes.priority": "unknown_value",
            "operations.3.changes": "missing",
            "operations.4.id": "missing",
            "operations.5.version": "wrong_type",
            "operations.6.todo": "unknown_field",
        }

    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            ({"op": "purge", "id": "x"}, "unknown_value"),
            ({"id": "x"}, "missing"),
            (7, "wrong_type"),
        ],
    )
    def test_an_unknown_operation_is_reported(self, ada: Account, operation: object, code: str) -> None:
        assert faults(send(ada, operation)) == {"operations.0": code}

    @pytest.mark.parametrize("todo_id", ["", " ", "x" * 101, "a\x00b", 7, None])
    def test_a_malformed_id_is_refused(self, ada: Account, todo_id: object) -> None:
        assert list(faults(send(ada, {"op": "delete", "id": todo_id}))) == ["operations.0.id"]

    @pytest.mark.parametrize("version", [0, -1, 10**9, 1.5, True])
    def test_a_malformed_version_is_refused(self, ada: Account, version: object) -> None:
        refused = send(ada, {"op": "delete", "id": str(uuid4()), "version": version})

        assert list(faults(refused)) == ["operations.0.version"]

    @pytest.mark.parametrize(("number", "code"), [(0, "too_short"), (MOST + 1, "too_long")])
    def test_a_batch_has_1_to_100_operations(self, ada: Account, number: int, code: str) -> None:
        assert faults(send(ada, *[create()] * number)) == {"operations": code}
        assert ada.titles() == []


class TestPath:
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "PUT"])
    def test_the_path_is_never_read_as_a_todo_id(self, ada: Account, method: str) -> None:
        refused = ada.client.request(method, BATCH)

        problem(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "POST"


class TestRepeat:
    def test_a_repeat_with_the_same_key_changes_nothing(self, ada: Account) -> None:
        key, operations = uuid4().hex, (create("Milk", "milk"), create("Bread"), delete("milk"))
        first, repeat = send(ada, *operations, key=key), send(ada, *operations, key=key)

        assert (first.status_code, repeat.status_code) == (200, 200)
        assert repeat.content == first.content
        assert repeat.headers["idempotent-replayed"] == "true"
        assert ada.titles() == ["Bread"]
        problem(send(ada, create("Eggs"), key=key), 422, "idempotency_key_reused")

    def test_a_failed_batch_runs_again_with_the_same_key(self, ada: Account) -> None:
        milk, key = ada.add("Milk"), uuid4().hex
        problem(send(ada, create("Bread"), update(milk["id"], 2, title="Oat milk"), key=key), 412, "stale_version")
        ada.client.patch(milk["url"], json={"priority": "high"}).raise_for_status()

        assert send(ada, create("Bread"), update(milk["id"], 2, title="Oat milk"), key=key).status_code == 200
        assert ada.titles() == ["Oat milk", "Bread"]

    def test_a_key_counts_for_one_route_only(self, ada: Account) -> None:
        key = uuid4().hex
        send(ada, create("Milk"), key=key).raise_for_status()

        created = ada.client.post(TODOS, json={"title": "Bread"}, headers={"Idempotency-Key": key})
        assert created.status_code == 201
