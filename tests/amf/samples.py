"""Any value that AMF can carry, and what it means that one comes back as it was."""

from __future__ import annotations

from datetime import UTC

from hypothesis import strategies as st

from slipstream.amf import UNDEFINED, EcmaArray, TypedObject, Value, Xml

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
dates = st.datetimes(timezones=st.just(UTC)).map(lambda date: date.replace(microsecond=0))
leaves = (
    st.none()
    | st.just(UNDEFINED)
    | st.booleans()
    | st.floats()
    | text
    | text.map(Xml)
    | st.binary(max_size=10)
    | dates
)


def any_value(
    *, names: st.SearchStrategy[str], more: st.SearchStrategy[Value] | None = None
) -> st.SearchStrategy[Value]:
    """Values nested a few levels deep; `more` are further ones to nest."""

    def containers(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
        members = st.dictionaries(names, inner, max_size=4)
        return (
            st.lists(inner, max_size=4)
            | members
            | members.filter(bool).map(EcmaArray)
            | st.builds(TypedObject, text.filter(bool), members)
        )

    return st.recursive(leaves if more is None else leaves | more, containers, max_leaves=12)


def alike(one: Value, other: Value) -> bool:
    """Same kinds, same contents, same order; NaN is alike NaN, and 1 is not alike True."""
    if type(one) is not type(other):
        return False
    match one, other:
        case float(), float():
            return repr(one) == repr(other)
        case list(), list():
            return len(one) == len(other) and all(map(alike, one, other))
        case dict(), dict():
            same_class = not isinstance(one, TypedObject) or vars(one) == vars(other)
            return (
                same_class
                and list(one) == list(other)
                and alike([*one.values()], [*other.values()])
            )
    return one == other
