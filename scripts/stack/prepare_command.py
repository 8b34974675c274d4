"""`prepare`: what an image build does beforehand: the virtual environment and Solr's jars."""

from __future__ import annotations

from stack import environment, identity, layout, preparation


def run(arguments: list[str]) -> int:
    """Make everything that is the same for every data folder."""
    del arguments
    checkout = layout.here()
    environment.ensure(checkout, identity.myself_or_nobody())
    preparation.bring_jars(checkout)
    return 0
