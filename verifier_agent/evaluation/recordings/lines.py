"""Files of JSON lines, plain or gzip: read as a stream, each line checked, the fault named."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verifier_agent.errors import ConfigurationError

LONGEST_LINE = 64 * 2**20
"""Bytes; no line is held in memory beyond this, whatever the file."""
GZIP = b"\x1f\x8b"
"""What a gzip file begins with."""
_BOM = b"\xef\xbb\xbf"
_BRANCHES = ("float", "int", "str")


class Strict(BaseModel):
    """Data from outside, which must be of the very types that are asked for."""

    # a field that is not known is somebody's own, and passed over
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, extra="ignore")


class Named(Strict):
    """What a line holds."""

    id: str = Field(min_length=1)
    """Unique in its file."""


Kind = TypeVar("Kind", bound=Named)
Checked = TypeVar("Checked", bound=Strict)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a pool that has not been looked into yet."""

    source: str
    number: int
    data: bytes

    def read(self, kind: type[Checked]) -> Checked:
        """Return what the line holds; raises ConfigurationError naming file, line and field."""
        try:
            return kind.model_validate_json(self.data)
        except ValidationError as error:
            first, *more = _faults(error)
            others = f" (and {len(more)} more on this line)" if more else ""
            raise ConfigurationError(
                f"{self.source}, line {self.number}: {first}{others}"
            ) from None


def _faults(error: ValidationError) -> list[str]:
    """Return what is wrong with a line, each fault once, as "field: fault"."""
    faults: dict[tuple[str, ...], str] = {}
    for one in error.errors(include_url=False, include_context=False):
        # pydantic names the branch of a union; to the reader of a file it is no field
        names = tuple(str(p) for p in one["loc"] if p not in _BRANCHES and "list[" not in str(p))
        faults.setdefault(names, f"{'.'.join(names)}: {one['msg']}" if names else one["msg"])
    deepest = [n for n in faults if not any(m[: len(n)] == n and m != n for m in faults)]
    return [faults[names] for names in deepest]


def lines(source: Path | str) -> Iterator[Line]:
    """Yield the lines of a file that hold something; gzip is known by its first bytes.

    Raises ConfigurationError for a file that cannot be read, is no file (a pool is read more than
    once), ends in the middle of its gzip stream, or has a line of more than `LONGEST_LINE` bytes.
    """
    path, number = Path(source), 0
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path}: a file is needed, it is read more than once")
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            # to typeshed the two have nothing in common
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
            while data := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(data) > LONGEST_LINE:
                    raise ConfigurationError(
                        f"{path}, line {number}: longer than {LONGEST_LINE // 2**20} MiB; "
                        "there is one JSON object per line"
                    )
                data = data.removeprefix(_BOM) if number == 1 else data
                if data.strip():
                    yield Line(str(path), number, data)
    except EOFError:
        raise ConfigurationError(
            f"{path}, line {number + 1}: the gzip stream ends here: the file is truncated"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ConfigurationError(
            f"{path}, line {number + 1}: the gzip stream is damaged: {error}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None


def read_lines(source: Path | str, kind: type[Kind]) -> Iterator[Kind]:
    """Yield what the lines of a file hold, one at a time.

    Raises ConfigurationError at the first line that is none of that kind, for an id that came
    before, and at the end of a file that holds nothing.
    """
    first: dict[str, int] = {}
    for line in lines(source):
        one = line.read(kind)
        if one.id in first:
            raise ConfigurationError(
                f"{line.source}, line {line.number}: id: {one.id!r} is the id of line "
                f"{first[one.id]} already"
            )
        first[one.id] = line.number
        yield one
    if not first:
        raise ConfigurationError(f"{source}: the file is empty")
