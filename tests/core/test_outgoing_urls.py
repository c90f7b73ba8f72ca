"""URLs from clients to which the service sends requests."""

import pytest

from todo_core.outgoing_urls import MAX_CHARACTERS, UrlRefused, parse

HOSTILE = [
    # Schemes.
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "javascript:alert(1)",
    "//hooks.example.com/",
    "hooks.example.com",
    "",
    "https://",
    "https:///path",
    # Users and passwords, and what parsers take for them.
    "https://ada@hooks.example.com/",
    "https://ada:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.hooks.example.com/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com/#fragment",
    # Private addresses in all spellings.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7F.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://127.0.0.1.:443/",
    "https://0/",
    "https://0.0.0.0/",
    "https://256.256.256.256/",
    "https://127.0.0.0x1/",
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169。254。169。254/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[2606:4700::1111%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[::1/",
    "https://[127.0.0.1]/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    # Private names.
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://db.localhost/",
    "https://postgres/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://todo.default.svc.cluster.local/",
    # Ports.
    "https://hooks.example.com:0/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:-1/",
    "https://hooks.example.com:443:443/",
    "https://hooks.example.com: 443/",
    "https://hooks.example.com:4４3/",
    # Characters that could end a line, or that parsers treat in different ways.
    "https://hooks.example.com/\r\nX-Injected: 1",
    "https://hooks.example.com/\nHost: evil",
    "https://hooks.example.com/ path",
    "https://hooks.example.com\t/",
    "https://hooks.example.com\x00/",
    " https://hooks.example.com/",
    "https://hooks.example.com/\n",
    "https://hooks.example.com/é",
    "https://hooks.example.com/\\",
    "https://hooks..example.com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://ex%61mple.com/",
    "https://exam ple.com/",
    "https://a" + "a" * 63 + ".example.com/",
    "https://" + "a." * 130 + "example.com/",
    "https://\ud800.example.com/",
    "https://hooks.example.com/" + "a" * MAX_CHARACTERS,
]


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refusal:
        parse(url, allow_private=False)
    assert len(str(refusal.value)) > 10


@pytest.mark.parametrize(
    ("url", "normalised"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("HTTPS://Hooks.Example.COM/Path", "https://hooks.example.com/Path"),
        ("https://hooks.example.com./a", "https://hooks.example.com/a"),
        ("https://hooks.example.com:443/", "https://hooks.example.com/"),
        ("https://hooks.example.com:/", "https://hooks.example.com/"),
        ("https://hooks.example.com:8443/a?b=c%20d&e=@:/?", "https://hooks.example.com:8443/a?b=c%20d&e=@:/?"),
        ("https://hooks.example.com?token=x", "https://hooks.example.com/?token=x"),
        ("https://bücher.example/ha?k=1", "https://xn--bcher-kva.example/ha?k=1"),
        ("https://my_host.example.com/", "https://my_host.example.com/"),
        ("https://1.1.1.1:1024/", "https://1.1.1.1:1024/"),
        ("https://１.1.1.1/", "https://1.1.1.1/"),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]/"),
        ("https://[::ffff:8.8.8.8]/", "https://[::ffff:8.8.8.8]/"),
        ("https://123.example.com/", "https://123.example.com/"),
    ],
)
def test_a_public_url_has_one_spelling(url: str, normalised: str) -> None:
    parsed = parse(url, allow_private=False)

    assert str(parsed) == normalised
    assert parse(str(parsed), allow_private=False) == parsed


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000/hook", "http://127.0.0.1/", "http://receiver/", "https://[::1]:22/", "http://10.0.0.1:81/"],
)
def test_development_may_use_private_hosts_and_http(url: str) -> None:
    assert str(parse(url, allow_private=True)) == url


@pytest.mark.parametrize("url", ["http://127.1/", "https://ada@localhost/", "ftp://localhost/", "http://[fe80::1%1]/"])
def test_development_has_one_spelling_too(url: str) -> None:
    with pytest.raises(UrlRefused):
        parse(url, allow_private=True)
