"""What a browser would make of a page, by the standard library's parser."""

import re
from html.parser import HTMLParser

ADDED = re.compile(r'<style>.*?</style>|(?<=<table )class="[^"]*" ', re.DOTALL)


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "wbr", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes what is not open"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def harmful(self) -> list[str]:
        """What a page of ours never holds: scripts, handlers, frames, anything that is fetched."""
        bad = {"script", "img", "iframe", "object", "embed", "link", "base", "form", "svg"}
        found = [tag for tag, _ in self.elements if tag in bad]
        for tag, attributes in self.elements:
            found += [f"{tag} {name}" for name in attributes if name.startswith("on") or name in ("src", "href")]
        return found


def untrusted(html: str) -> str:
    """What JupyterLab leaves of a fragment in a notebook that is not trusted."""
    return ADDED.sub("", html)
