"""One operation of an element type, compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triform.chemistry.model import Level, Price, Provenance, Verb
from triform.chemistry.schema import CompiledSchema
from triform.errors import Complaint

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """An operation as declared; everything the path of a call asks is a field read.

    `path` is what follows `/ops/`, with `{name}` segments listed in `path_arguments`.
    `substrate` names the machinery (`platform`, `isolation`, …), `implementation` the function there.
    `execution`: runs user work. `recorded`: leaves a run. `success`: HTTP status of a good answer.
    `envelope`: the body is user data, so `_triform*` keys are stripped and a lone `payload`/`data`/`input`
    object is unwrapped. `query` describes query parameters that are not part of the input; `has_env`: one of them
    is `env`, so it runs what was promoted there. `replays`: carries out another run's operation once more and
    answers with the run that makes. `media_type`: of a good answer; bytes, when it is not JSON.
    """

    name: str
    verb: Verb
    path: str
    path_arguments: tuple[str, ...]
    level: Level
    summary: str
    description: str
    substrate: str
    execution: bool
    recorded: bool
    success: int
    envelope: bool
    implementation: str
    errors: tuple[str, ...]
    prices: tuple[Price, ...]
    provenance: Provenance
    input: CompiledSchema = field(repr=False)
    output: CompiledSchema = field(repr=False)
    query: CompiledSchema = field(repr=False)
    has_env: bool = False
    replays: bool = False
    media_type: str = JSON

    def check_input(self, value: Any) -> tuple[Complaint, ...]:
        """Every way `value` (path arguments included) departs from the input schema; empty = fine."""
        return self.input.check(value)

    def complete_input(self, value: Any) -> Any:
        """`value` with the schema's defaults filled in; never changes what it is given."""
        return self.input.complete(value)

    def read_query(self, pairs: Mapping[str, list[str]]) -> dict[str, Any]:
        """Query strings as the JSON values the input schema expects; what cannot be read stays a string."""
        return self.input.read_query(pairs)
