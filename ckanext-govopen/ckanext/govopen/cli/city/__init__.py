"""The fictional city 云泽市: its content (`content.plan`), how it is loaded, and the command."""

from ckanext.govopen.cli.city.command import city

__all__ = ["city"]
