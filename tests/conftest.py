"""What holds for every test: properties are judged by what they find, never by how long it took."""

from hypothesis import settings

settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")
