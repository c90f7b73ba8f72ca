"""A person sorts todos into projects and tags, filters and searches."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.page.person import Person


class TestProjects:
    def test_one_is_made_and_gets_todos(self, person: Person) -> None:
        person.press("New project")
        dialog = person.dialog("New project")
        person.fill("Name", "Garden", within=dialog)
        person.press("Create", within=dialog)
        person.go_to("Garden")
        person.add("Sow beans")

        person.go_to("All todos")
        expect(person.row("Sow beans")).to_contain_text("Garden")
        [project] = person.device.client.get("/api/v1/projects").json()
        assert person.stored_todo("Sow beans")["project_id"] == project["id"]

    def test_one_is_renamed_and_archived(self, person: Person) -> None:
        person.device.add_project("Garden")
        person.go_to("Garden")
        person.press("More for Garden")
        person.page.get_by_role("menuitem", name="Rename").click()
        dialog = person.page.get_by_role("dialog")
        person.fill("Name", "Balcony", within=dialog)
        person.press("Save", within=dialog)
        expect(person.heading).to_have_text("Balcony")

        person.press("More for Balcony")
        person.page.get_by_role("menuitem", name="Archive").click()
        expect(person.lists.get_by_role("link", name="Balcony")).to_have_count(0)

    def test_one_is_deleted_after_a_question(self, person: Person) -> None:
        person.device.add_project("Garden")
        person.go_to("Garden")
        person.press("More for Garden")
        person.page.get_by_role("menuitem", name="Delete").click()
        person.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

        expect(person.lists.get_by_role("link", name="Garden")).to_have_count(0)
        person.eventually(lambda: person.device.client.get("/api/v1/projects").json() == [])


class TestTags:
    def test_a_tag_lists_its_todos(self, person: Person) -> None:
        person.device.add("Sow beans", tags=["garden"])
        person.device.add("Buy milk")
        person.lists.get_by_role("link", name="garden").click()

        person.sees("Sow beans")
        person.sees_no("Buy milk")


class TestDays:
    def test_today_has_what_is_due(self, person: Person) -> None:
        today = datetime.now(UTC).date()
        person.device.add("Due today", due_date=today.isoformat())
        person.device.add("Due long ago", due_date=(today - timedelta(days=9)).isoformat())
        person.device.add("Due later", due_date=(today + timedelta(days=9)).isoformat())
        person.go_to("Today")

        person.sees("Due today", "Due long ago")
        person.sees_no("Due later")


class TestFilters:
    def test_by_priority(self, person: Person) -> None:
        person.device.add("Urgent", priority="high")
        person.device.add("Later", priority="low")
        person.sees("Urgent", "Later")
        person.filter_by("Priority", "High")

        person.sees("Urgent")
        person.sees_no("Later")

    def test_a_filter_is_part_of_the_address(self, person: Person) -> None:
        person.device.add("Urgent", priority="high")
        person.device.add("Later", priority="low")
        person.sees("Urgent", "Later")
        person.filter_by("Priority", "High")
        person.sees_no("Later")
        person.page.reload()

        person.sees("Urgent")
        person.sees_no("Later")


class TestSearch:
    def test_it_finds_by_the_begin_of_a_word(self, person: Person) -> None:
        person.device.add("Buy strawberries")
        person.device.add("Call mum", description="about the strawberry cake")
        person.device.add("Sleep")
        person.sees("Sleep")
        person.page.get_by_role("searchbox", name="Search").press_sequentially("strawb", delay=20)

        person.sees("Buy strawberries", "Call mum")
        person.sees_no("Sleep")

    def test_nothing_found_says_so(self, person: Person) -> None:
        person.add("Buy milk")
        person.search("zebra")

        person.sees_no("Buy milk")
        expect(person.main.get_by_text("Nothing found")).to_be_visible()
