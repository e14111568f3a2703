"""Values that travel as Postgres keeps them: nobody writes them out as text, and nobody reads that."""

from psycopg import adapt, pq
from typing_extensions import override


class Binary(bytes):
    """A value as Postgres takes it of its type, which a cast around the parameter names."""


class BinaryDumper(adapt.Dumper):
    format = pq.Format.BINARY

    @override
    def dump(self, obj: Binary) -> Binary:
        return obj
