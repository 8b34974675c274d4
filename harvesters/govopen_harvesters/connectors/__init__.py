"""The connectors that come with the platform; each is named in the group `govopen.connectors`."""
