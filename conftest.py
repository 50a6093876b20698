pytest_plugins = ["local_stack.fixtures"]
