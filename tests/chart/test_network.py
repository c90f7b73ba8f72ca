"""Service, ingress and network policies that the chart renders."""

import pytest

from tests.chart.rendering import Manifest, Release


class TestService:
    def test_the_service_has_port_8000_and_node_port_30800(self) -> None:
        service = Release().manifest("Service")["spec"]
        assert service["type"] == "NodePort"
        (port,) = service["ports"]
        assert port == {"name": "http", "port": 8000, "protocol": "TCP", "targetPort": "http", "nodePort": 30800}
        assert {"name": "http", "containerPort": 8000, "protocol": "TCP"} in Release().api_container["ports"]

    def test_the_node_port_can_be_left_out(self) -> None:
        service = Release("minimal").manifest("Service")["spec"]
        assert "nodePort" not in service["ports"][0]
        assert "externalTrafficPolicy" not in service, "Kubernetes accepts it only for types with a port outside."

    def test_clients_keep_their_addresses_unless_every_node_must_answer(self) -> None:
        assert Release().manifest("Service")["spec"]["externalTrafficPolicy"] == "Local"
        changed = Release("default", "service.externalTrafficPolicy=Cluster")
        assert changed.manifest("Service")["spec"]["externalTrafficPolicy"] == "Cluster"

    def test_the_cluster_chooses_ip_families_unless_they_are_given(self) -> None:
        assert not any(name.startswith("ipFam") for name in Release().manifest("Service")["spec"])
        families = ("service.ipFamilies[0]=IPv6", "service.ipFamilies[1]=IPv4")
        both = Release("default", "service.ipFamilyPolicy=PreferDualStack", *families)
        service = both.manifest("Service")["spec"]
        assert (service["ipFamilyPolicy"], service["ipFamilies"]) == ("PreferDualStack", ["IPv6", "IPv4"])

    def test_the_service_selects_the_api_pods_only(self) -> None:
        release = Release("full")
        selector = release.manifest("Service")["spec"]["selector"].items()
        assert selector <= release.api_pod["metadata"]["labels"].items()
        others = [job["spec"]["template"] for job in release.by_name("Job").values()]
        others += [
            release.manifest("StatefulSet", "todo-app-postgresql")["spec"]["template"],
            *release.by_name("Pod").values(),
        ]
        assert len(others) == 3
        assert not any(selector <= other["metadata"]["labels"].items() for other in others)

    def test_an_ingress_routes_its_host_to_the_service_over_tls(self) -> None:
        ingress = Release("full").manifest("Ingress")["spec"]
        (rule,) = ingress["rules"]
        (path,) = rule["http"]["paths"]
        assert ingress["ingressClassName"] == "nginx"
        assert ingress["tls"] == [{"hosts": ["api.example.com"], "secretName": "api-example-com"}]
        assert rule["host"] == "api.example.com"
        assert path["backend"] == {"service": {"name": "todo-app", "port": {"name": "http"}}}

    def test_by_default_no_ingress_is_rendered(self) -> None:
        assert Release().by_name("Ingress") == {}


class TestNetworkPolicy:
    @staticmethod
    def ports(rules: list[Manifest]) -> list[int | str]:
        return [port["port"] for rule in rules for port in rule["ports"]]

    def test_the_api_is_open_to_all_and_the_metrics_to_the_cluster(self) -> None:
        api, metrics = Release().manifest("NetworkPolicy", "todo-app-api")["spec"]["ingress"]
        assert self.ports([api]) == ["http"]
        assert "from" not in api
        assert self.ports([metrics]) == ["metrics"]
        assert metrics["from"] == [{"namespaceSelector": {}}]

    def test_pods_can_reach_dns_databases_https_and_the_language_model(self) -> None:
        def reached(values: str) -> list[int | str]:
            return self.ports(Release(values).manifest("NetworkPolicy")["spec"]["egress"])

        assert reached("default") == [53, 53, 5432, 443, "http"]
        assert reached("full") == [53, 53, 5432, 443, 11434, "http"]

    @pytest.mark.parametrize(("url", "port"), [("http://models/v1", 80), ("https://models/v1", 443)])
    def test_the_port_of_the_language_model_defaults_to_the_scheme_of_its_url(self, url: str, port: int) -> None:
        release = Release("default", f"settings.OPENAI_BASE_URL={url}", "networkPolicy.egressPorts={5432}")
        assert self.ports(release.manifest("NetworkPolicy")["spec"]["egress"]) == [53, 53, 5432, port, "http"]

    @pytest.mark.parametrize(
        ("url", "port"),
        [
            ("smtp://user:password@mail.example.com:2525", 2525),
            ("smtp://mail.example.com", 587),
            ("smtps://mail.example.com", 465),
        ],
    )
    def test_the_port_of_the_mail_server_is_that_of_its_url(self, url: str, port: int) -> None:
        mail = (f"secrets.MAIL_URL={url}", "settings.MAIL_FROM=todos@example.com")
        release = Release("default", *mail, "networkPolicy.egressPorts={5432}")
        assert self.ports(release.manifest("NetworkPolicy")["spec"]["egress"]) == [53, 53, 5432, port, "http"]

    def test_only_the_service_can_reach_the_database_which_can_reach_nothing(self) -> None:
        release = Release("full")
        policy = release.manifest("NetworkPolicy", "todo-app-postgresql")["spec"]
        (rule,) = policy["ingress"]
        (source,) = rule["from"]
        selector = source["podSelector"]["matchLabels"].items()
        assert selector <= release.api_pod["metadata"]["labels"].items()
        assert not selector <= policy["podSelector"]["matchLabels"].items()
        assert policy["egress"] == []
        assert policy["policyTypes"] == ["Ingress", "Egress"]
