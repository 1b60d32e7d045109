"""Connection URLs as values: the same server, seen as another database or as another role."""

from urllib.parse import quote, urlsplit, urlunsplit


def at_database(dsn: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path="/" + quote(database, safe="")))


def as_role(dsn: str, role: str, password: str) -> str:
    """The same server and database, another login role."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))
