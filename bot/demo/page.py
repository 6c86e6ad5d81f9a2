"""The pull request as a page in a file, for whoever wants to look at it when the demo is over."""

from __future__ import annotations

import html
import tempfile

from markdown_it import MarkdownIt

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 15px/1.5 sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem }}
code, pre {{ font-family: monospace; background: #f3f4f6 }} pre {{ padding: 1rem; overflow: auto }}
table {{ border-collapse: collapse; display: block; overflow: auto }}
th, td {{ border: 1px solid #ccc; padding: .3rem .7rem }}
blockquote {{ border-left: 4px solid #ccc; margin: 0; padding-left: 1rem }}
</style>
"""


def write_page(place: str, title: str, body: str, diff: str) -> str:
    """A new file in `place`. Folded sections are folded here."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    page = _HEAD.format(title=html.escape(title))
    page += (
        f"<h1>{html.escape(title)}</h1>\n{markdown.render(body)}\n<h2>Its diff</h2>\n<pre>{html.escape(diff)}</pre>\n"
    )
    with tempfile.NamedTemporaryFile(
        "w", dir=place, prefix="solvebot-pull-request-", suffix=".html", delete=False
    ) as file:
        file.write(page)
    return file.name
