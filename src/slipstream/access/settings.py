"""Who may publish and who may play. Each application may set its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from slipstream.access.policy import Excess, Policy
from slipstream.access.request import Action

NO_REFERER = "none"

Way: TypeAlias = Literal["key", "token", "signed", "user", "hook"]
Ways: TypeAlias = Annotated[list[Way], Field(min_length=1)]


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise PydanticCustomError("network", "{reason}", {"reason": str(error)}) from error
    return text


Network: TypeAlias = Annotated[str, AfterValidator(_network)]
Origin: TypeAlias = Annotated[str, Field(pattern=r"^https?://[^/]+$")]
LimitOrNone: TypeAlias = Annotated[int, Field(ge=0)]


class AccessSettings(BaseModel):
    """What the gate asks for on the streams of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: Literal["anonymous", "key", "token", "signed", "user", "hook"] | Ways = Field(
        default="key",
        description='Who may publish: "anonymous" lets anybody publish who reaches the port; '
        'otherwise one way or a list of ways, each of which is enough: "key" asks for a stream '
        'key, "token" for a JWT, "signed" for a signed URL, "user" for a name and a password, '
        '"hook" asks your application when nothing else has decided.',
    )
    play: Literal["open", "key", "token", "signed", "user", "hook"] | Ways = Field(
        default="open",
        description='Who may play: "open" lets anybody; otherwise as for publish.',
    )
    publish_allow: list[Network] = Field(
        default=[],
        description="Networks from which one may publish, as 192.0.2.0/24; empty: from all.",
    )
    publish_deny: list[Network] = Field(
        default=[], description="Networks from which nobody may publish, whatever they show."
    )
    play_allow: list[Network] = Field(
        default=[], description="Networks from which one may play; empty: from all."
    )
    play_deny: list[Network] = Field(
        default=[], description="Networks from which nobody may play, whatever they show."
    )
    referers: list[str] = Field(
        default=[],
        description="Hosts whose pages may refer to streams over HTTP, as *.example.com; "
        '"none" also lets in who names no page; empty: all.',
    )
    origins: list[Origin] = Field(
        default=[],
        description="Web pages that may play over HTTP, as https://example.com; players that are "
        "no web pages may too; empty: all.",
    )
    token_keys: str = Field(
        default="",
        description="What tokens are signed with: a file with a secret (HS256), a public key in "
        "PEM (RS256, EdDSA) or a JWKS, or the http(s) address of a JWKS; empty: signing.key of "
        "the data folder.",
    )
    token_issuer: str = Field(default="", description="`iss` of the tokens; empty: any.")
    token_audience: str = Field(default="", description="`aud` of the tokens; empty: any.")
    end_when_expired: Literal["nobody", "publishers", "everybody"] = Field(
        default="nobody",
        description="Who is ended when the token or signed URL expires that they came with: "
        '"nobody", since it says until when one may begin, "publishers" or "everybody".',
    )
    user_scheme: Literal["adobe", "llnw"] = Field(
        default="adobe",
        description="How users are asked for their passwords over RTMP: Adobe's way or "
        "Limelight's; clients that ask for one of them get that one.",
    )
    max_kbps: LimitOrNone = Field(
        default=0, description="Kilobits a second that a publisher may send, over 5 s. 0: any."
    )
    max_width: LimitOrNone = Field(
        default=0, description="Pixels that a publisher's picture may be wide. 0: any."
    )
    max_height: LimitOrNone = Field(
        default=0, description="Pixels that a publisher's picture may be high. 0: any."
    )
    max_publish_s: LimitOrNone = Field(
        default=0, description="Seconds that one connection may publish. 0: any."
    )
    excess: Literal["warn", "refuse", "cut"] = Field(
        default="cut",
        description='When a publisher sends more: "warn" says so, "refuse" also keeps what begins '
        'with too much off the air, "cut" ends the publication.',
    )

    def ways(self, action: Action) -> Sequence[str]:
        """In which ways somebody may be let in; none: anybody may."""
        chosen = self.play if action is Action.PLAY else self.publish
        if chosen in ("open", "anonymous"):
            return ()
        return (chosen,) if isinstance(chosen, str) else chosen

    @property
    def policy(self) -> Policy:
        """What holds for every publisher."""
        return Policy(
            max_kbps=self.max_kbps or None,
            max_width=self.max_width or None,
            max_height=self.max_height or None,
            max_s=self.max_publish_s or None,
            excess=Excess(self.excess),
        )
