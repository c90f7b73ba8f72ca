"""Notes that helm prints after an installation of the chart."""

from tests.chart import rendering
from tests.chart.rendering import CHART


class TestNotes:
    @staticmethod
    def notes(values: str, *settings: str) -> str:
        ended = rendering.helm(
            *("install", "todo-app", CHART, "--namespace", "todo", "--dry-run=client"),
            *rendering.options(values),
            *(argument for setting in settings for argument in ("--set", setting)),
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.partition("NOTES:")[2]

    def test_notes_show_the_urls_of_the_api_and_of_its_documentation(self) -> None:
        notes = self.notes("default")
        assert "http://<minikube-ip>:30800/api/v1" in notes
        assert "http://<minikube-ip>:30800/docs" in notes
        assert "helm test todo-app --namespace todo" in notes

    def test_notes_show_the_url_of_the_page_unless_it_is_off(self) -> None:
        assert "Page:          http://<minikube-ip>:30800\n" in self.notes("default")
        assert "Page:" not in self.notes("default", "settings.WEB_PAGE=off")

    def test_with_an_ingress_the_urls_have_its_host(self) -> None:
        assert "https://api.example.com/docs" in self.notes("full")

    def test_without_node_port_and_ingress_the_notes_show_a_port_forward(self) -> None:
        assert "kubectl --namespace todo port-forward service/todo-app 8000" in self.notes("minimal")

    def test_notes_warn_of_a_database_without_a_volume_or_backups(self) -> None:
        assert "Its data is deleted with the pod" in self.notes("full", "postgresql.persistence.enabled=false")
        assert "without backups" in self.notes("full", "postgresql.backup.enabled=false")
        assert "with backups (47 2 * * *)" in self.notes("full")
