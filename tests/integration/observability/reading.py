"""/metrics read as Prometheus reads it."""

from collections.abc import Mapping

import httpx2
from prometheus_client.parser import text_string_to_metric_families


class Read:
    """Values by sample name and labels; `families` by name."""

    def __init__(self, text: str) -> None:
        found = list(text_string_to_metric_families(text))
        self.text = text
        self.names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
        self.samples = [sample for family in found for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        (value,) = [each.value for each in self.samples if each.name == name and each.labels == labels]
        return value

    def by(self, name: str, label: str) -> Mapping[str, float]:
        return {each.labels[label]: each.value for each in self.samples if each.name == name}


async def read(client: httpx2.AsyncClient, **headers: str) -> Read:
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Read(answer.text)
