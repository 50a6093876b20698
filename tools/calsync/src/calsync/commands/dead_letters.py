"""`calsync dead-letters …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Limit, Since, Until, aware, group
from calsync.ends import Misuse
from calsync.session import session_of

app = group("Records that somebody could not process: see them, send them again.")
Topic = Annotated[str | None, typer.Option(help="Only of this topic.")]
Partition = Annotated[int | None, typer.Option(help="Only of this partition.", min=0)]
Offset = Annotated[int | None, typer.Option(help="Only the one at this offset of the .dead topic.", min=0)]
Key = Annotated[str | None, typer.Option(help="Only with this key.")]


@app.command("list")
def list_(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    *,
    topic: Topic = None,
    partition: Partition = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> None:
    """The letters, with who refused each and why. Exit code 1 when there are any."""
    from calsync.letters import Wanted
    from calsync.replay import show_list

    session = session_of(context)
    wanted = Wanted(topic, partition, key=key, since=aware(since), until=aware(until))
    session.run(show_list(session, wanted, limit))


@app.command()
def show(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="The topic that it came from.", show_default=False)],
    partition: Annotated[int, typer.Argument(show_default=False)],
    offset: Annotated[int, typer.Argument(help="On the .dead topic.", show_default=False)],
) -> None:
    """One letter: its headers and its body, without what people wrote."""
    from calsync.letters import Wanted
    from calsync.replay import show_one

    session = session_of(context)
    session.run(show_one(session, Wanted(topic, partition, offset)))


@app.command()
def replay(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    *,
    topic: Topic = None,
    partition: Partition = None,
    offset: Offset = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    every: Annotated[bool, typer.Option("--all", help="All of them, where nothing narrows it down.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent.")] = False,
    per_second: Annotated[float, typer.Option(help="So many records a second.")] = 20.0,
) -> None:
    """Show what would be sent again to its topic, ask, and send it. What has been overtaken is left out."""
    from calsync.letters import Wanted
    from calsync.replay import Pace
    from calsync.replay import replay as do

    session = session_of(context)
    wanted = Wanted(topic, partition, offset, key, aware(since), aware(until))
    if not (wanted.names_something or every):
        raise Misuse("Say which: --topic, --key, --partition, --offset, --since, --until, or --all.")
    session.run(do(session, wanted, Pace(per_second, again=again, dry_run=dry_run)))
