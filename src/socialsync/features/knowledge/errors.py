"""Why a document came to nothing, in sentences for whoever uploaded it."""

from typing_extensions import override

from socialsync.errors import Permanent


class Unreadable(Permanent):
    """Nothing can be learnt from this file. It comes from the process that read it, with message and fix."""

    @override
    def __reduce__(self) -> tuple[object, tuple[str, str | None]]:
        return _unreadable, (self.message, self.fix)


class TooLong(Unreadable):
    """The file has more characters than a document may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The file has more than {most:,} characters.", fix="Split it into smaller files.")


def _unreadable(message: str, fix: str | None) -> Unreadable:
    return Unreadable(message, fix=fix)
