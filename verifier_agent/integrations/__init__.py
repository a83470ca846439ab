"""Where the agent meets its users: the command line."""
