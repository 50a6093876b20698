"""What came of credentials is counted, and nothing else of them."""

import pytest
from prometheus_client import REGISTRY

from connector.application.prove import Asker, Prove
from connector.domain.attempts import DEFAULT_LIMITS
from connector_examples import CALENDARS, CREDENTIAL, MARIE, PRINCIPAL
from connector_fakes import FakeApple, FakeAttempts
from icloud import AppleCredential, CredentialsRejected

WRONG = AppleCredential(CREDENTIAL.apple_id, "wron-gwro-ngwr-ongw")


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("calsync_credentials_proofs_total", {"result": result}) or 0


async def test_a_right_credential_counts_as_validated_and_a_wrong_one_as_rejected() -> None:
    prove = Prove(FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}), FakeAttempts(), DEFAULT_LIMITS, lambda: None)
    before = counted("validated"), counted("rejected")

    await prove(Asker(MARIE), CREDENTIAL, "c-1")
    with pytest.raises(CredentialsRejected):
        await prove(Asker(MARIE), WRONG, "c-1")

    assert (counted("validated"), counted("rejected")) == (before[0] + 1, before[1] + 1)
