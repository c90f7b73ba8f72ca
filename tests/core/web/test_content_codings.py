"""The header Accept-Encoding."""

import pytest
from starlette.datastructures import Headers

from todo_core.web.content_codings import accepts_gzip


def headers(*lines: str) -> Headers:
    return Headers(raw=[(b"accept-encoding", line.encode("latin-1")) for line in lines])


class TestAcceptsGzip:
    @pytest.mark.parametrize(
        "line",
        [
            "gzip",
            "GZIP",
            "x-gzip",
            "*",
            "br, gzip",
            "deflate;q=0.5 , gzip ; q=0.001",
            "gzip;Q=1.000",
            "identity;q=0.5, gzip;q=0.5",
            "*;q=0, gzip",
            "identity;q=0, *",
        ],
    )
    def test_gzip_is_accepted(self, line: str) -> None:
        assert accepts_gzip(headers(line))

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "gzip;q=2",
            "gzip;q=-1",
            "gzip;q=nan",
            "gzip;q=0.0001",
            "not-gzip",
            "gzip2",
            "identity, gzip;q=0.5",
            "gzip gzip",
        ],
    )
    def test_gzip_is_not_accepted(self, line: str) -> None:
        assert not accepts_gzip(headers(line))

    def test_without_the_header_gzip_is_not_accepted(self) -> None:
        assert not accepts_gzip(headers())

    def test_all_lines_of_the_header_count(self) -> None:
        assert accepts_gzip(headers("br", "gzip"))
        assert not accepts_gzip(headers("*", "gzip;q=0"))
