import pytest

from app.core.targets import is_local, local_or

FOREIGN = [
    "", " ", "evil.example", "http://evil.example", "https://evil.example/", "//evil.example",
    "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "/\\/evil.example",
    "\\/evil.example", "/\tevil", "/\t/evil.example", "/%09/evil.example", "/%0a/evil.example",
    "/%0d%0aLocation:%20//evil.example", "\t//evil.example", "\n//evil.example", " //evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc",
    "/%2f/evil.example", "/%2fevil.example", "/%5cevil.example", "/%5c%5cevil.example",
    "http:evil.example", "http:/evil.example", "https:///evil.example", "//user@evil.example",
    "//127.0.0.1@evil.example", "http://127.0.0.1@evil.example", "//evil.example:80/",
    "//[::1]", "/\x00/evil", "/\u202e/evil", "/x\r\nSet-Cookie: a=b", "?next=//evil", "#//evil",
    "tickets", "./tickets", "../tickets", "/" + "a" * 2001,
]  # fmt: skip


@pytest.mark.parametrize("target", FOREIGN)
def test_another_site_is_no_target(target: str) -> None:
    assert not is_local(target)
    assert local_or(target, "/home") == "/home"


@pytest.mark.parametrize(
    "target", ["/", "/tickets/", "/tickets/?state=open&q=a//b", "/t/12#event-3", "/a%20b", "/é"]
)
def test_a_page_of_ours_is(target: str) -> None:
    assert local_or(target, "/home") == target
