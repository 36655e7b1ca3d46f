"""Deployed zips unpacked (task roots and layers), and the folder with AWS's runtime client and SDK."""

import asyncio
import hashlib
import importlib.metadata
import io
import posixpath
import shutil
import tempfile
import uuid
import zipfile
from collections import Counter
from pathlib import Path
from typing import Final

from pytest_dsql.local.functions.invoke.account import Code
from pytest_dsql.local.functions.invoke.errors import InvalidZip

CLIENT: Final = ("awslambdaric", "simplejson", "snapshot_restore_py")
"""The runtime client's distribution and what it needs."""
SDK: Final = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
"""What Lambda's Python runtimes have besides. Source: developer guide, "Runtime-included SDK versions", 2026-11."""


KEPT: Final = 4
"""Unpacked zips that nobody uses at the moment; unpacking and compiling takes seconds where boto3 is in it."""


class Folders:
    """What environments have on disk, below one folder of ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made_here = not folder.exists()
        self._unpacked: dict[str, asyncio.Task[Path]] = {}
        self._users: Counter[str] = Counter()
        self.runtime = folder / "runtime"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "code").mkdir()
        link_client(self.runtime)

    async def unpacked(self, code: Code) -> Path:
        """Return a zip's files, unpacked once for all who have the same; raise InvalidZip.

        They are to be released.
        """
        name = hashlib.sha256(code.sha256.encode()).hexdigest()[:32]
        if name not in self._unpacked:
            work = asyncio.to_thread(unpack, code.content, self._folder / "code" / name)
            self._unpacked[name] = asyncio.create_task(work)
        self._users[name] += 1
        try:
            return await asyncio.shield(self._unpacked[name])
        except InvalidZip:
            self._unpacked.pop(name, None)
            self._users.pop(name, None)
            raise

    async def release(self, folder: Path) -> None:
        """Give files back. Of those that nobody uses, some are kept for the next change of configuration."""
        self._users[folder.name] -= 1
        unused = [name for name in self._unpacked if not self._users[name]]
        for name in unused[:-KEPT]:
            del self._unpacked[name]
            gone = (self._folder / "code" / name).rename(self._folder / "code" / f"gone-{uuid.uuid4().hex}")
            await asyncio.to_thread(shutil.rmtree, gone)

    async def close(self) -> None:
        """Remove all of it."""
        await asyncio.gather(*self._unpacked.values(), return_exceptions=True)
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        shutil.rmtree(self._folder / "code")
        shutil.rmtree(self.runtime)
        if self._made_here:
            self._folder.rmdir()


def link_client(runtime: Path) -> None:
    """Make a folder that has the runtime client and AWS's SDK in it, as they are installed here, and nothing else."""
    runtime.mkdir()
    for name in (*CLIENT, *SDK):
        for file in importlib.metadata.files(name) or ():
            top = file.parts[0]
            link = runtime / top
            if top != ".." and not top.endswith((".dist-info", ".pth", "__pycache__")) and not link.is_symlink():
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)


def unpack(code: bytes, folder: Path) -> Path:
    """Unpack a zip into a folder that is there only when it is complete; raise InvalidZip."""
    part = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            for entry in archive.infolist():
                _extract(archive, entry, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        shutil.rmtree(part)
        raise InvalidZip(f"Could not unzip uploaded file: {error}") from error
    except InvalidZip:
        shutil.rmtree(part)
        raise
    part.chmod(0o755)
    return part.rename(folder)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    if posixpath.normpath(entry.filename).partition("/")[0] in {"", ".."}:
        raise InvalidZip(f"Could not unzip uploaded file: {entry.filename} is outside of it")
    path = Path(archive.extract(entry, folder))
    mode = entry.external_attr >> 16 & 0o777
    if mode and path.is_file():
        path.chmod(mode | 0o400)
