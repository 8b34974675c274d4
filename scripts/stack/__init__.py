"""The stack's own code: set-up, start, stop, status, logs, backup, restore and the test door.

It runs before anything is installed, so it uses the standard library alone (Python >= 3.10) and
never imports the product. What needs a library runs in the virtual environment as `ckan govopen`.
"""
