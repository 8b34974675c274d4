"""Uploaded files of datasets: stored write-once under their SHA-256, described by the system alone.

Who uploads names neither hash, size nor media type, and never another file's path. What a browser
could run (HTML, SVG, scripts, programs) is refused by its content, whatever it is called.
"""

from __future__ import annotations

import errno
import mimetypes
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import magic
from flask import g, has_request_context
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib import munge

from ckanext.govopen import config
from ckanext.govopen.logic import blobs, names
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import revisions as revisions_store

SNIFFED_BYTES = 4096
MEGABYTE = 1 << 20
STEM_CHARACTERS = 80
# No space, no more for this account, no file so large: a fault of the machine, told as 503.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# What the content of a file with this extension may look like to libmagic.
_TEXT = ("text/plain", "text/csv", "application/csv", "text/x-", "application/json", "text/xml")
_ZIP = ("application/zip", "application/octet-stream", "application/vnd.openxmlformats")
_OLE = (
    "application/vnd.ms-",
    "application/x-ole-storage",
    "application/CDFV2",
    "application/msword",
)
_CONTENT = {
    "csv": _TEXT,
    "tsv": _TEXT,
    "txt": _TEXT,
    "json": _TEXT,
    "geojson": _TEXT,
    "ttl": _TEXT,
    "jsonld": _TEXT,
    "md": _TEXT,
    "xml": ("text/xml", "application/xml", "text/plain"),
    "rdf": ("text/xml", "application/xml", "text/plain"),
    "xlsx": _ZIP,
    "docx": _ZIP,
    "pptx": _ZIP,
    "zip": _ZIP,
    "ods": (*_ZIP, "application/vnd.oasis"),
    "odt": (*_ZIP, "application/vnd.oasis"),
    "xls": _OLE,
    "doc": _OLE,
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
}
KINDS = frozenset(_CONTENT)
_MEDIA = {
    "csv": "text/csv",
    "json": "application/json",
    "geojson": "application/geo+json",
    "xml": "application/xml",
    "rdf": "application/rdf+xml",
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "md": "text/markdown",
}

# Set by the system; what a client sends of these is put back to what is stored.
SYSTEM_FIELDS = (
    "hash",
    "size",
    "mimetype",
    "mimetype_inner",
    "cache_url",
    "cache_last_updated",
    "created",
    "last_modified",
    "metadata_modified",
    "datastore_active",
    "url_type",
    "datastore_contains_all_records_of_source_file",
)


def folder() -> Path:
    """Where the bytes lie: setting `ckanext.govopen.files_path`."""
    return config.files_path()


def media_type(filename: str, head: bytes) -> str:
    """The media type of a file by its content, which its extension must agree with.

    Raises:
        tk.ValidationError: `datasets.E3` for a kind that is not taken, or a name that lies.
    """
    extension = PurePosixPath(filename).suffix.lstrip(".").lower()
    seen = magic.from_buffer(head, mime=True) if head else "text/plain"
    accepted = _CONTENT.get(extension)
    if accepted is None or not seen.startswith(accepted):
        refuse("datasets.E3", "upload", filename, seen=seen, allowed=", ".join(sorted(_CONTENT)))
    guessed = mimetypes.guess_type(f"x.{extension}")[0]
    return _MEDIA.get(extension) or guessed or "application/octet-stream"


def safe_name(filename: str) -> str:
    """A file name of ASCII characters: Chinese ones become pinyin, as in addresses.

    CKAN drops them, which leaves no name at all of most files that offices have.
    """
    if filename.isascii():
        return str(munge.munge_filename(filename))
    path = PurePosixPath(filename.replace("\\", "/"))
    return f"{names.slug(path.stem, STEM_CHARACTERS)}{munge.munge_filename('x' + path.suffix)[1:]}"


def keep(stream: BinaryIO, filename: str) -> dict[str, Any]:
    """Stores the bytes of an upload.

    Returns:
        `{sha256, size, filename, media_type}` as they go to `govopen_file`.
    """
    stream.seek(0)
    head = stream.read(SNIFFED_BYTES)
    media = media_type(filename, head)
    stream.seek(0)
    limit = int(tk.config["ckan.max_resource_size"]) * MEGABYTE
    try:
        blob = blobs.put(stream, folder(), limit)
    except ValueError:
        refuse("datasets.E4", "upload", filename, limit=limit // MEGABYTE)
    except OSError as error:  # nothing is kept; whoever runs the site finds it in its log
        if error.errno in NO_ROOM and has_request_context():
            g.govopen_no_room = True
        raise
    return {
        "sha256": blob.sha256,
        "size": blob.size,
        "filename": filename,
        "media_type": media,
    }


class ResourceFile:
    """CKAN's uploader of one resource: keeps the bytes when made, binds them to the resource after.

    Bytes of a form that is refused later stay in the folder without a resource; they are found by
    nobody and collected by `reconcile`.
    """

    def __init__(self, resource: dict[str, Any]) -> None:
        self._clear = bool(resource.pop("clear_upload", None))
        upload = resource.pop("upload", None)
        self.kept: dict[str, Any] | None = None
        if isinstance(upload, FileStorage) and upload.filename:
            self.kept = keep(upload.stream, safe_name(upload.filename))
            self.filesize = self.kept["size"]
            self.mimetype = self.kept["media_type"]
            describe(resource, self.kept)
        elif self._clear:
            resource["url_type"] = ""

    def upload(self, resource_id: str, _max_size: int = 0) -> None:
        """Binds the stored bytes to the saved resource, or lets go of those it had."""
        if self.kept:
            user = tk.current_user
            actor = user.id if user and user.is_authenticated else "system"
            store.put_file(model.Session, resource_id=resource_id, actor=actor, **self.kept)
        elif self._clear:
            store.drop_file(model.Session, resource_id)

    def get_path(self, resource_id: str) -> str:
        """Path of the bytes of a resource, for the download."""
        found = store.file_of(model.Session, resource_id)
        if found is None:
            raise tk.ObjectNotFound
        return str(blobs.path_of(folder(), found["sha256"]))


def describe(resource: dict[str, Any], kept: Mapping[str, Any]) -> None:
    """Puts into a resource what its stored bytes say of themselves."""
    resource["url"] = kept["filename"]
    resource["url_type"] = "upload"
    resource["size"] = kept["size"]
    resource["mimetype"] = kept["media_type"]
    resource["hash"] = kept["sha256"]
    extension = PurePosixPath(kept["filename"]).suffix.lstrip(".").upper()
    if not resource.get("format"):
        resource["format"] = extension


def guard_fields(resources: list[dict[str, Any]], stored: dict[str, dict[str, Any]]) -> None:
    """Puts system fields back to what is stored; a client's values for them never apply.

    Args:
        resources: as the client sent them; changed in place.
        stored: resources of the dataset by id, as `package_show` gives them.
    """
    for resource in resources:
        known = stored.get(str(resource.get("id")), {})
        for name in SYSTEM_FIELDS:
            if name in known:
                resource[name] = known[name]
            else:
                resource.pop(name, None)
        if resource.get("upload") or resource.get("clear_upload"):
            for name in ("hash", "size", "mimetype", "last_modified"):
                resource.pop(name, None)
        elif known.get("url_type") == "upload":
            resource["url"] = known["url"]


def changed_bytes(session: Session) -> dict[str, Any]:
    """Reads every public file again, and those of revisions that are under review.

    Returns:
        `{files, changed: [{package_id, resource_id}]}`: how many were read, and those whose bytes
        are missing or not the approved ones.
    """
    rows = [*store.public_files(session), *revisions_store.staged_files(session)]
    changed = [
        {"package_id": row["package_id"], "resource_id": row["resource_id"]}
        for row in rows
        if not _holds(blobs.path_of(folder(), row["sha256"]), str(row["sha256"]))
    ]
    return {"files": len(rows), "changed": changed}


def _holds(path: Path, expected: str) -> bool:
    return path.is_file() and _digest(path) == expected


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(blobs.BLOCK):
            digest.update(block)
    return digest.hexdigest()
