"""The coming weeks of a page, read as people read them."""

import re


def told(markup: str) -> str:
    """What of it is read out."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def day(page: str, number: int) -> str:
    """What a day opens to."""
    return page.partition(f'id="day-{number}"')[2].partition("</details>")[0]


def lines(page: str, number: int) -> list[list[str]]:
    """The cells of a day's table."""
    table = day(page, number).partition("<tbody>")[2].partition("</table>")[0]
    rows = [re.split(r"<td\b[^>]*>", row)[1:] for row in table.split("<tr>")[1:]]
    return [[told(cell).replace("\N{EN DASH}", "-") for cell in row] for row in rows]


def bars(page: str, number: int) -> dict[str, int]:
    """How many bars of each kind a day shows."""
    groups = re.findall(r'<g class="(\w+)"[^>]*>(.*?)</g>', day(page, number))
    return {lane: shapes.count("<rect") for lane, shapes in groups}
