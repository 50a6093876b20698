"""What the tool must be told; the variables are the services' own."""

from pathlib import Path

from pydantic import Field
from pydantic_core import PydanticCustomError

from icloud.credentials import KeysUnusable, Opener, Signer, Signers
from runtime.settings import Fragment, MongoSettings
from runtime.settings.fragments import RULE


class KeysSettings(Fragment):
    """Where the keys lie."""

    private_keys_dir: Path = Field(
        validation_alias="CALSYNC_VAULT_PRIVATE_KEYS_DIR",
        description="the directory with the private keys, the workers' own or a copy of it",
    )
    signing_key_file: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNING_KEY_FILE",
        description="a PEM file with this tool's own Ed25519 private key; the workers must know its public key",
    )
    signers_dir: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNERS_DIR",
        description="the directory with the public keys of those who sign, the workers' own or a copy of it",
    )

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        if (self.signing_key_file is None) != (self.signers_dir is None):
            # To sign what was not checked would make a forgery good; to check and not to sign would spoil what is good.
            raise PydanticCustomError(
                RULE, "CALSYNC_VAULT_SIGNING_KEY_FILE, CALSYNC_VAULT_SIGNERS_DIR: set both or none"
            )
        try:
            _ = self.opener, self.signer, self.signers
        except KeysUnusable as unusable:
            # Names the file, never its content.
            raise PydanticCustomError(RULE, "{why}", {"why": str(unusable)}) from None

    @property
    def opener(self) -> Opener:
        return Opener(self.private_keys_dir)

    @property
    def signer(self) -> Signer | None:
        return None if self.signing_key_file is None else Signer(self.signing_key_file)

    @property
    def signers(self) -> Signers | None:
        return None if self.signers_dir is None else Signers(self.signers_dir)


class Settings(Fragment):
    """Everything, from the environment."""

    mongo: MongoSettings
    keys: KeysSettings
