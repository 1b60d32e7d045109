"""An element's life: versions, states, metadata, the end."""

import anyio
import pytest

from tests.acceptance.client import ECHO, HOLD, Circle, refused, run_id_of

OTHER = "def handler(input)\n  'other'\nend\n"


async def test_every_update_makes_a_version_whatever_it_changes(circle: Circle) -> None:
    element = await circle.ruby()
    for version, change in enumerate(({"name": "N"}, {"spec": {"memory_mb": 256}}, {"intention": "I"}, {}), 2):
        answer = await element.patch(change)
        assert answer.json()["version"] == version
        assert answer.headers["ETag"] == f'"{version}"'


async def test_a_spec_is_merged_deeply(circle: Circle) -> None:
    element = await circle.ruby(environment={"A": "1", "B": "2"})
    await element.patch({"spec": {"environment": {"B": "3"}, "retry": {"max_attempts": 1}}})
    spec = (await element.get()).json()["spec"]
    assert spec["environment"] == {"A": "1", "B": "3"}
    assert spec["retry"] == {"max_attempts": 1, "backoff_ms": 1000, "backoff_multiplier": 2.0}
    assert spec["source"]["code"] == ECHO


async def test_a_spec_is_replaced_whole_with_deep_false(circle: Circle) -> None:
    element = await circle.ruby(environment={"A": "1"}, memory_mb=256)
    await element.patch({"spec": {"source": {"code": OTHER}}, "deep": False})
    spec = (await element.get()).json()["spec"]
    assert (spec["environment"], spec["memory_mb"], spec["source"]["code"]) == ({}, 128, OTHER)


async def test_the_history_lists_versions_newest_first(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"memory_mb": 256}})
    await element.patch({"name": "Named"})
    told = (await element.get("/ops/version", params={"history": "true"})).json()
    assert told["version"] == 3
    assert [each["version"] for each in told["versions"]] == [3, 2, 1]
    assert set(told["versions"][0]) >= {"version", "created_at", "actor", "summary", "spec_digest", "commit"}
    digests = [each["spec_digest"] for each in told["versions"]]
    assert digests[0] == digests[1] != digests[2]
    limited = (await element.get("/ops/version", params={"history": "true", "limit": "2"})).json()
    assert [each["version"] for each in limited["versions"]] == [3, 2]


async def test_without_history_only_the_current_version_is_told(circle: Circle) -> None:
    told = (await (await circle.ruby()).get("/ops/version")).json()
    assert told["version"] == 1
    assert "versions" not in told


async def test_if_match_lets_an_update_through_only_at_that_version(circle: Circle) -> None:
    element = await circle.ruby()
    etag = (await element.get()).headers["ETag"]
    assert (await element.patch({"name": "First"}, headers={"If-Match": etag})).status_code == 200
    refused(await element.patch({"name": "Second"}, headers={"If-Match": etag}), 412, "VERSION_MISMATCH")
    assert (await element.get()).json()["name"] == "First"


async def test_if_match_guards_delete_disable_and_meta_too(circle: Circle) -> None:
    element = await circle.ruby()
    stale = {"If-Match": '"7"'}
    for verb, path, body in (
        ("DELETE", "?confirm=true", None),
        ("POST", "/ops/disable", {}),
        ("PATCH", "/ops/update_meta", {"meta": {}}),
    ):
        refused(await element.request(verb, path, json=body, headers=stale), 412, "VERSION_MISMATCH")
    assert (await element.get()).json()["state"] == "ready"


async def test_an_if_match_that_names_no_version_is_refused(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.patch({}, headers={"If-Match": '"abc"'}), 400, "INVALID_HEADER")


async def test_of_two_racing_updates_with_the_same_etag_one_wins(circle: Circle) -> None:
    element = await circle.ruby()
    statuses: list[int] = []

    async def update(number: int) -> None:
        answer = await element.patch({"name": f"N{number}"}, headers={"If-Match": '"1"'})
        statuses.append(answer.status_code)

    async with anyio.create_task_group() as racers:
        for number in range(8):
            racers.start_soon(update, number)
    assert sorted(statuses) == [200] + [412] * 7
    assert (await element.get()).json()["version"] == 2


async def test_racing_updates_without_an_etag_each_get_a_version(circle: Circle) -> None:
    element = await circle.ruby()
    versions: list[int] = []

    async def update(number: int) -> None:
        versions.append((await element.patch({"name": f"N{number}"})).json()["version"])

    async with anyio.create_task_group() as racers:
        for number in range(8):
            racers.start_soon(update, number)
    assert sorted(versions) == list(range(2, 10))


async def test_metadata_is_merged_shallowly_and_makes_no_version(circle: Circle) -> None:
    element = await circle.ruby()
    await element.request("PATCH", "/ops/update_meta", json={"meta": {"a": {"x": 1}, "b": 1}})
    answer = await element.request("PATCH", "/ops/update_meta", json={"meta": {"a": {"y": 2}}})
    assert answer.json()["meta"] == {"a": {"y": 2}, "b": 1}
    assert answer.json()["version"] == 1


async def test_slug_and_type_cannot_be_changed(circle: Circle) -> None:
    element = await circle.ruby()
    for change in ({"slug": "other"}, {"element_type": "circle"}):
        refused(await element.patch(change), 422, "INVALID_INPUT")
    assert (await element.get()).json()["version"] == 1


async def test_an_update_that_breaks_a_rule_changes_nothing(circle: Circle) -> None:
    element = await circle.ruby()
    problem = refused(await element.patch({"name": "X", "spec": {"memory_mb": 1}}), 422, "INVALID_SPEC")
    assert problem["errors"][0]["pointer"] == "/spec/memory_mb"
    told = (await element.get()).json()
    assert (told["version"], told["spec"]["memory_mb"]) == (1, 128)
    assert told["name"] != "X"


async def test_every_broken_place_is_named_with_a_pointer(circle: Circle) -> None:
    spec = {"source": {"code": ECHO}, "memory_mb": 1, "timeout_ms": "long", "nonsense": True, "retry": {"max": 1}}
    problem = refused(await circle.create("bad", spec), 422, "INVALID_SPEC")
    pointers = {each["pointer"] for each in problem["errors"]}
    assert pointers >= {"/spec/memory_mb", "/spec/timeout_ms", "/spec/nonsense", "/spec/retry/max"}
    refused(await circle.get("/bad"), 404, "NOT_FOUND")


async def test_warnings_do_not_stop_a_save_and_are_told(circle: Circle) -> None:
    answer = await circle.create("slow", {"source": {"code": ECHO}, "timeout_ms": 600_000})
    assert answer.status_code == 201
    assert answer.json()["warnings"][0]["pointer"] == "/spec/timeout_ms"


async def test_deploy_makes_ready_deployed_and_a_change_of_source_ready_again(circle: Circle) -> None:
    element = await circle.ruby()
    deployed = (await element.post("/ops/deploy", {})).json()
    assert set(deployed) >= {"deploy_id", "status", "lock", "bundle", "timings"}
    assert (await element.get()).json()["state"] == "deployed"
    assert (await element.patch({"spec": {"memory_mb": 256}})).json()["state"] == "deployed"
    assert (await element.patch({"spec": {"source": {"code": OTHER}}})).json()["state"] == "ready"


async def test_deploy_disable_enable_and_meta_make_no_version(circle: Circle) -> None:
    element = await circle.ruby()
    for path, body in (
        ("deploy", {}),
        ("disable", {"reason": "r"}),
        ("enable", {}),
        ("update_meta", {"meta": {"a": 1}}),
    ):
        assert (await element.post(f"/ops/{path}", body)).status_code == 200
    assert (await element.get()).json()["version"] == 1


@pytest.mark.parametrize("deploy", [False, True])
async def test_enable_restores_the_state_from_before_disable(circle: Circle, deploy: bool) -> None:
    element = await circle.ruby()
    if deploy:
        await element.post("/ops/deploy", {})
    assert (await element.post("/ops/disable", {})).json()["state"] == "disabled"
    expected = "deployed" if deploy else "ready"
    assert (await element.post("/ops/enable", {})).json()["state"] == expected


async def test_disable_and_enable_may_be_repeated(circle: Circle) -> None:
    element = await circle.ruby()
    states = [
        (await element.post(f"/ops/{name}", {})).json()["state"]
        for name in ("enable", "disable", "disable", "enable", "enable")
    ]
    assert states == ["ready", "disabled", "disabled", "ready", "ready"]


async def test_a_disabled_element_runs_nothing_and_charges_nothing(circle: Circle) -> None:
    element = await circle.ruby()
    await element.post("/ops/disable", {})
    before = await circle.wallet()
    refused(await element.invoke({}), 409, "ELEMENT_DISABLED")
    refused(await element.invoke({}, prefer="respond-async"), 409, "ELEMENT_DISABLED")
    assert await element.runs() == []
    assert await circle.wallet() == before


async def test_a_disabled_element_can_be_read_and_changed(circle: Circle) -> None:
    element = await circle.ruby()
    await element.post("/ops/disable", {})
    assert (await element.get()).status_code == 200
    answer = await element.patch({"spec": {"source": {"code": OTHER}}})
    assert (answer.json()["state"], answer.json()["version"]) == ("disabled", 2)


async def test_delete_wants_to_be_confirmed(circle: Circle) -> None:
    element = await circle.ruby()
    for options in ({}, {"params": {"confirm": "false"}}, {"json": {"confirm": False}}):
        problem = refused(await element.request("DELETE", **options), 428, "CONFIRMATION_REQUIRED")
        assert "confirm" in problem["_suggestion"]["fix"]
    assert (await element.get()).status_code == 200


async def test_an_element_with_a_running_run_cannot_be_deleted(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.printed(run_id, "started")
    problem = refused(await element.request("DELETE", params={"confirm": "true"}), 409, "ELEMENT_IN_USE")
    assert run_id in problem["errors"][0]["message"]
    await element.cancel(run_id)
    assert (await element.request("DELETE", params={"confirm": "true"})).status_code == 200


async def test_a_deleted_element_is_gone_for_good_and_its_runs_stay(circle: Circle) -> None:
    element = await circle.ruby()
    run_id = run_id_of(await element.invoke({"n": 1}))
    await element.request("DELETE", params={"confirm": "true"})
    for path in ("", "/ops/enable", "/ops/invoke", "/ops/runs"):
        refused(await element.post(path or "/ops/get", {}), 404, "NOT_FOUND")
    assert (await circle.get(f"/ops/runs/{run_id}")).json()["output"] == {"n": 1}
    assert (await circle.get("/ops/children")).json()["children"] == []


async def test_the_next_call_after_an_update_runs_the_new_code(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  1\nend\n")
    for number in (2, 3, 4):
        await element.patch({"spec": {"source": {"code": f"def handler(input)\n  {number}\nend\n"}}})
        answer = await element.invoke({})
        assert answer.json() == number
        assert answer.headers["Triform-Version"] == str(number)
