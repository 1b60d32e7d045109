"""In which order elements of a form are made: what a spec refers to comes first."""

from collections.abc import Iterator, Mapping

from triform.cli.form.model import Declared, Form, FormRefused, mistake, referred


def in_order(form: Form) -> list[Declared]:
    """Modifiers, then what runs, then what holds others, the inner ones first; the project last.

    Raises FormRefused when one holds itself.
    """
    known = {each.slug: each for each in form.all()}
    inner = {each.slug: [slug for slug in _inner(form, each) if slug in known] for each in form.all()}
    depth = _depths(form, inner, known)
    return sorted(form.all(), key=lambda each: (depth[each.slug], not each.kind.is_modifier))


def _inner(form: Form, declared: Declared) -> list[str]:
    if declared is form.project:
        return list(form.members)
    return [slug for *_, slug in referred(declared.kind, declared.spec)]


def _depths(form: Form, inner: Mapping[str, list[str]], known: Mapping[str, Declared]) -> dict[str, int]:
    """How many levels lie below each; the iterative walk takes any depth."""
    depth: dict[str, int] = {}
    for start in inner:
        path: dict[str, Iterator[str]] = {start: iter(inner[start])}
        while path:
            slug = next(reversed(path))
            following = next((each for each in path[slug] if each not in depth), None)
            if following is None:
                path.pop(slug)
                depth[slug] = 1 + max((depth[each] for each in inner[slug]), default=-1)
            elif following in path:
                _refuse(form, [*path, following], known)
            else:
                path[following] = iter(inner[following])
    return depth


def _refuse(form: Form, way: list[str], known: Mapping[str, Declared]) -> None:
    circle = way[way.index(way[-1]) :]
    at = known[circle[0]].at
    message = f"{' holds '.join(circle)}: none of them can hold itself; take one out of the members"
    raise FormRefused([mistake(form.document, at, message)])
