"""What stands around every model call of an agent, one file each; all of it works without steps of its own."""
