"""What viewers are shown while their publisher is away. Each application may set its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from slipstream.transcode.card import card_letters
from slipstream.transcode.font import missing_letters
from slipstream.transcode.order import CARD

NOTHING = ""


def _source(source: str) -> str:
    if source in (NOTHING, CARD):
        return source
    try:
        path = Path(source).expanduser()
    except RuntimeError as error:
        raise PydanticCustomError(
            "source", "no home folder is known for '~': give a whole path"
        ) from error
    if not path.is_file():
        raise PydanticCustomError(
            "source",
            'must be "card", "" or the path of a file; there is no file {path}',
            {"path": str(path)},
        )
    return str(path.absolute())


def _text(text: str) -> str:
    missing = missing_letters(card_letters(text))
    if missing:
        raise PydanticCustomError(
            "letters",
            "has letters that are not in our font: {letters}; a picture of your own has any",
            {"letters": " ".join(missing)},
        )
    return text


class SlateSettings(BaseModel):
    """What holds for every stream of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[str, AfterValidator(_source)] = Field(
        default=NOTHING,
        description="What viewers see and hear while the publisher is away: the path of a film, "
        'picture or sound, "card" for a picture with words on it, or "" for nothing.',
    )
    after_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=2,
        description="How long the publisher has been away, in seconds, when the slate begins; "
        "less than `streams.grace_s`, or nobody is left to see it.",
    )
    text: Annotated[str, Field(max_length=200), AfterValidator(_text)] = Field(
        default="We will be right back", description="The words on the card."
    )
