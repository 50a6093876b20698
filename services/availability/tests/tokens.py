"""The platform that issues tokens: a key of its own, published in a file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from services.availability.tests.examples import ACCOUNT, USER

from runtime.settings import AuthSettings, load

_FOREVER = datetime(2100, 1, 1, tzinfo=UTC)


class Platform:
    """Issues tokens that availability believes."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [public | {"kid": "tests", "alg": "ES256", "use": "sig"}]}))
        self.environment = {
            "CALSYNC_AUTH_ISSUER": "https://platform.test",
            "CALSYNC_AUTH_AUDIENCE": "calsync",
            "CALSYNC_AUTH_JWKS": str(jwks),
        }
        self.settings = load(AuthSettings, self.environment)

    def person(
        self,
        user: str = USER,
        account: str = ACCOUNT,
        *,
        scope: str = "availability:read",
        exp: datetime = _FOREVER,
    ) -> dict[str, str]:
        """The headers of somebody's request."""
        claims = {
            "iss": self.settings.issuer,
            "aud": self.settings.audience,
            "exp": exp,
            "sub": user,
            "account_id": account,
            "scope": scope,
        }
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": "tests"})
        return {"Authorization": f"Bearer {token}"}

    def service(self, account: str = ACCOUNT) -> dict[str, str]:
        """The headers of a service's request."""
        return self.person("service:booking", account)
