"""Members and API keys, as a circle's admins manage them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.meanwhile import meanwhile
from triform.circles.errors import LastAdmin
from triform.circles.model import Role
from triform.errors import Forbidden, InvalidInput, NotFound, TriformError, Unauthenticated
from triform.storage.database import Database
from triform.testing.circles import Access


async def role_of(access: Access, circle: str, identity: str) -> Role:
    return (await access.sign_in.dev(circle, identity)).role


async def test_the_founder_is_the_first_member(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    (member,) = (await act(acme.token, "members")).value["members"]
    assert (member["identity"], member["role"]) == ("acme", "admin")
    assert member["created_at"].endswith("Z")


async def test_a_member_signs_in_with_the_role_it_was_given(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    reply = await act(acme.token, "member_set", identity="Bob", role="viewer")
    assert reply.value == {"identity": "bob", "role": "viewer", "created": True}
    assert await role_of(access, "acme", "bob") is Role.viewer
    members = (await act(acme.token, "members")).value["members"]
    assert [(member["identity"], member["role"]) for member in members] == [("acme", "admin"), ("bob", "viewer")]


async def test_a_new_role_holds_at_once_for_sessions_and_keys(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    bob = await access.sign_in.dev("acme", "bob")
    key = (await act(bob.token, "token_create", name="ci", role="member")).value["token"]
    before = await access.credentials.principal(f"Bearer {key}", None)
    assert before.role is Role.member
    reply = await act(acme.token, "member_set", identity="bob", role="viewer")
    assert reply.value["created"] is False
    assert (await access.credentials.principal(f"Bearer {bob.token}", None)).role is Role.viewer
    after = await access.credentials.principal(f"Bearer {key}", None)
    assert after.role is Role.viewer
    assert after.credential_revision > before.credential_revision


async def test_removing_a_member_ends_its_sessions_and_keys_for_good(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    bob = await access.sign_in.dev("acme", "bob")
    key = (await act(bob.token, "token_create", name="ci", role="admin")).value["token"]
    await access.credentials.principal(f"Bearer {key}", None)
    removed = (await act(acme.token, "member_remove", identity="bob")).value
    assert (removed["identity"], removed["removed"]) == ("bob", True)
    await act(acme.token, "member_set", identity="bob", role="admin")
    for secret in (bob.token, key):
        with pytest.raises(Unauthenticated):
            await access.credentials.principal(f"Bearer {secret}", None)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(bob.refresh_token)


async def test_a_former_member_stays_what_it_is_elsewhere(access: Access, act: Any) -> None:
    acme, bob = await access.sign_in.dev("acme"), await access.sign_in.dev("bob")
    await act(acme.token, "member_set", identity="bob", role="member")
    await act(acme.token, "member_remove", identity="bob")
    with pytest.raises(NotFound):
        await access.sign_in.dev("acme", "bob")
    assert (await access.credentials.principal(f"Bearer {bob.token}", None)).role is Role.admin


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("member_set", {"role": "member"}), ("member_remove", {})],
)
async def test_the_last_admin_stays_admin(access: Access, act: Any, operation: str, arguments: Any) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="member")
    with pytest.raises(LastAdmin):
        await act(acme.token, operation, identity="acme", **arguments)
    await act(acme.token, "member_set", identity="acme", role="admin")
    await act(acme.token, "member_set", identity="bob", role="admin")
    await act(acme.token, operation, identity="acme", **arguments)
    assert await role_of(access, "acme", "bob") is Role.admin


@pytest.mark.parametrize("operation", ["member_set", "member_remove"])
async def test_two_admins_who_shut_each_other_out_at_once_leave_one(
    access: Access, act: Any, database: Database, operation: str
) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    bob = await access.sign_in.dev("acme", "bob")
    arguments = {"role": "viewer"} if operation == "member_set" else {}
    outcomes = await asyncio.gather(
        act(acme.token, operation, identity="bob", **arguments),
        act(bob.token, operation, identity="acme", **arguments),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Forbidden | Unauthenticated) for outcome in outcomes) == 1
    assert await database.fetchval("SELECT count(*) FROM members WHERE role = 'admin'") == 1


async def test_two_admins_who_both_step_down_at_once_leave_one(
    access: Access, act: Any, database: Database
) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    bob = await access.sign_in.dev("acme", "bob")
    outcomes = await asyncio.gather(
        act(acme.token, "member_set", identity="acme", role="member"),
        act(bob.token, "member_set", identity="bob", role="member"),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, LastAdmin) for outcome in outcomes) == 1
    assert await database.fetchval("SELECT count(*) FROM members WHERE role = 'admin'") == 1


async def test_whoever_steps_down_counts_the_admins_that_another_node_leaves(
    access: Access, act: Any, database: Database
) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    lock = "SELECT FROM circles FOR NO KEY UPDATE"
    demote = "UPDATE members SET role = 'member' FROM identities i WHERE i.id = identity_id AND i.name = 'bob'"
    async with meanwhile(database, lock, demote):
        with pytest.raises(LastAdmin):
            await act(acme.token, "member_set", identity="acme", role="member")


async def test_a_key_made_while_its_owner_is_removed_does_not_outlive_the_membership(
    access: Access, act: Any
) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="admin")
    bob = await access.sign_in.dev("acme", "bob")
    made, _ = await asyncio.gather(
        act(bob.token, "token_create", name="late", role="admin"),
        act(acme.token, "member_remove", identity="bob"),
        return_exceptions=True,
    )
    await act(acme.token, "member_set", identity="bob", role="admin")
    assert (await act(acme.token, "tokens")).value["tokens"] == []
    if not isinstance(made, BaseException):
        with pytest.raises(Unauthenticated):
            await access.credentials.principal(f"Bearer {made.value['token']}", None)


async def test_a_key_is_shown_once_and_never_recorded_or_listed(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    reply = await act(
        acme.token,
        "token_create",
        name="ci",
        role="operator",
        scopes=["invoke"],
        expires_at="2030-01-01T01:00:00+01:00",
    )
    assert reply.value["token"].startswith("trif_")
    assert reply.recorded == {key: value for key, value in reply.value.items() if key != "token"}
    assert (await act(acme.token, "tokens")).value == {"tokens": [reply.recorded]}
    assert reply.recorded == {
        "token_id": reply.value["token_id"],
        "name": "ci",
        "role": "operator",
        "scopes": ["invoke"],
        "created_by": "acme",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2030-01-01T00:00:00.000000Z",
    }


async def test_a_revoked_key_is_listed_no_more_and_can_be_revoked_again(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    token_id = (await act(acme.token, "token_create", name="ci", role="viewer")).value["token_id"]
    first = await act(acme.token, "token_revoke", token_id=token_id)
    assert first.value["revoked_at"] == "2026-01-01T00:00:00.000000Z"
    assert (await act(acme.token, "token_revoke", token_id=token_id)).value == first.value
    assert (await act(acme.token, "tokens")).value == {"tokens": []}


async def test_keys_and_members_of_another_circle_are_out_of_reach(access: Access, act: Any) -> None:
    acme, rival = await access.sign_in.dev("acme"), await access.sign_in.dev("rival")
    made = (await act(rival.token, "token_create", name="theirs", role="admin")).value
    for token_id in (made["token_id"], str(uuid4()), str(UUID(int=0))):
        with pytest.raises(NotFound):
            await act(acme.token, "token_revoke", token_id=token_id)
    assert (await act(acme.token, "tokens")).value == {"tokens": []}
    with pytest.raises(NotFound):
        await act(acme.token, "member_remove", identity="rival")
    principal = await access.credentials.principal(f"Bearer {made['token']}", None)
    assert principal.circle.name == "rival"


async def test_a_session_is_not_ended_through_the_operation_for_keys(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    session = await access.credentials.principal(f"Bearer {acme.token}", None)
    with pytest.raises(NotFound):
        await act(acme.token, "token_revoke", token_id=str(session.credential_id))


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("member_set", {"identity": "eve", "role": "admin"}),
        ("member_remove", {"identity": "acme"}),
        ("token_create", {"name": "x", "role": "viewer"}),
        ("token_revoke", {"token_id": str(UUID(int=0))}),
    ],
)
async def test_only_admins_change_anything_even_when_nobody_asked_before(
    access: Access, act: Any, operation: str, arguments: Any
) -> None:
    acme = await access.sign_in.dev("acme")
    await act(acme.token, "member_set", identity="bob", role="member")
    bob = await access.sign_in.dev("acme", "bob")
    with pytest.raises(Forbidden):
        await act(bob.token, operation, **arguments)


async def test_a_scoped_key_makes_no_key_beyond_its_scopes(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    maker = (
        await act(acme.token, "token_create", name="maker", role="admin", scopes=["token_create", "invoke"])
    ).value["token"]
    with pytest.raises(Forbidden, match="within its own scopes"):
        await act(maker, "token_create", name="more", role="admin", scopes=["members"])
    inherited = await act(maker, "token_create", name="same", role="admin")
    assert inherited.value["scopes"] == ["invoke", "token_create"]
    narrower = await act(maker, "token_create", name="less", role="viewer", scopes=["invoke"])
    assert narrower.value["scopes"] == ["invoke"]
    assert narrower.value["created_by"] == "acme"
    with pytest.raises(Forbidden, match="may not call member_set"):
        await act(maker, "member_set", identity="eve", role="admin")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("member_set", {}, "/identity"),
    ("member_set", {"identity": "\u212aelvin", "role": "viewer"}, "/identity"),
    ("member_set", {"identity": ["bob"], "role": "viewer"}, "/identity"),
    ("member_set", {"identity": "bob"}, "/role"),
    ("member_set", {"identity": "bob", "role": "owner"}, "/role"),
    ("member_set", {"identity": "bob", "role": "Admin"}, "/role"),
    ("member_set", {"identity": "bob", "role": 4}, "/role"),
    ("member_set", {"identity": "bob", "role": "level"}, "/role"),
    ("token_create", {"role": "viewer"}, "/name"),
    ("token_create", {"name": "", "role": "viewer"}, "/name"),
    ("token_create", {"name": "x" * 65, "role": "viewer"}, "/name"),
    ("token_create", {"name": "a/b", "role": "viewer"}, "/name"),
    ("token_create", {"name": "a\x00b", "role": "viewer"}, "/name"),
    ("token_create", {"name": "a\nb", "role": "viewer"}, "/name"),
    ("token_create", {"name": "\ud800", "role": "viewer"}, "/name"),
    ("token_create", {"name": " ci", "role": "viewer"}, "/name"),
    ("token_create", {"name": "ci", "role": None}, "/role"),
    ("token_create", {"name": "ci", "role": "viewer", "scopes": []}, "/scopes"),
    ("token_create", {"name": "ci", "role": "viewer", "scopes": "invoke"}, "/scopes"),
    ("token_create", {"name": "ci", "role": "viewer", "scopes": ["invoke", "*"]}, "/scopes/1"),
    ("token_create", {"name": "ci", "role": "viewer", "scopes": [{}]}, "/scopes/0"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": "tomorrow"}, "/expires_at"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": "2030-01-01"}, "/expires_at"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": "9999-12-31T23:59:59-23:00"}, "/expires_at"),
    ("token_create", {"name": "ci", "role": "viewer", "expires_at": 1893456000}, "/expires_at"),
    ("token_revoke", {}, "/token_id"),
    ("token_revoke", {"token_id": "1; drop table credentials"}, "/token_id"),
    ("token_revoke", {"token_id": 7}, "/token_id"),
]


async def test_every_wrong_argument_is_pointed_at(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    for operation, arguments, pointer in WRONG:
        with pytest.raises(InvalidInput) as refusal:
            await act(acme.token, operation, **arguments)
        assert refusal.value.errors[0].pointer == pointer, (operation, arguments)
        assert refusal.value.suggestion is not None


async def test_refusals_say_how_to_go_on(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    with pytest.raises(TriformError) as refusal:
        await act(acme.token, "member_remove", identity="acme")
    assert refusal.value.failure().code == "LAST_ADMIN"
    assert refusal.value.failure().suggestion is not None
