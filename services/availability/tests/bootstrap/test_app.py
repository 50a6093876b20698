import pytest

from calsync_bootstrap.app import main


def test_a_wrong_environment_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["verify"], {})

    told = capsys.readouterr().err
    assert code == 2
    assert all(name in told for name in ("CALSYNC_KAFKA_BOOTSTRAP_SERVERS", "CALSYNC_MONGODB_URL"))


def test_servers_that_are_away_are_no_difference_and_their_addresses_are_not_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CALSYNC_MONGODB_URL": "mongodb://user:canary@127.0.0.1:1/?directConnection=true",
        "CALSYNC_MONGODB_TIMEOUT": "PT0.2S",
    }

    code = main(["verify"], nowhere)

    told = capsys.readouterr().err
    assert code == 1
    assert told.endswith("Nothing is changed; start it again.\n")
    assert "canary" not in told
