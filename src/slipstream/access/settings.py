"""Who may publish and who may play. Each application may set its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from slipstream.access.request import Action

Way: TypeAlias = Literal["key", "token", "signed", "user", "hook"]
Ways: TypeAlias = Annotated[list[Way], Field(min_length=1)]


class AccessSettings(BaseModel):
    """What the gate asks for on the streams of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: Literal["anonymous", "key", "token", "signed", "user", "hook"] | Ways = Field(
        default="key",
        description='Who may publish: "anonymous" lets anybody publish who reaches the port; '
        'otherwise one way or a list of ways, each of which is enough: "key" asks for a stream '
        'key, "token" for a JWT, "signed" for a signed URL, "user" for a name and a password, '
        '"hook" asks your application over HTTP when nothing else has decided.',
    )
    play: Literal["open", "key", "token", "signed", "user", "hook"] | Ways = Field(
        default="open",
        description='Who may play: "open" lets anybody; otherwise as for publish.',
    )

    def ways(self, action: Action) -> Sequence[str]:
        """In which ways somebody may be let in; none: anybody may."""
        chosen = self.play if action is Action.PLAY else self.publish
        if chosen in ("open", "anonymous"):
            return ()
        return (chosen,) if isinstance(chosen, str) else chosen
