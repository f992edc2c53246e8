"""A report as a page for people: one file, with nothing from elsewhere and nothing that runs.

What is stored was written by others, so all of it is escaped, and set apart from the words around
it in its own direction of writing.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final

#: Rows of a section that are shown; the JSON beside the page has all.
SHOWN: Final = 1_000

#: The column that stands under its row, and those that may be long.
_UNDER: Final = "text"
_LONG: Final = frozenset({"kept", "settings", "agent", "fetched", "referrer", "note"})

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #fff;
  --ground: #f4f6f9; --accent: #1f5fa8; --tint: #eaf1fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf1; --soft: #9aa5b8; --line: #313a4a;
  --paper: #1a202b; --ground: #12161e; --accent: #7db3f0; --tint: #1f2b3d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 88rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 0; }
p { margin: .4rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.who { font-family: ui-monospace, "Liberation Mono", monospace; font-size: .92em; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem;
  margin: 1rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
nav { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1.8rem 0; }
nav a { display: block; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--paper); color: inherit; text-decoration: none; font-size: .9rem; }
nav a b { display: block; font-size: 1.5rem; line-height: 1.2; color: var(--accent);
  font-variant-numeric: tabular-nums; }
section, aside { background: var(--paper); border: 1px solid var(--line); border-radius: .7rem;
  padding: 1.3rem 1.5rem; margin: 1.1rem 0; }
aside { background: var(--tint); }
header.part { display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap; }
.tag { font-size: .75rem; color: var(--soft); border: 1px solid var(--line); border-radius: 1rem;
  padding: 0 .6rem; }
.scroll { overflow-x: auto; margin-top: .9rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th { text-align: left; font-weight: 600; color: var(--soft); white-space: nowrap; }
th, td { padding: .45rem .7rem .45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 11rem; }
tr.under td { padding-top: 0; } tr.over td { border-bottom: 0; padding-bottom: .15rem; }
tr.under td:last-child { white-space: normal; overflow-wrap: anywhere; }
tr.under bdi { color: var(--soft); }
.none { color: var(--soft); font-style: italic; margin-top: .7rem; }
ul { margin: .4rem 0 .2rem; padding-left: 1.2rem; } li { margin: .25rem 0; }
@media (max-width: 40rem) { main { padding: 1.2rem .8rem 3rem; } section, aside { padding: 1rem; } }
@page { size: landscape; margin: 12mm; }
@media print { td { white-space: normal; } }
@media print { body { background: none; font-size: 11px; } main { max-width: none; padding: 0; }
  nav { display: none; } section, aside { border: 0; border-top: 1px solid #999; border-radius: 0;
  padding: .8rem 0; } .scroll { overflow: visible; } tr { break-inside: avoid; } }
"""

_KINDS: Final = {"number": "the number", "user": "the user", "customer": "the customer"}
_ACTS: Final = {
    "block": "blocked since {since}: kept, and not processed (case {case})",
    "erase": "erasure asked for at {since}: what may not go yet goes when it may (case {case})",
    "terminate": "the contract ends since {since} (case {case})",
}


def page(report: dict[str, Any]) -> str:
    """The whole page."""
    about, days = report["about"], report["days"]
    who = f'{_KINDS[about["kind"]]} <bdi class="who">{escape(about["value"])}</bdi>'
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
            f"<title>What is stored</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n",
            f"<h1>What is stored about {who}</h1>\n",
            '<p class="soft">This is all that this messaging service holds about you, what it is '
            "used for, and when it goes. Times are UTC. Of other people's numbers the last three "
            "digits are not shown.</p>\n",
            _facts(report),
            _nav(report["sections"]),
            *map(_section, report["sections"]),
            _rights(days),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _facts(report: dict[str, Any]) -> str:
    facts = [("Made", f"{report['made']} by {report['by']}"), ("Case", report["case"])]
    facts += [("Standing", _ACTS[one["act"]].format(**one)) for one in report["open"]]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts)
    return f'<dl class="facts">{rows}</dl>\n'


def _nav(sections: list[dict[str, Any]]) -> str:
    links = (
        f'<a href="#{one["key"]}"><b>{one["count"]:,}</b>{escape(one["title"])}</a>'
        for one in sections
    )
    return f"<nav>{''.join(links)}</nav>\n"


def _section(one: dict[str, Any]) -> str:
    rows = one["rows"][-SHOWN:]
    if rows:
        body = _table(one["columns"], rows)
        if one["count"] > len(rows):
            body += f'<p class="none">The newest {len(rows):,} of {one["count"]:,}.</p>'
    else:
        body = '<p class="none">Nothing is stored.</p>'
    return (
        f'<section id="{one["key"]}"><header class="part"><h2>{escape(one["title"])}</h2>'
        f'<span class="tag">promise {escape(one["promises"])}</span></header>'
        f'<p>{escape(one["what"])}</p><p class="soft">What for: {escape(one["why"])} '
        f"How long: {escape(one['kept'])}</p>{body}</section>\n"
    )


def _table(columns: dict[str, str], rows: list[dict[str, Any]]) -> str:
    used = [key for key in columns if key != _UNDER and any(_said(row.get(key)) for row in rows)]
    heads = "".join(f'<th scope="col">{escape(columns[key])}</th>' for key in used)
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
        f"{''.join(_row(used, row) for row in rows)}</tbody></table></div>"
    )


def _row(columns: list[str], row: dict[str, Any]) -> str:
    """A row; its text, which may be long, has the line under it to itself."""
    cells = "".join(
        f"<td{' class=long' if key in _LONG else ''}><bdi>{_said(row.get(key))}</bdi></td>"
        for key in columns
    )
    under = _said(row.get(_UNDER))
    if not under:
        return f"<tr>{cells}</tr>"
    return (
        f'<tr class="over">{cells}</tr><tr class="under"><td colspan="{len(columns)}">'
        f"<bdi>{under}</bdi></td></tr>"
    )


def _said(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, dict):
        return ", ".join(f"{_said(key)} {_said(held)}" for key, held in value.items())
    return escape("".join(one if one.isprintable() else " " for one in str(value)))


def _rights(days: dict[str, Any]) -> str:
    content = (
        "Texts go with the rest."
        if days["content"] is None
        else f"Texts go {days['content']} days after the end of their billing period."
    )
    return (
        "<aside><h2>When it goes, and what you may ask for</h2><ul>"
        f"<li>Traffic data goes by itself {days['objection']} days after its billing period was "
        f"closed, and at the latest {days['maximum']} days after the period's end. {content}</li>"
        f"<li>Access logs go after {days['access_log']} days.</li>"
        "<li>You may have what is wrong corrected, what you do not want to be used blocked, and "
        "what need not be kept erased. Name the case above.</li>"
        "<li>You may complain to a supervisory authority.</li></ul></aside>\n"
    )
