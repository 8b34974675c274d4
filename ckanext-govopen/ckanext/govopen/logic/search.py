"""The search index follows the database: what is public is decided there, never by the index.

Whoever changes a dataset leaves a row in the outbox inside the same transaction; `drain` brings the
index and the DataStore in line after the commit, and may run again at any time.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg2
import pysolr
import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.lib.search.index as ckan_index
import ckan.logic as ckan_logic
import ckan.model as model
from ckan.lib.search import SearchError, SearchIndexError
from ckan.lib.search.common import make_connection

from ckanext.govopen.domain.search_text import MINIMUM_MATCH, RELAXED_MATCH, in_pairs
from ckanext.govopen.logic import datastore, labels, names
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import review as review_store

log = logging.getLogger(__name__)

BATCH = 500
ROUND = 50  # packages in one transaction, so that a drain never waits long for another
LONGEST_TERM = 32000  # bytes; Solr refuses a document with a term over 32,766
SMALL = 100  # packages that a request indexes itself
# What CKAN's own code says of content that it cannot show.
UNSHOWN = (ValueError, TypeError, LookupError, AttributeError)


class _Collector:
    """Stands where CKAN's Solr connection stands and keeps the documents."""

    url = ""

    def __init__(self) -> None:
        self.docs: list[dict[str, Any]] = []

    def add(self, docs: Sequence[dict[str, Any]], **_options: object) -> None:
        self.docs.extend(docs)


_collector: ContextVar[_Collector | None] = ContextVar("govopen_collector", default=None)


def _connection_or_collector() -> Any:
    return _collector.get() or make_connection()


def install() -> None:
    """Lets `index_package` hand its documents to a collector; called when the plugin loads."""
    ckan_index.make_connection = _connection_or_collector


@contextmanager
def _collecting() -> Iterator[_Collector]:
    collector = _Collector()
    token = _collector.set(collector)
    try:
        yield collector
    finally:
        _collector.reset(token)


_is_held: ContextVar[bool] = ContextVar("govopen_search_held", default=False)


@contextmanager
def held() -> Iterator[None]:
    """Within this block nothing is drained: what is written will not be kept."""
    token = _is_held.set(True)
    try:
        yield
    finally:
        _is_held.reset(token)


def is_held() -> bool:
    """True inside `held`."""
    return _is_held.get()


def by_pairs(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The searches to try in turn until one finds something.

    Chinese phrases are asked for by pairs, the second time by fewer of them. Fields, quotes, and a
    parser or minimum match of the caller's own stay as they are.
    """
    text = asked.get("q")
    is_plain = isinstance(text, str) and not set(':"') & set(text)
    if not is_plain or {"defType", "mm"} & asked.keys() or in_pairs(text) == text:
        yield dict(asked)
        return
    for share in (MINIMUM_MATCH, RELAXED_MATCH):
        yield {**asked, "q": in_pairs(text), "mm": share}


def drain(limit: int = BATCH) -> int:
    """Indexes packages that wait in the outbox, at most about `limit` of them, in short rounds.

    Returns:
        packages done; fewer than wait when Solr or the DataStore is down, or another drain is long.
    """
    total = 0
    if _is_held.get():
        return total
    while total < limit and (done := _round()):
        total += done
    return total


def drain_all() -> int:
    """Drains until nothing waits or a part is down."""
    return drain(sys.maxsize)


def follow(context: Mapping[str, Any], packages: int = 1) -> None:
    """Brings the index in line after a commit, where somebody waits to see it.

    Large cases and the loading of a demo city are left to the worker, which drains every minute.
    """
    if packages <= SMALL and not context.get("govopen_demo_city"):
        drain()


def _round() -> int:
    session = model.Session
    try:
        taken = store.take_outbox(session, ROUND)
    except sa.exc.OperationalError:  # another drain holds the lock: it, or the next one, does it
        session.rollback()
        return 0
    if not taken:
        session.rollback()
        return 0
    package_ids = sorted(taken)
    session.expire_all()
    try:
        datastore.settle(session, package_ids)
        _index(package_ids)
    except (SearchError, SearchIndexError, pysolr.SolrError, OSError, psycopg2.Error) as error:
        session.rollback()
        # By its class alone: the message of an index that is down holds its address and password.
        log.warning("the outbox keeps %d packages: %s", len(taken), type(error).__name__)
        return 0
    store.forget_outbox(session, [seq for seqs in taken.values() for seq in seqs])
    session.commit()
    return len(taken)


def index_now(session: Session, package_id: str) -> None:
    """Indexes one package inside the caller's transaction; what waits for it is done with that.

    Raises:
        SearchError, pysolr.SolrError, OSError: Solr is down.
        sqlalchemy.exc.OperationalError: a drain holds the index.
    """
    store.lock_outbox(session)
    seqs = store.outbox_of(session, package_id)
    session.expire_all()
    _index([package_id])
    store.forget_outbox(session, seqs)


def _index(package_ids: Sequence[str]) -> None:
    """Documents by CKAN's own code and hooks, sent in one request with one soft commit."""
    index = ckan_index.PackageSearchIndex()
    absent: list[str] = []
    with _collecting() as collector:
        for package_id in package_ids:
            package = model.Package.get(package_id)
            if package is None or package.state == "deleted":
                absent.append(package_id)
                continue
            try:
                both = ckan_logic.package_show_default_and_custom_schemas({}, package_id)
                index.index_package(dict(both[0], with_custom_schema=both[1]), defer_commit=True)
            except UNSHOWN as error:  # the others are not to wait for it
                log.warning("dataset %s cannot be indexed: %s", package_id, type(error).__name__)
                absent.append(package_id)
    connection = make_connection()
    if absent:
        wanted = " OR ".join(f'"{package_id}"' for package_id in absent)
        connection.delete(q=f"id:({wanted})", commit=False)
    _send(connection, collector.docs)
    connection.commit(softCommit=True, waitSearcher=True)


def _send(connection: Any, documents: Sequence[dict[str, Any]]) -> None:
    """Sends documents; one that Solr refuses is left out and named, and holds up no other."""
    if not documents:
        return
    refused = _refusal(connection, documents)
    if refused is None:
        return
    if len(documents) == 1:
        log.error("Solr does not take dataset %s: %s", documents[0].get("id"), refused)
        connection.delete(q=f'id:"{documents[0].get("id")}"', commit=False)
        return
    middle = len(documents) // 2
    _send(connection, documents[:middle])
    _send(connection, documents[middle:])


def _refusal(connection: Any, documents: Sequence[dict[str, Any]]) -> str | None:
    """Why Solr does not take one of these documents; None when it took all."""
    try:
        connection.add(docs=list(documents), commit=False)
    except pysolr.SolrError as error:
        if "HTTP 400" not in str(error):
            raise
        return str(error)[:300]
    return None


def prepare(document: dict[str, Any]) -> dict[str, Any]:
    """What the index holds besides CKAN's fields: pinyin of the title, the unit's name, columns.

    The list of columns is text to search in; as one string it would not fit into a term of Solr.
    """
    items = document.pop("items", None)
    document.pop("extras_items", None)
    columns = json.loads(items) if isinstance(items, str) and items else items or []
    words = [str(item.get("name_zh") or "") for item in columns if isinstance(item, dict)]
    if any(words):
        document["extras_items"] = " ".join(words)
    unit = model.Group.get(document.get("organization") or "")
    if unit is not None:
        document["org_title"] = unit.title or unit.name
    _drop_long_terms(document)
    return {**document, **names.title_keys(str(document.get("title") or ""))}


def _drop_long_terms(document: dict[str, Any]) -> None:
    """An extra is indexed twice: as text of any length, and as one term, which has a limit."""
    for name, value in list(document.items()):
        if (
            f"extras_{name}" in document
            and isinstance(value, str)
            and len(value.encode()) > LONGEST_TERM
        ):
            del document[name]


def unreadable_hits(context: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Ids among the hits that the database does not let this user read: a stale index."""
    hits = [str(hit["id"]) for hit in found.get("results", []) if hit.get("id")]
    if not hits or context.get("ignore_auth"):
        return []
    public = review_store.public_ids(model.Session, hits)
    others = [package_id for package_id in hits if package_id not in public]
    stale = labels.unreadable_ids(user_of(context), others)
    if stale:
        log.error("the index showed %d datasets that may not be read: %s", len(stale), stale[:20])
        store.enqueue(model.Session, stale)
        model.Session.commit()
    return stale


def without(package_ids: Sequence[str]) -> list[str]:
    """Filter queries that leave datasets out of a search."""
    return ["-id:(" + " OR ".join(f'"{package_id}"' for package_id in package_ids) + ")"]


def reindex() -> int:
    """Puts every dataset into the outbox and drains it; gives how many were indexed."""
    store.enqueue_all(model.Session)
    model.Session.commit()
    return drain_all()


def waiting() -> int:
    """Datasets that wait to be indexed."""
    return store.count_outbox(model.Session)
