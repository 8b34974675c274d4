"""The fictional city 云泽市: its content (`content.plan`) and how it is loaded."""

__all__: list[str] = []
