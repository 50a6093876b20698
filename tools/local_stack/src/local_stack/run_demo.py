"""`make run`: a demo user whose iCloud account is full of events, and what to try with it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from icloud_simulator.demo import APP_PASSWORD, APPLE_ID
from local_stack.stack import LocalStack, Say

_ACCOUNT: Final = "acc-demo"
_USER: Final = "usr-marie"
_TOKEN_LASTS: Final = timedelta(hours=12)
_POLL_INTERVAL: Final = "PT5S"

_TEXT: Final = """
Everything runs. Ctrl-C stops all of it.

  Open this page:  {sign_in}
  Continue as Marie, add a connection, and type her Apple ID and app-specific password (below).

  connector      {connector}/openapi.json
  availability   {availability}/openapi.json
  readiness      {connector_ops}/readyz  {worker_ops}/readyz  {availability_ops}/readyz
  simulator      {simulator}  (admin: {admin}/openapi.json)
  logs           {logs}

The demo user Marie has the Apple ID {apple_id} and the app-specific password {app_password}.
The same from another terminal; first of all:

export CONNECTOR={connector} AVAILABILITY={availability} ADMIN={admin}
export AUTH='Authorization: Bearer {token}'

Connect her iCloud calendar (after an earlier run it still is: then go on with the next line):

curl -sS -H "$AUTH" -H 'Content-Type: application/json' $CONNECTOR/v1/connections \\
  -d '{{"apple_id": "{apple_id}", "app_password": "{app_password}", "access": "full", "time_zone": "Europe/Paris"}}'

List the connection and its calendars:

curl -sS -H "$AUTH" $CONNECTOR/v1/connections | python3 -m json.tool

See when she is busy, this week and the next (a few seconds later; before, the answer is "importing"):

curl -sS -H "$AUTH" "$AVAILABILITY/v1/users/{user}/busy?start={start}&end={end}" | python3 -m json.tool

Add an event as on her iPhone, then ask again (a poll is due every 5 s):

curl -sS -H 'Content-Type: application/json' "$ADMIN/v1/accounts/{apple_id}/calendars/home/events" \\
  -d '{{"title": "Coiffeur", "start": "{event_start}", "end": "{event_end}"}}'

Disconnect, and all of it is erased:

ID=$(curl -sS -H "$AUTH" $CONNECTOR/v1/connections |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')
curl -sS -X DELETE -H "$AUTH" -o /dev/null -w '%{{http_code}}\\n' $CONNECTOR/v1/connections/$ID
"""


def demo_stack(data: Path, *, ports: Literal["auto", "fixed"]) -> LocalStack:
    """Return the whole system, not started, with the simulator's demo account and quick polls."""
    return LocalStack(data, ports=ports, seed="demo", env={"CALSYNC_POLL_INTERVAL": _POLL_INTERVAL})


def tell(stack: LocalStack, say: Say) -> None:
    """Say what to open and what to type; every line can be typed as it stands."""
    env = stack.env
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    event = today + timedelta(days=2, hours=3)  # before dawn, where nothing of hers is
    text = _TEXT.format(
        connector=env["CONNECTOR_URL"],
        availability=env["AVAILABILITY_URL"],
        connector_ops=env["CONNECTOR_OPS_URL"],
        worker_ops=env["SYNC_WORKER_OPS_URL"],
        availability_ops=env["AVAILABILITY_OPS_URL"],
        sign_in=env["SIGN_IN_URL"],
        simulator=env["SIMULATOR_URL"],
        admin=env["SIMULATOR_ADMIN_URL"],
        logs=stack.log_file("connector").parent,
        token=stack.token(_ACCOUNT, _USER, ttl=_TOKEN_LASTS),
        apple_id=APPLE_ID,
        app_password=APP_PASSWORD,
        user=_USER,
        start=_written(today),
        end=_written(today + timedelta(days=14)),
        event_start=_written(event),
        event_end=_written(event + timedelta(hours=1)),
    )
    say(text)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
