"""Where the agent meets its users: chat model, middleware, servers, evaluators, command line."""
