"""Tokens of the API are good for what their role says, and for no more."""

from __future__ import annotations

from pathlib import Path

from slipstream.access import Operators, Role, Store
from tests.control.stage import TOKEN, serving


async def test_every_route_asks_for_its_role(tmp_path: Path) -> None:
    tokens = Operators(TOKEN, Store(tmp_path))
    made = {role: tokens.add(str(role), role) for role in Role}
    async with serving(folder=tmp_path) as stage:
        for route in stage.api.routes:
            for role, token in made.items():
                response = await stage.get(
                    route.path.replace("{", "").replace("}", ""),
                    {"Authorization": f"Bearer {token}"},
                    method=route.method,
                )
                refused = route.role is not None and not role.covers(route.role)
                assert (response.status == 403) is refused, (route.path, role)
                if refused:
                    assert response.content_type == "application/problem+json"
                    detail = (await response.json())["detail"]
                    assert detail == f"this needs the role '{route.role}', the token has '{role}'"


async def test_keys_are_for_who_may_do_everything(tmp_path: Path) -> None:
    token = Operators(TOKEN, Store(tmp_path)).add("ci", Role.OPERATE)
    async with serving(folder=tmp_path) as stage:
        headers = {"Authorization": f"Bearer {token}"}
        made = await stage.get("/api/v1/keys", headers, method="POST", body=b'{"app": "live"}')
        assert made.status == 403
        assert (await stage.json("/api/v1/keys"))["keys"] == []


async def test_looking_needs_the_least_of_roles() -> None:
    async with serving() as stage:
        for route in stage.api.routes:
            assert (route.role in (Role.READ, None)) is (route.method == "GET")


async def test_a_token_that_was_removed_is_wrong_at_once(tmp_path: Path) -> None:
    tokens = Operators(TOKEN, Store(tmp_path))
    headers = {"Authorization": f"Bearer {tokens.add('ci', Role.READ)}"}
    async with serving(folder=tmp_path) as stage:
        assert (await stage.get("/api/v1/streams", headers)).status == 200
        tokens.remove("ci")
        assert (await stage.get("/api/v1/streams", headers)).status == 401
