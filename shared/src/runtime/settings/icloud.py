"""Where iCloud is. A module of its own: it needs the iCloud client, which not every service has."""

from pydantic import Field, FilePath, field_validator
from pydantic_core import PydanticCustomError

from icloud import Endpoint, proxy_host
from runtime.settings.fragments import RULE, CommaSeparated, Fragment


class ICloudSettings(Fragment):
    """iCloud's address, which must itself be one that credentials may go to."""

    url: str = Field(
        default="https://caldav.icloud.com/",
        validation_alias="CALSYNC_ICLOUD_URL",
        description="the address where discovery begins, http:// or https://",
        pattern=r"^https?://[^\s/]+",
    )
    trusted_hosts: CommaSeparated = Field(
        default=("icloud.com", "icloud.com.cn"),
        validation_alias="CALSYNC_ICLOUD_TRUSTED_HOSTS",
        description="suffixes of the hosts that credentials may go to, comma-separated",
    )
    ca_file: FilePath | None = Field(
        default=None,
        validation_alias="CALSYNC_ICLOUD_CA_FILE",
        description="a PEM file with the authority of iCloud's certificates",
    )
    proxy_url: str | None = Field(
        default=None,
        validation_alias="CALSYNC_ICLOUD_PROXY_URL",
        description="http://host:port of a proxy that opens tunnels to iCloud, without user name, password or path",
    )

    @field_validator("proxy_url")
    @classmethod
    def _names_a_proxy(cls, url: str | None) -> str | None:
        if url is not None:
            proxy_host(url)
        return url

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        try:
            self.endpoint()
        except ValueError:
            raise PydanticCustomError(
                RULE,
                "CALSYNC_ICLOUD_URL, CALSYNC_ICLOUD_TRUSTED_HOSTS: expected an https:// address on one of the trusted "
                "hosts, which are suffixes of host names, or loopback hosts (http:// too, but through no proxy)",
            ) from None

    def endpoint(self) -> Endpoint:
        """Where discovery begins. ValueError where credentials may not go."""
        return Endpoint(self.url, self.trusted_hosts, self.ca_file, self.proxy_url)
